"""What an augmentation does to images, as one small picture: some training images, each beside what the training saw of it in its first epochs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.augmentation import policy_from
from trainer.data.batches import seen_in_epoch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image

    from trainer.config import TrainConfig
    from trainer.data import ImageData

SHOWN, EPOCHS = 8, (1, 2, 3)
"""Training images in the preview, and the epochs whose versions of them stand beside."""
ACROSS = 2
"""Images, each with its versions, in a row of the preview."""
SIDE, GAP = 88, 12
"""Side of a cell and space between images of the preview, in pixels."""
SMALL = 64
"""Images up to this side are enlarged without smoothing."""
MOST_PREVIEW_BYTES = 74_000
"""Of the JPEG: 100 kB as the page holds it."""
QUALITIES = (88, 75, 60, 45, 30)
DISCRETE = 255.0


def policy_in_words(setting: Any) -> str:  # noqa: ANN401 - a name, a mapping or a list of layers
    """An augmentation as a person would name it, ``rotate (degrees 15)``; empty for one that changes nothing."""
    policy = policy_from(setting)
    if policy.name == "none":
        return ""
    if isinstance(setting, str):
        return setting
    if isinstance(setting, dict):
        given = ", ".join(f"{name} {value}" for name, value in setting.items() if name != "name")
        return f"{policy.name} ({given})" if given else policy.name
    return ", ".join(str(entry.get("name") or next(iter(entry))) for entry in setting)


def preview(data: ImageData, config: TrainConfig) -> bytes:
    """JPEG of training images, each beside what the training saw of it in its first epochs.

    Args:
        data: of the training.
        config: of the training.
    """
    rows = spread_over_classes(data.train.labels, SHOWN)
    scale = DISCRETE if config.data.preprocessing == "per_image_max" else 1.0
    versions = [scale * seen_in_epoch(data, config, rows, epoch) for epoch in EPOCHS]
    originals = np.asarray(data.train.images[rows], np.float32)
    return _sheet([[_picture(each[place]) for each in (originals, *versions)] for place in range(len(rows))])


def spread_over_classes(labels: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Rows of at most `count` images, ``(k,)``: the first of each class, then the second of each, and so on."""
    turn = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        turn[of_class] = np.arange(len(of_class))
    return np.lexsort((labels, turn))[:count]


def _picture(pixels: NDArray[np.float32]) -> Image:
    """An image ``(height, width, channels)`` in [0, 255] as it fits a cell."""
    from PIL import Image

    levels = np.rint(np.clip(pixels, 0, DISCRETE)).astype(np.uint8)
    picture = Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels[..., :3]).convert("RGB")
    if max(picture.size) <= SMALL:
        factor = SIDE // max(picture.size)
        picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    picture.thumbnail((SIDE, SIDE))
    return picture


def _sheet(images: Sequence[Sequence[Image]]) -> bytes:
    """Images with their versions as one JPEG of at most `MOST_PREVIEW_BYTES`; empty where even the strongest compression leaves more."""
    from PIL import Image

    cells = len(images[0])
    width = ACROSS * cells * SIDE + (ACROSS - 1) * GAP + ACROSS * GAP // 2
    sheet = Image.new("RGB", (width, -(-len(images) // ACROSS) * (SIDE + GAP) - GAP), "white")
    for place, pictures in enumerate(images):
        row, column = divmod(place, ACROSS)
        left = column * (cells * SIDE + GAP + GAP // 2)
        for cell, picture in enumerate(pictures):
            aside = GAP // 2 if cell else 0  # the image itself stands a little apart
            x, y = left + cell * SIDE + aside, row * (SIDE + GAP)
            sheet.paste(picture, (x + (SIDE - picture.width) // 2, y + (SIDE - picture.height) // 2))
    for quality in QUALITIES:
        buffer = io.BytesIO()
        sheet.save(buffer, format="JPEG", quality=quality)
        if buffer.tell() <= MOST_PREVIEW_BYTES:
            return buffer.getvalue()
    return b""
