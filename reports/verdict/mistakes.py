"""Where trainings err: the exported file's confusion matrix and accuracy by class, and the validation images that most configurations miss.

Counts alone are told, of images and trainings that are on record. An image that everybody misses may be hard, cut off, or wrongly labelled: which of these,
a person sees who looks at it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports.ledger import NO_LEDGERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from reports.ledger import Ledger, ValidationImages
    from reports.ranking import RankedConfiguration, Ranking
    from reports.records import StudyRecord

MOST_CONFIGURATIONS = 100
"""The best ones, whose ledgers are read: whatever a study's size, a report reads at most so many."""
MOST_TRAININGS = 3
"""Of each configuration."""
FEWEST_CONFIGURATIONS = 3
"""Fewer say nothing about what *most* of them miss."""
MOST_IMAGES = 200
"""The most missed ones, in the exports."""
MISSING = (
    "Which validation images these trainings got right is not on record. It is kept for trainings that end under this version, unless `data.validation_windows` "
    "gives each epoch other images or a trainable of your own does not tell it."
)


@dataclass(frozen=True)
class ClassFigures:
    """One class among the validation images, as an exported file sees it.

    Attributes:
        name: of the class.
        images: of it.
        right: of these.
        taken_for: other classes that its images were given, the most frequent first, each with their number.
    """

    name: str
    images: int
    right: int
    taken_for: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class FileMistakes:
    """What an exported file gets wrong on the validation images.

    Attributes:
        configuration: ID of its configuration.
        trial: that wrote it.
        images: validation images.
        right: of these.
        class_names: in the order of the outputs.
        confusion: ``(num_classes, num_classes)`` images; rows are right classes, columns predicted ones.
        classes: those that occur, in the order of the outputs.
    """

    configuration: str
    trial: int
    images: int
    right: int
    class_names: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    classes: tuple[ClassFigures, ...]


@dataclass(frozen=True)
class MissedImage:
    """A validation image that most configurations miss.

    Attributes:
        place: its identity, see `reports.ledger`.
        name: its path below the data's source, or its row there.
        label: its class as the data has it.
        predicted: what most exported files take it for, or empty where none is on record.
        agreeing: exported files that take it for that, of `files`.
        files: exported files that were asked.
        missed: configurations that are wrong on it in most of their late epochs, of `asked`.
        asked: configurations that validated on it.
    """

    place: int
    name: str
    label: str
    predicted: str
    agreeing: int
    files: int
    missed: int
    asked: int


@dataclass(frozen=True)
class Mistakes:
    """Where a study's trainings err.

    Attributes:
        file: of the recommended configuration; None where its predictions are not on record.
        configurations: whose ledgers were read, the best first.
        finished: usable configurations with a complete training; more than were read, where there are many.
        images: validation images of these.
        missed: images that more than half of at least three configurations miss, the most missed first, at most `MOST_IMAGES`.
        num_missed: how many there are.
        missed_by_all: how many are missed by every configuration that validated on them.
        missing: what is not on record and why, or empty.
    """

    file: FileMistakes | None = None
    configurations: int = 0
    finished: int = 0
    images: int = 0
    missed: tuple[MissedImage, ...] = ()
    num_missed: int = 0
    missed_by_all: int = 0
    missing: str = ""


def find_mistakes(study: StudyRecord, ranking: Ranking) -> Mistakes | None:
    """Read the ledgers of the best configurations and count; None where no finished training could have one.

    Args:
        study: its ledgers are read here, and only here.
        ranking: of the study.
    """
    usable = [row for row in ranking.finished if not row.unusable]
    if not usable or study.ledgers is NO_LEDGERS:
        return None
    best = usable[:MOST_CONFIGURATIONS]
    trainings = {row.configuration: [each.number for each in row.trials if each.state == "COMPLETE"][-MOST_TRAININGS:] for row in best}
    shown = shown_configuration(ranking) or usable[0]
    exported = None if shown.exported_by is None else shown.exported_by.number
    wanted = [*([] if exported is None else [exported]), *(number for numbers in trainings.values() for number in numbers)]
    ledgers = study.ledgers.read(wanted)
    if not ledgers:
        return Mistakes(finished=len(usable), missing=MISSING)
    kept = {configuration: [ledgers[number] for number in numbers if number in ledgers] for configuration, numbers in trainings.items()}
    kept = {configuration: of_it for configuration, of_it in kept.items() if of_it}
    missed = _missed_images(kept)
    return Mistakes(
        file=_file_mistakes(shown, ledgers),
        configurations=len(kept),
        finished=len(usable),
        images=missed.images,
        missed=missed.shown,
        num_missed=missed.number,
        missed_by_all=missed.by_all,
    )


def shown_configuration(ranking: Ranking) -> RankedConfiguration | None:
    """The configuration whose file is looked at: the recommended one, else the best that is usable; None where none is finished."""
    usable = [row for row in ranking.finished if not row.unusable]
    return next((row for row in usable if row.configuration == ranking.recommended), next(iter(usable), None))


