"""Activations of the frozen part in place of images: computed once for all epochs and all trainings that freeze the same part, kept on the node.

Without random augmentation they are those of the images (`Features.data`). With it, trainings with the same data stream see the same varied image in the same
epoch, and each epoch's activations are kept (`Features.of_epoch`). They are computed in one order and in chunks of one size, whatever a training's batches are,
so that they depend on the images, the network and the epoch alone.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from trainer.augmentation import policy_from
from trainer.data import ImageSet
from trainer.data.batches import evaluation_batches, varied_batches
from trainer.data.cache import cache_folder
from trainer.errors import ConfigError
from trainer.network.activations import Key, Stored, forget_checks, found_there, shallower, stored
from trainer.network.compile_key import precompute_problem
from trainer.network.parts import split_at
from trainer.network.preprocessing import preprocessing_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from trainer.config import TrainConfig
    from trainer.data import ImageData
    from trainer.data.images import Part
    from trainer.network.parts import BuiltModel, Split
    from trainer.records import FrozenBoundary


GIGABYTE = 1e9
TOLERANCE = 1e-3
"""Of the largest activation, within which a stored file's first chunk must be what the network gives now; rounding is some thousand times smaller."""
CHUNK = 64
"""Images that go through the frozen part at once."""
NHWC = 4
POOL = "pool"
"""The part that folds divide."""


def feature_split(built: BuiltModel, boundary: FrozenBoundary) -> Split:
    """Where a training on precomputed activations cuts its network.

    Raises:
        ConfigError: it cannot be cut there.
    """
    split = split_at(built, boundary)
    if split.frozen is None:
        raise ConfigError(
            f"training.frozen_features: precomputed is not possible here: the backbone cannot be cut at or before {boundary.layer}; "
            "freeze at least its first block, or use each_step."
        )
    return split


def check_exact(config: TrainConfig) -> None:
    """Refuse ``frozen_features: precomputed`` where it would train something else than the images do.

    Raises:
        ConfigError: names the setting and what to change.
    """
    problem = precompute_problem(config)
    if problem is not None and config.training.frozen_features == "precomputed":
        raise ConfigError(f"training.frozen_features: precomputed is not possible here: {problem[0]}; {problem[1]}, or use each_step.")


@dataclass(frozen=True)
class Prefix:
    """The frozen part as `Features` runs it.

    Attributes:
        depth: place of the cut among the backbone's operations.
        forward: raw images to activations at the cut, compiled.
        weights: hash of weights and statistics up to a depth.
        between: from a depth on to the cut: activations to activations, compiled.
    """

    depth: int
    forward: Callable[[Any], Any]
    weights: Callable[[int], str]
    between: Callable[[int], Callable[[Any], Any]]


