"""Pictures of the images that most configurations miss, read from the data as it lies there when a report is written."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reports.ledger import row_number
from reports.page.thumbnails import MOST, MOST_BYTES, NOTHING, Thumbnails
from reports.records import StudySettings
from reports.verdict.mistakes import shown_configuration
from sweeps.errors import SweepInputError
from sweeps.image_look import ImageLook, Neighbours, stored_look
from sweeps.trust import is_known, is_outside
from sweeps.variables import expand

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL.Image import Image

    from reports.verdict import ReportData
    from reports.verdict.mistakes import MissedImage
    from trainer.data.sources.collected import Collected

SIDE = 160
"""Longest side of a picture, in pixels."""
SMALL = 64
"""Images up to this side are enlarged without smoothing, and kept as PNG: their pixels are what one wants to see."""
QUALITIES = (85, 70, 50)
MOST_BYTES_EACH = MOST_BYTES * 3 // 4 // MOST - 64
"""Of a picture before base64, which makes four characters of three bytes."""
LARGEST_ARRAYS = 1_000_000_000
"""Bytes of an .npz file that is read for a few pictures."""


def missed_thumbnails(data: ReportData) -> Thumbnails:
    """Pictures of the most missed images of a study.

    Args:
        data: of its report; nothing is read where the sweep file has ``report.images: false``, or nothing is missed.
    """
    settings = StudySettings(data.study)
    given = settings.section("data").get("source")
    sources = [each for each in (given if isinstance(given, list) else [given]) if isinstance(each, str)]
    if data.mistakes is None or not data.mistakes.missed or not sources or settings.section("report").get("images") is False:
        return NOTHING
    elsewhere = any("${" in each or is_outside(each) for each in sources)
    if elsewhere and not is_known(data.study.name, data.study.sweep_file):  # the storage may be a stranger's, and name any folder
        return Thumbnails(
            note="The images are not shown: this sweep file was not run on this machine, and its data.source lies outside the current folder. "
            "Write the report in a folder that holds the images."
        )
    wanted = data.mistakes.missed[:MOST]
    try:
        read = _first_of([_reader(expand(each, os.environ)) for each in sources])
    except (OSError, ValueError, SweepInputError) as error:
        return Thumbnails(note=f"The images are not shown: {error}.")
    return _pictures(wanted, read)


def report_pictures(data: ReportData) -> Thumbnails:
    """All pictures of a report: of the most missed images, and of what the recommended augmentation does, where a look at the end of the study left it.

    Args:
        data: of the report; nothing is read where the sweep file has ``report.images: false``.
    """
    if data.mistakes is None or StudySettings(data.study).section("report").get("images") is False:
        return NOTHING
    pictures = missed_thumbnails(data)
    place = StudySettings(data.study).entry("storage_path") or f"runs/{data.study.name}"
    elsewhere = not isinstance(place, str) or "${" in place or is_outside(place)
    if elsewhere and not is_known(data.study.name, data.study.sweep_file):
        return pictures  # a stranger's storage may name any folder
    look = stored_look(data.study)
    shown = shown_configuration(data.ranking)
    if look is None or shown is None or look.configuration != shown.configuration:
        return pictures
    return replace(
        pictures,
        policy=look.policy,
        preview=look.preview,
        preview_note=look.preview_note,
        hints={each.place: hint_of(each) for each in look.neighbours},
        compared=_compared(look),
        pairs=tuple((each.name, each.label, each.twin, each.twin_label) for each in look.pairs),
    )


def hint_of(image: Neighbours) -> str:
    """What the nearest training images say of a missed image, in a sentence or two."""
    parts = []
    if image.other:
        agreeing = "are all" if image.agreeing == image.asked else f"{image.agreeing} are"
        subject = f"Its {image.asked} nearest" if image.agreeing == image.asked else f"Of its {image.asked} nearest"
        parts.append(f"{subject} training images {agreeing} {image.other}: look at its label.")
    if image.twin:
        same = "same class" if image.twin_label == image.label else f"class {image.twin_label}"
        parts.append(f"Almost the same as the training image {image.twin} ({same}).")
    return " ".join(parts)


def _compared(look: ImageLook) -> str:
    """What comparing the validation images with the training images found."""
    if look.compared_note:
        return f"The validation images were not compared with the training images: {look.compared_note}."
    if not look.compared:
        return ""
    labels = sum(bool(each.other) for each in look.neighbours)
    text = (
        f"Each validation image was compared with all training images. By the features of trial {look.trial}'s file, {labels:,} of the missed images have "
        "5 nearest training images of which at least 4 share one other class: look at their labels."
    )
    if look.limit is None:
        return f"{text} Their pixels give no limit for near-duplicates."
    text += (
        f" {look.twins:,} of {look.compared:,} validation images have a near-duplicate in training by their pixels "
        f"(cosine distance below {1 - look.limit:.2g}, a limit from these images' own distances)"
    )
    return text + (f", {look.num_pairs:,} of them one of another class: look at both labels." if look.num_pairs else ".")


def _pictures(wanted: Sequence[MissedImage], read: Callable[[MissedImage], Image]) -> Thumbnails:
    """One picture each; an image that cannot be read is left out and counted."""
    from PIL.Image import DecompressionBombError

    pictures, problem, missing = {}, "", 0
    for image in wanted:
        try:
            pictures[image.place] = encoded(read(image))
        except (
            OSError,
            ValueError,
            IndexError,
            SyntaxError,
            DecompressionBombError,
        ) as error:  # what Pillow raises for files that are no images
            missing, problem = missing + 1, problem or str(error)
    note = f"{missing} of {len(wanted)} images cannot be shown ({problem})." if missing else ""
    return Thumbnails(pictures, note)


def _first_of(readers: Sequence[Callable[[MissedImage], Image]]) -> Callable[[MissedImage], Image]:
    """Reads an image where it lies: of several roots, in the first that has it."""

    def read(image: MissedImage) -> Image:
        for reader in readers[:-1]:
            with contextlib.suppress(OSError, ValueError):
                return reader(image)
        return readers[-1](image)

    return read


def _reader(source: str) -> Callable[[MissedImage], Image]:
    """How an image of a source is read by its name.

    Raises:
        ValueError: it is of a kind whose images are not read for a report, or is not there.
    """
    path = Path(source).expanduser()
    shards = _shards(source, path)
    if shards:
        if sum(each.stat().st_size for each in shards) > LARGEST_ARRAYS:
            raise ValueError(f"{source} is too large to be read for them")
        from trainer.data.sources import collect

        root = f"{path if path.is_dir() else path.parent}/"
        return _packed_reader(collect(source), root)
    if path.is_dir():
        return lambda image: _file(path, image.name)
    if path.is_file() and path.suffix in {".csv", ".parquet"}:
        return lambda image: _file(path.parent, image.name, elsewhere=True)
    if source == "digits":
        from trainer.data.sources import collect

        return _array_reader(collect(source))
    if path.is_file() and path.suffix == ".npz":
        if path.stat().st_size > LARGEST_ARRAYS:
            raise ValueError(f"{path} is too large to be read for them")
        from trainer.data.sources import collect

        return _array_reader(collect(source))
    if ":" in source:
        raise ValueError(f"images of {source} are not fetched for a report")
    raise ValueError(f"{source} is not at hand (looked in {Path.cwd()}); write the report where the images are")


def _file(root: Path, name: str, *, elsewhere: bool = False) -> Image:
    """An image file below a folder, with its orientation; a table may name files elsewhere."""
    from PIL import Image, ImageOps

    path = (root / name).resolve()
    if not elsewhere and not path.is_relative_to(root.resolve()):
        raise ValueError(f"{name} lies outside {root}")
    with Image.open(path) as opened:
        opened.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG is decoded at a fraction of its size
        return ImageOps.exif_transpose(opened).convert("RGB")


def _shards(source: str, path: Path) -> list[Path]:
    """Files that hold images by the many, where the source is some."""
    from trainer.data.sources.shards import has_images, is_record_file, shards_in

    library, _, name = source.partition(":")
    if library == "hf" and Path(name).expanduser().is_dir():
        return [each for each in Path(name).expanduser().rglob("*") if each.is_file()]
    if path.is_dir():
        return shards_in(path)
    return [path] if path.is_file() and (is_record_file(path) or (path.suffix == ".parquet" and has_images(path))) else []


def _packed_reader(collected: Collected, root: str) -> Callable[[MissedImage], Image]:
    """Images in files of many by their name below `root`."""
    from PIL import Image, ImageOps

    from trainer.data.packed import readable

    names = {str(each).removeprefix(root): each for each in collected.content}

    def read(image: MissedImage) -> Image.Image:
        if image.name not in names:
            raise ValueError(f"{image.name} is not in the data")
        with Image.open(readable(names[image.name])) as opened:
            return ImageOps.exif_transpose(opened).convert("RGB")

    return read


def _array_reader(collected: Collected) -> Callable[[MissedImage], Image]:
    """Images of arrays by their row, in the part that validation images come from; a row whose class is another now is refused."""
    from PIL import Image

    parts = np.asarray(collected.parts if collected.parts is not None else [""] * len(collected))
    part = next((each for each in ("validation", "train", "") if each in parts), "")
    of_part = np.flatnonzero(parts == part)
    content = np.asarray(collected.content)

    def read(image: MissedImage) -> Image.Image:
        row = row_number(image.name)
        if row is None or row >= len(of_part):
            raise ValueError(f"{image.name} is not in the data")
        place = of_part[row]
        if collected.class_names[collected.labels[place]] != image.label:
            raise ValueError(f"{image.name} is no {image.label} now: the data has changed")
        pixels = np.squeeze(content[place])
        if pixels.dtype != np.uint8:
            low, high = float(pixels.min()), float(pixels.max())
            pixels = ((pixels - low) / max(high - low, 1e-9) * 255).astype(np.uint8)
        return Image.fromarray(pixels).convert("RGB")

    return read


def encoded(image: Image) -> bytes:
    """A picture as a file of at most `MOST_BYTES_EACH` bytes.

    Raises:
        ValueError: even the strongest compression leaves more.
    """
    from PIL import Image as Pillow

    small = max(image.size) <= SMALL
    if small:
        factor = max(1, SIDE // 2 // max(image.size))
        image = image.resize((image.width * factor, image.height * factor), Pillow.Resampling.NEAREST)
    image.thumbnail((SIDE, SIDE))
    for quality in QUALITIES:
        buffer = io.BytesIO()
        if small and quality == QUALITIES[0]:
            image.save(buffer, format="PNG", optimize=True)
        else:
            image.save(buffer, format="JPEG", quality=quality)
        if buffer.tell() <= MOST_BYTES_EACH:
            return buffer.getvalue()
    raise ValueError("it does not become small enough")