def _file_mistakes(row: RankedConfiguration, ledgers: Mapping[int, Ledger]) -> FileMistakes | None:
    """Of the file that stands for a configuration."""
    ledger = None if row.exported_by is None else ledgers.get(row.exported_by.number)
    if row.exported_by is None or ledger is None or ledger.classes is None:
        return None
    confusion = confusion_matrix(ledger)
    names = ledger.validation.class_names
    return FileMistakes(
        configuration=row.configuration,
        trial=row.exported_by.number,
        images=len(ledger.labels),
        right=int(np.trace(confusion)),
        class_names=names,
        confusion=tuple(tuple(int(count) for count in counts) for counts in confusion),
        classes=tuple(_class_figures(names, place, counts) for place, counts in enumerate(confusion) if counts.sum()),
    )


def confusion_matrix(ledger: Ledger) -> NDArray[np.int64]:
    """Images by right class (rows) and class that the exported file gives them (columns), ``(num_classes, num_classes)``.

    Args:
        ledger: of a training whose exported file's classes are known.
    """
    size = len(ledger.validation.class_names)
    classes = ledger.labels if ledger.classes is None else ledger.classes
    return np.bincount(ledger.labels * size + classes, minlength=size * size).reshape(size, size)


def _class_figures(names: Sequence[str], place: int, counts: NDArray[np.int64]) -> ClassFigures:
    others = [each for each in np.argsort(-counts, kind="stable") if each != place and counts[each]]
    return ClassFigures(names[place], int(counts.sum()), int(counts[place]), tuple((names[each], int(counts[each])) for each in others))


@dataclass(frozen=True)
class _Missed:
    """What `_missed_images` finds: validation images, the most missed of those that most miss, how many these are, and how many everybody misses."""

    images: int
    shown: tuple[MissedImage, ...]
    number: int
    by_all: int


def _missed_images(kept: Mapping[str, Sequence[Ledger]]) -> _Missed:
    """Images that more than half of the configurations miss that validated on them, the most missed first.

    A configuration misses an image that is wrong in more than half of the late epochs of its trainings.
    """
    ledgers = [ledger for of_configuration in kept.values() for ledger in of_configuration]
    places = np.unique(np.concatenate([ledger.images for ledger in ledgers]))
    asked, missed, wrong = (np.zeros(len(places)) for _ in range(3))
    for of_configuration in kept.values():
        epochs, late_misses = np.zeros(len(places)), np.zeros(len(places))
        for ledger in of_configuration:
            columns = np.searchsorted(places, ledger.images)
            epochs[columns] += len(ledger.epochs)
            late_misses[columns] += (~ledger.right).sum(axis=0)
        share = np.divide(late_misses, epochs, out=np.zeros(len(places)), where=epochs > 0)
        asked += epochs > 0
        missed += share > 0.5  # noqa: PLR2004 - most of its late epochs
        wrong += share
    found = np.flatnonzero((asked >= FEWEST_CONFIGURATIONS) & (2 * missed > asked))
    order = found[np.lexsort((places[found], -wrong[found] / asked[found], -missed[found] / asked[found]))]
    described = _described(ledgers, places[order[:MOST_IMAGES]])
    counts = [(int(missed[each]), int(asked[each])) for each in order]
    by_all = sum(misses == of for misses, of in counts)
    images = [MissedImage(*image, *count) for image, count in zip(described, counts, strict=False)]
    images.sort(
        key=lambda each: (-each.missed / each.asked, -each.agreeing / max(1, each.files))
    )  # of equals, those first whose files agree
    return _Missed(len(places), tuple(images), len(order), by_all)


def _described(ledgers: Sequence[Ledger], places: NDArray[np.int64]) -> list[tuple[int, str, str, str, int, int]]:
    """Of some images ``(k,)``: place, name, class, what exported files most often take it for instead, how many do, and how many were asked."""
    splits = list({id(ledger.validation): ledger.validation for ledger in ledgers}.values())
    votes: list[Counter[str]] = [Counter() for _ in places]
    for ledger in ledgers:
        for image, column in _columns(ledger.validation, places):
            if ledger.classes is not None:
                votes[image][ledger.validation.class_names[ledger.classes[column]]] += 1
    named: dict[int, tuple[str, str]] = {}
    for split in reversed(splits):  # the first that has an image names it
        named |= {image: (split.name(column), split.class_names[split.labels[column]]) for image, column in _columns(split, places)}
    described = []
    for image, place in enumerate(places):
        name, label = named[image]
        others = [each for each in votes[image].most_common() if each[0] != label]
        predicted, agreeing = others[0] if others else ("", 0)
        described.append((int(place), name, label, predicted, agreeing, votes[image].total()))
    return described


def _columns(split: ValidationImages, places: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Which of some images ``(k,)`` a split has: their index in `places`, and their column in the split."""
    columns = np.minimum(np.searchsorted(split.places, places), len(split) - 1)
    there = np.flatnonzero(split.places[columns] == places)
    return [(int(image), int(columns[image])) for image in there]
