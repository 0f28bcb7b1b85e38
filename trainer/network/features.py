"""Activations of the frozen part, computed once for all epochs and kept on the node for all trainings that freeze the same part."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from trainer.data import ImageSet
from trainer.data.batches import evaluation_batches
from trainer.data.cache import IMAGES, cache_folder, mapped
from trainer.errors import ConfigError, DataError
from trainer.network.compile_key import architecture_settings, precompute_problem
from trainer.network.parts import split_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from trainer.config import TrainConfig
    from trainer.data import ImageData
    from trainer.network.parts import BuiltModel, Split
    from trainer.records import FrozenBoundary


GIGABYTE = 1e9
TOLERANCE = 1e-3
"""Of the largest activation, within which a stored file's first batch must be what the network gives now; rounding is some thousand times smaller."""


@dataclass(frozen=True)
class Features:
    """What a training on precomputed activations is fed.

    Attributes:
        data: the study's images with training and validation images replaced by activations at the cut, float32; the test images are left.
        config: the training's settings with nothing left to do to its inputs.
        seconds: taken to compute, or to find, the activations.
    """

    data: ImageData
    config: TrainConfig
    seconds: float


def feature_split(built: BuiltModel, boundary: FrozenBoundary, config: TrainConfig) -> Split:
    """Where a training on precomputed activations cuts its network.

    Raises:
        ConfigError: it would not train what the images train.
    """
    _check_exact(config)
    split = split_at(built, boundary)
    if split.frozen is None:
        raise ConfigError(
            f"training.frozen_features: precomputed is not possible here: the backbone cannot be cut at or before {boundary.layer}; "
            "freeze at least its first block, or use each_step."
        )
    return split


def precompute(split: Split, forward: Callable[[Any], Any], data: ImageData, config: TrainConfig, weights: str) -> Features:
    """Activations of every training and validation image, from the node's cache where a training with the same frozen part has left them.

    Args:
        split: from `feature_split`, its weights and statistics as the training uses them.
        forward: its prefix, compiled.
        data: the images.
        config: the training.
        weights: hash of the prefix's weights and statistics.

    Raises:
        ConfigError: the training, unlike an earlier one of the same compiled network, varies its images.
        DataError: the cache folder cannot be written.
    """
    _check_exact(config)
    began = time.monotonic()
    name = _name(split, data, config, weights)
    train = _activations(name + "-train", forward, data.train, config)
    same = data.validation is data.train
    validation = train if same else _activations(name + "-validation", forward, data.validation, config)
    fed = config.data.model_copy(update={"augmentation": "none", "preprocessing": "none"})
    return Features(replace(data, train=train, validation=validation), config.model_copy(update={"data": fed}), time.monotonic() - began)


def _check_exact(config: TrainConfig) -> None:
    problem = precompute_problem(config)
    if problem is not None:
        raise ConfigError(f"training.frozen_features: precomputed is not possible here: {problem[0]}; {problem[1]}, or use each_step.")


def _name(split: Split, data: ImageData, config: TrainConfig, weights: str) -> str:
    """What the activations depend on, hashed: images, the frozen part's weights and statistics, where it ends, versions, device."""
    import keras

    digest = hashlib.blake2b(digest_size=16)
    device = "gpu" if tf.config.list_physical_devices("GPU") else "cpu"
    architecture = {key: value for key, value in architecture_settings(config).items() if key != "weights"}
    facts = [data.fingerprint, data.image_shape, len(data.train), len(data.validation), split.cut, architecture, device, weights]
    digest.update(json.dumps([*facts, keras.__version__, tf.__version__], sort_keys=True).encode())
    return f"features-{digest.hexdigest()}"


def _activations(name: str, forward: Callable[[Any], Any], images: ImageSet, config: TrainConfig) -> ImageSet:
    """A part's activations as an image set ``(n, height, width, channels)``; a flat cut gives height and width 1."""

    def batches() -> Any:  # noqa: ANN401 - an iterator of arrays
        for batch, _, _ in evaluation_batches(images, config):
            values = np.asarray(forward(batch), np.float32)
            yield values if values.ndim == 4 else values.reshape(len(values), 1, 1, -1)  # noqa: PLR2004 - NHWC

    def write(array: NDArray[np.float32]) -> None:
        start = 0
        for batch in batches():
            array[start : start + len(batch)] = batch
            start += len(batch)

    folder, kind, limit = cache_folder(config.data.cache_path), np.dtype(np.float32), config.data.cache_disk_gb * GIGABYTE
    known = _CHECKED.get((str(folder), name))
    if known is not None:
        stored: NDArray[np.float32] = mapped(folder, known.key, known.shape, write, limit, kind)
        if _inode(folder, known.key) == known.inode:
            return ImageSet(stored, images.labels, None, images.width_of_targets)
    first = next(iter(batches()))
    shape = (len(images), *first.shape[1:])
    own = hashlib.blake2b(np.ascontiguousarray(first).data, digest_size=8).hexdigest()
    # the second name is for a network that the first does not tell apart, e.g. a user's backbone whose code has changed under the same weights
    for key in (name, f"{name}-{own}"):
        stored = mapped(folder, key, shape, write, limit, kind)
        tolerance = TOLERANCE * max(float(np.abs(first).max()), 1e-30)
        if stored.shape[1:] == first.shape[1:] and bool(np.abs(stored[: len(first)] - first).max() <= tolerance):
            _CHECKED[str(folder), name] = _CheckedFile(key, shape, _inode(folder, key))
            return ImageSet(stored, images.labels, None, images.width_of_targets)
    raise DataError(f"{folder}: the activations stored as {name}* are damaged; delete these files and train again")


@dataclass(frozen=True)
class _CheckedFile:
    """A file whose first batch was compared with the network in this process; another file under its name has another `inode`."""

    key: str
    shape: tuple[int, ...]
    inode: int


_CHECKED: dict[tuple[str, str], _CheckedFile] = {}


def forget_checks() -> None:
    """Compare every file with the network again, as a new process would."""
    _CHECKED.clear()


def _inode(folder: Path, key: str) -> int:
    return (folder / f"{key}{IMAGES}").stat().st_ino
