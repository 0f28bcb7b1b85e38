"""Where trainings err, as tables: classes and confusion matrix of the recommended file, images that most configurations miss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import wording
from reports.page.thumbnails import NOTHING, data_uris, preview_uri

if TYPE_CHECKING:
    from reports.page.thumbnails import Thumbnails
    from reports.verdict import ReportData
    from reports.verdict.mistakes import ClassFigures, FileMistakes, MissedImage, Mistakes

MOST_CLASSES_IN_A_MATRIX = 20
"""A larger matrix cannot be read; the table of classes has what it would say."""
MOST_CLASSES, MOST_IMAGES, MOST_CONFUSIONS = 40, 50, 3
SHADES = 4


@dataclass(frozen=True)
class MistakesView:
    """What the template shows.

    Attributes:
        sentence: what was looked at, or what is missing.
        file_title: whose file it is, or empty.
        file_sentence: how many it gets right, and what that does not say.
        classes: name, images, right, accuracy and what it is taken for, the least accurate first.
        classes_left_out: how many more there are.
        matrix: name of each right class, with text and style (``is-right``, ``shade-0`` to ``shade-4``) of each cell; empty where it is too large.
        matrix_classes: names of the columns.
        images_sentence: how many images most configurations miss.
        images: name, class, what it is taken for, missed by, what its nearest training images say.
        has_hints: whether anything is said of any of them.
        images_left_out: how many more there are.
        pictures: address of the picture, then as in `images`, of those that are shown.
        pictures_note: why there are none, or fewer; empty otherwise.
        preview: address of the picture of augmented training images, or empty.
        preview_sentence: what it shows, or why there is none; empty where there is no policy to show.
        compared: what comparing validation images with training images found, in sentences; empty where nobody did.
        pairs: near-duplicates of different classes: validation image, its class, training image, its class.
    """

    sentence: str
    file_title: str = ""
    file_sentence: str = ""
    classes: tuple[tuple[str, str, str, str, str], ...] = ()
    classes_left_out: int = 0
    matrix: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    matrix_classes: tuple[str, ...] = ()
    images_sentence: str = ""
    images: tuple[tuple[str, str, str, str, str], ...] = ()
    has_hints: bool = False
    images_left_out: int = 0
    pictures: tuple[tuple[str, str, str, str, str, str], ...] = ()
    pictures_note: str = ""
    preview: str = ""
    preview_sentence: str = ""
    compared: str = ""
    pairs: tuple[tuple[str, str, str, str], ...] = ()


def mistakes_view(data: ReportData, mistakes: Mistakes, thumbnails: Thumbnails = NOTHING) -> MistakesView:
    """Put counts into tables and sentences.

    Args:
        data: of the report.
        mistakes: its mistakes.
        thumbnails: pictures of the most missed images.
    """
    preview = preview_uri(thumbnails)
    preview_sentence = _preview_sentence(thumbnails, shown=bool(preview))
    if mistakes.missing:
        return MistakesView(mistakes.missing, preview=preview, preview_sentence=preview_sentence)
    file = mistakes.file
    classes = () if file is None else sorted(file.classes, key=lambda each: (each.right / each.images, -each.images))
    return MistakesView(
        sentence=_sentence(mistakes),
        file_title="" if file is None else f"The file of {data.configuration(file.configuration).short}",
        file_sentence="The predictions of the recommended configuration's file are not on record."
        if file is None
        else _file_sentence(file),
        classes=tuple(_class_row(each) for each in classes[:MOST_CLASSES]),
        classes_left_out=max(0, len(classes) - MOST_CLASSES),
        matrix=() if file is None else _matrix(file),
        matrix_classes=() if file is None else tuple(file.class_names[place] for place in _columns(file)),
        images_sentence=_images_sentence(mistakes),
        images=tuple(_image_row(image, thumbnails) for image in mistakes.missed[:MOST_IMAGES]),
        has_hints=any(image.place in thumbnails.hints for image in mistakes.missed[:MOST_IMAGES]),
        pictures=_pictures(mistakes, thumbnails),
        pictures_note=thumbnails.note,
        images_left_out=mistakes.num_missed - min(MOST_IMAGES, len(mistakes.missed)),
        preview=preview,
        preview_sentence=preview_sentence,
        compared=thumbnails.compared,
        pairs=thumbnails.pairs,
    )


def _sentence(mistakes: Mistakes) -> str:
    whole = wording.count(mistakes.finished, "finished configuration")
    if mistakes.configurations == mistakes.finished:
        return f"From the predictions of {whole} on {wording.count(mistakes.images, 'validation image')}."
    return f"From the predictions of {mistakes.configurations:,} of {whole} on {wording.count(mistakes.images, 'validation image')}."


def _file_sentence(file: FileMistakes) -> str:
    share = wording.score(file.right / file.images, "accuracy")
    return (
        f"Trial {file.trial}: {file.right:,} of {wording.count(file.images, 'validation image')} right ({share}). "
        "Its epoch was chosen by these images, so that others may be missed more often."
    )


def _class_row(each: ClassFigures) -> tuple[str, str, str, str, str]:
    shown = ", ".join(f"{name} ({number:,})" for name, number in each.taken_for[:MOST_CONFUSIONS])
    more = sum(number for _, number in each.taken_for[MOST_CONFUSIONS:])
    taken_for = f"{shown}, others ({more:,})" if more else shown or wording.MISSING
    return each.name, f"{each.images:,}", f"{each.right:,}", wording.score(each.right / each.images, "accuracy", unit=False), taken_for


def _matrix(file: FileMistakes) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Rows of the confusion matrix among the classes that occur or are predicted; a mistake is the darker, the larger its share of the row."""
    columns = _columns(file)
    if not 2 <= len(columns) <= MOST_CLASSES_IN_A_MATRIX:  # noqa: PLR2004 - one class is confused with none
        return ()

    def cell(place: int, other: int) -> tuple[str, str]:
        count, images = file.confusion[place][other], sum(file.confusion[place])
        return f"{count:,}" if count else "·", "is-right" if other == place else f"shade-{math.ceil(SHADES * count / images)}"

    return tuple(
        (file.class_names[place], tuple(cell(place, other) for other in columns)) for place in columns if sum(file.confusion[place])
    )


