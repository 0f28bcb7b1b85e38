"""A closer look at a study's images once it is over, with the recommended model and its augmentation: what the report shows and cannot make itself.

`look_at` runs in the process that makes the leaders' models whole (`sweeps.launch.whole_models`): TensorFlow is there already.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sweeps.image_look import NAME, ImageLook, to_text
from trainer.augmentation import policy_from
from trainer.config import TrainConfig
from trainer.data import load_data
from trainer.data.batches import seen_in_epoch
from trainer.data.sources import collect
from trainer.data.staging import local_source
from trainer.errors import TrainerInputError
from trainer.places import open_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image

    from trainer.data import ImageData

MOST_FILES = 20_000
"""Image files that are decoded anew for a look."""
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


@dataclass(frozen=True)
class LookOrder:
    """What is to be looked at; plain data, so that it travels to another process.

    Attributes:
        study: its name.
        data: fingerprint of its images.
        configuration: ID of the recommended configuration.
        trial: whose exported model stands for it.
        config: of that training, as plain data, paths absolute.
    """

    study: str
    data: str
    configuration: str
    trial: int
    config: Mapping[str, Any]


def look_at(order: LookOrder, root: str) -> None:
    """Look, and leave what was found in the storage_path.

    Args:
        order: what is to be looked at.
        root: the study's storage_path.

    Raises:
        OSError: nothing can be written there.
        TrainerInputError: the address cannot be used.
    """
    look = ImageLook(order.study, order.data, order.configuration)
    config = TrainConfig(**order.config)
    policy = policy_in_words(config.data.augmentation)
    try:
        data = _loaded(config)
        look = replace(look, policy=policy, preview=preview(data, config) if policy else b"")
    except Exception as error:  # noqa: BLE001 - data that is gone, code of a person's own, memory: the report says it and does without
        look = replace(look, policy=policy, preview_note=_reason(error) if policy else "")
    open_folder(root, "storage_path").write(NAME, to_text(look).encode())


def _reason(error: Exception) -> str:
    """The first line of a message; with the kind of an error that was not made for people."""
    line = next(iter(str(error).strip().splitlines()), "")
    return line if line and isinstance(error, OSError | ValueError | TrainerInputError) else f"{type(error).__name__}: {line}".rstrip(": ")


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


def _loaded(config: TrainConfig) -> ImageData:
    """The images of a training, where it does not take long to have them.

    Raises:
        ValueError: there are too many files.
        DataError: they cannot be had.
    """
    with local_source(config.data) as source:
        collected = collect(source)
    if isinstance(collected.content, tuple) and len(collected) > MOST_FILES:
        raise ValueError(f"the data has {len(collected):,} image files, and at most {MOST_FILES:,} are decoded for it")
    return load_data(config.data)


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