class Features:
    """What one training is fed in place of images.

    Attributes:
        data: the study's images with training and validation images replaced by their activations, unvaried; the test images are left.
        config: the training's settings with nothing left to do to its inputs.
        seconds: spent so far on computing, finding and checking activations.
        computed, read: files of activations that this training computed, and that were there.
        saved: seconds that computing those took where they were computed.
    """

    def __init__(self, prefix: Prefix, data: ImageData, config: TrainConfig, say: Callable[[str], object] | None = None) -> None:
        """Args: say: told that activations cannot be kept; default: a warning."""
        self._say = say
        self.seconds = self.saved = 0.0
        self.computed = self.read = 0
        self._prefix, self._images, self._images_config = prefix, data, config
        self._kind = np.dtype(config.training.cache_dtype)
        self._varied = policy_from(config.data.augmentation).name != "none"
        fed = config.data.model_copy(update={"augmentation": "none", "preprocessing": "none"})
        self.config = config.model_copy(update={"data": fed})
        self._pool: ImageSet | None = None
        validation = self._unvaried("validation", data.validation)
        self._plain: ImageSet | None = validation if data.validation is data.train else None
        self.data = replace(data, validation=validation, train=data.train if self._varied else self.plain_train())

    def plain_train(self) -> ImageSet:
        """Activations of the training images as they are."""
        if self._plain is None:
            self._plain = self._unvaried("train", self._images.train)
        return self._plain

    def _unvaried(self, part: Part, images: ImageSet) -> ImageSet:
        """Activations of a part as it is; folds, which share all their images, choose theirs among those of the whole."""
        config, pool = self._images_config, self._images.pool
        if pool is None:
            return self._part(part, images, lambda: evaluation_batches(images, config, CHUNK))
        if self._pool is None:
            self._pool = self._part(POOL, pool.images, lambda: evaluation_batches(pool.images, config, CHUNK))
        return self._pool.view(pool.rows(self._images.fold or 1)[part])

    def of_epoch(self, epoch: int) -> ImageData:
        """The data with the training images as an epoch, counted from 1, varies them."""
        if not self._varied:
            return self.data
        config = self._images_config
        of = {"augmentation": config.data.model_dump(mode="json")["augmentation"], "stream": config.stream, "epoch": epoch}
        return replace(
            self.data, train=self._part("train", self._images.train, lambda: varied_batches(self._images, config, epoch, CHUNK), of)
        )

    def plain(self) -> ImageData:
        """The data with the training images as they are."""
        return replace(self.data, train=self.plain_train())

    def _part(self, part: str, images: ImageSet, batches: Any, varied: Any = None) -> ImageSet:  # noqa: ANN401 - a data set's maker, and plain data
        """Activations of one part as an image set ``(n, height, width, channels)``; a flat cut gives height and width 1."""
        began = time.monotonic()
        key = Key(self._family(part, len(images), varied), self._prefix.depth, self._prefix.weights(self._prefix.depth))
        found = self._checked(key, len(images), batches)
        self.seconds += time.monotonic() - began
        self.computed += found.computed
        self.read += not found.computed
        self.saved += 0.0 if found.computed else found.seconds
        return ImageSet(found.values, images.labels, None, images.width_of_targets)

    def _checked(self, key: Key, count: int, batches: Any) -> Stored:  # noqa: ANN401 - as above
        """Stored activations, compared with the network once a process: a person's backbone whose code has changed under the same weights gets its own file."""
        net = (self._images.image_shape, key.depth, key.weights)
        if net in _CHECKED:
            return self._stored(replace(key, weights=key.weights + _CHECKED[net]), count, batches)
        found = self._stored(key, count, batches)
        if found.computed:
            _CHECKED[net] = ""
            return found
        first = self._values(self._prefix.forward(next(iter(batches()))[0]))
        tolerance = TOLERANCE * max(float(np.abs(first).max()), 1e-30)
        close = bool(np.abs(found.values[: len(first)].astype(np.float32) - first).max() <= tolerance)
        _CHECKED[net] = "" if close else "x" + hashlib.blake2b(np.ascontiguousarray(first).data, digest_size=4).hexdigest()
        return found if close else self._stored(replace(key, weights=key.weights + _CHECKED[net]), count, batches)

    def _stored(self, key: Key, count: int, batches: Any) -> Stored:  # noqa: ANN401 - as above
        data = self._images_config.data
        folder, limit = cache_folder(data.cache_path), data.cache_disk_gb * GIGABYTE

        def write(array: NDArray[Any]) -> None:
            start = 0
            for values in self._computed(key, batches):
                array[start : start + len(values)] = values
                start += len(values)

        net = (self._images.image_shape, key.depth, key.weights)
        known = _SHAPES.get(net)
        if known is None:
            known = _SHAPES[net] = self._values(self._prefix.forward(next(iter(batches()))[0][:1])).shape[1:]
        return stored(folder, key, (count, *known), self._kind, limit, write, self._say)

    def _computed(self, key: Key, batches: Any) -> Iterator[NDArray[np.float32]]:  # noqa: ANN401 - as above
        """The activations chunk by chunk: from shallower ones where these are there and exact, else from the images."""
        if self._kind == np.float32:
            folder = cache_folder(self._images_config.data.cache_path)
            for depth, weights in shallower(folder, key):
                if weights == self._prefix.weights(depth):
                    source = found_there(folder, replace(key, depth=depth, weights=weights))
                    if source is not None:
                        forward = self._prefix.between(depth)
                        for start in range(0, len(source), CHUNK):
                            yield self._values(forward(np.ascontiguousarray(source[start : start + CHUNK])))
                        return
        for batch, *_ in batches():
            yield self._values(self._prefix.forward(batch))

    def _values(self, activations: Any) -> NDArray[np.float32]:  # noqa: ANN401 - a tensor
        values = np.asarray(activations, np.float32)
        return values if values.ndim == NHWC else values.reshape(len(values), 1, 1, -1)

    def _family(self, part: str, count: int, varied: Any) -> str:  # noqa: ANN401 - plain data
        """Hash of all that the activations of a part depend on but the cut and the weights."""
        import keras

        config = self._images_config
        device = "gpu" if tf.config.list_physical_devices("GPU") else "cpu"
        architecture = [
            config.model.backbone,
            config.model.options,
            preprocessing_kind(config),
            config.data.preprocessing,
            config.training.mixed_precision,
        ]
        pool = self._images.pool
        images = pool.fingerprint if part == POOL and pool is not None else self._images.fingerprint
        facts = [images, self._images.image_shape, part, count, varied, architecture, device, str(self._kind), CHUNK]
        text = json.dumps([*facts, keras.__version__, tf.__version__], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


Net = tuple[tuple[int, int, int], int, str]
_CHECKED: dict[Net, str] = {}
"""Cuts whose activations were compared with the network in this process: what is added to their files' names, nothing where they were equal."""
_SHAPES: dict[Net, tuple[int, ...]] = {}
"""Shape of one image's activations, by cut."""


def forget_networks() -> None:
    """Compare files with their checksums and with the network again, as a new process would."""
    forget_checks()
    _CHECKED.clear()
    _SHAPES.clear()