def _columns(file: FileMistakes) -> list[int]:
    """Classes that occur among the images or the predictions."""
    return [place for place, counts in enumerate(file.confusion) if sum(counts) or sum(row[place] for row in file.confusion)]


def _images_sentence(mistakes: Mistakes) -> str:
    if mistakes.configurations < 3:  # noqa: PLR2004 - as `FEWEST_CONFIGURATIONS`
        return "Which images most configurations miss can be told from three finished configurations on."
    if not mistakes.num_missed:
        return "No validation image is missed by more than half of the configurations."
    what = wording.count(mistakes.num_missed, "validation image is", "validation images are")
    everybody = f", {mistakes.missed_by_all:,} of them by all" if mistakes.missed_by_all else ""
    return (
        f"{what} missed by more than half of the configurations{everybody}, in most of their late epochs. "
        "Such an image may be hard or wrongly labelled; the figures cannot tell which. Look at those first that many files take for the same other class."
    )


def _pictures(mistakes: Mistakes, thumbnails: Thumbnails) -> tuple[tuple[str, str, str, str, str, str], ...]:
    uris = data_uris(thumbnails)
    return tuple((uris[image.place], *_image_row(image, thumbnails)) for image in mistakes.missed if image.place in uris)


def _preview_sentence(thumbnails: Thumbnails, *, shown: bool) -> str:
    if not thumbnails.policy:
        return ""
    if shown:
        return (
            f"Policy {thumbnails.policy}. Eight training images at most, each followed by what the training saw of it in its first three epochs. "
            "Look whether you would still give each its class."
        )
    return f"Policy {thumbnails.policy}. No preview: {thumbnails.preview_note or 'the pictures do not become small enough'}."


def _image_row(image: MissedImage, thumbnails: Thumbnails) -> tuple[str, str, str, str, str]:
    taken_for = f"{image.predicted} ({image.agreeing:,} of {image.files:,})" if image.predicted else wording.MISSING
    return image.name, image.label, taken_for, f"{image.missed:,} of {image.asked:,}", thumbnails.hints.get(image.place, "")
