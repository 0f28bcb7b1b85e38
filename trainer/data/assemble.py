"""Parts put together: what loading from files and from arrays share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.data.collected import PARTS, Collected, Part
from trainer.data.fingerprint import fingerprint
from trainer.data.images import ImageData, ImageSet, Pixels
from trainer.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from trainer.config.data import DataConfig
    from trainer.data.split import Rows


def wanted_size(config: DataConfig) -> tuple[int, int] | None:
    """Height and width that images are brought to; None: as they are."""
    return (config.image_size, config.image_size) if isinstance(config.image_size, int) else config.image_size


def image_set(pixels: Pixels, collected: Collected, rows: npt.NDArray[np.int64], names: tuple[str, ...] | None) -> ImageSet:
    """One part: its pixels, and the labels of its `rows`."""
    return ImageSet(pixels, collected.labels[rows], names, len(collected.class_names))


def identity(digests: Sequence[str], collected: Collected, rows: Rows, shape: tuple[int, ...]) -> str:
    """The data's fingerprint; `shape` is the height, width and channels it is decoded to."""
    return fingerprint(digests, collected.labels, collected.class_names, rows, f"uint8 {shape}")


def assemble(sets: dict[Part, ImageSet], collected: Collected, fingerprint_of_all: str, skipped: tuple[str, ...]) -> ImageData:
    """The whole.

    Raises:
        DataError: there are no training or no validation images.
    """
    for part in PARTS[:2]:
        if part not in sets or not len(sets[part]):
            raise DataError(f"no {part} images; give some, or change data.split")
    return ImageData(sets["train"], sets["validation"], sets.get("test"), collected.class_names, fingerprint_of_all, skipped)
