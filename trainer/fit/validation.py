"""What is measured after each epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.data import validation_window
from trainer.data.batches import evaluation_batches
from trainer.data.order import fewest_seen
from trainer.fit.metrics import metrics_of
from trainer.fit.scores import Scores, scores

if TYPE_CHECKING:
    from collections.abc import Mapping

    import tensorflow as tf
    from numpy.typing import NDArray

    from trainer.config import TrainConfig
    from trainer.data import ImageData, ImageSet
    from trainer.fit.network import Network
    from trainer.network.parts import Split

GAP_SHARE = 0.04
"""Of the images that an epoch sees, in the pass with batch statistics: what keeps the pass near 1 % of an epoch, at most 4 % with all frozen."""
GAP_IMAGES = (64, 128)
"""At least so many are in it, or all: few of large images, many of small ones, of which a pass costs little anyway."""
SMALL_BATCH_VALUES = 2**19
"""Pixel values of a validation batch up to which batches are enlarged: for small images the calls cost more than the arithmetic; large images in
large batches leave the processor's caches (MobileNetV2 at 96 pixels: batches of 75 take a fifth to a third longer than of 32)."""


@dataclass(frozen=True)
class Validation:
    """A validated epoch.

    Attributes:
        scores: in inference mode, over every validation image.
        batch_accuracy: with batch statistics, or None for a model without BatchNorm.
        windowed: the images of other epochs are others.
        by_batch: what the pass with batch statistics gave, or None where there was none.
        measured: metrics on demand by their recorded names.
    """

    scores: Scores
    batch_accuracy: float | None
    windowed: bool = False
    by_batch: Scores | None = None
    measured: Mapping[str, float] = field(default_factory=dict)


class Validator:
    """The validation pipelines of one training, made once."""

    def __init__(self, data: ImageData, config: TrainConfig, after: Split | None = None) -> None:
        """Make the pipelines; `after` is the cut whose activations `data` holds instead of images."""
        self._after = after
        self._data = data
        self._metrics = metrics_of(config, data.class_names)
        self._config = config
        self._windows = config.data.validation_windows != "all"
        small_batch = SMALL_BATCH_VALUES // math.prod(data.image_shape)
        # in parts where the training is: what did not fit while training may be too much here as well
        batch_size = max(config.training.batch_size // config.training.accumulate, min(1024, small_batch))
        self._batch_size = batch_size
        self._all: tf.data.Dataset | None = None
        rows = gap_rows(len(data.validation), len(data.train), small_batch, config.seed)
        self._gap_set = data.validation.take(rows)
        self._gap: tf.data.Dataset | None = None
        self._gap_rows = rows

    @property
    def images(self) -> int:
        """Validation images that an epoch sees; the fewest where windows differ in size."""
        return fewest_seen(self._data, self._config)

    def validate(
        self,
        network: Network,
        epoch: int,
        by_batch_layers: list[Any],
        carrier: Validation | None = None,
        logits: NDArray[np.float32] | None = None,
    ) -> Validation:
        """Measure the network as it stands.

        Args:
            network: weights in place.
            epoch: counted from 1; another window of the images each epoch where the configuration asks for that mistake.
            by_batch_layers: BatchNorm layers that normalise by the batch while training.
            carrier: the same epoch with other moving statistics of these layers: its pass with batch statistics is this one's too.
            logits: of all validation images, ``(n, units)``, where they are known already.
        """
        window: ImageSet = validation_window(self._data, self._config, epoch) if self._windows else self._data.validation
        if logits is None:
            logits = network.logits(self._batches(window), after=self._after)
        result = scores(logits, window.labels, self._data.num_classes)
        measured = self._metrics.measure(logits, window.labels, result.predicted)
        if not network.norms or not by_batch_layers:
            return Validation(result, result.accuracy if network.norms else None, self._windows, measured=measured)
        by_batch = self._by_batch(network, by_batch_layers) if carrier is None or carrier.by_batch is None else carrier.by_batch
        return Validation(result, self._batch_accuracy(result, by_batch), self._windows, by_batch, measured)

    def _batches(self, window: ImageSet) -> tf.data.Dataset:
        """Of all validation images, made once; of a window, each time."""
        if self._windows:
            return evaluation_batches(window, self._config)
        if self._all is None:
            self._all = evaluation_batches(self._data.validation, self._config, self._batch_size)
        return self._all

    def _by_batch(self, network: Network, by_batch_layers: list[Any]) -> Scores:
        """Scores of a fixed part of the validation set with batch statistics."""
        if self._gap is None:
            # at most the training's batch size, without a tiny last batch, whose statistics would be of a few images
            count = len(self._gap_set)
            self._gap = evaluation_batches(self._gap_set, self._config, -(-count // -(-count // self._config.training.batch_size)))
        return scores(network.logits(self._gap, by_batch_layers, after=self._after), self._gap_set.labels, self._data.num_classes)

    def _batch_accuracy(self, whole: Scores, by_batch: Scores) -> float:
        """Accuracy with batch statistics over the validation set, from a fixed part of it.

        The part's difference between both modes is added to the whole set's accuracy in inference mode: most of the part's own sampling error cancels.
        """
        if self._windows:
            return by_batch.accuracy
        inference = float(np.mean(whole.correct[self._gap_rows]))
        return float(np.clip(whole.accuracy + by_batch.accuracy - inference, 0.0, 1.0))


def gap_rows(num_val: int, num_train: int, small_batch: int, seed: int) -> NDArray[np.int64]:
    """Validation images of the pass with batch statistics, in an order mixed in class; the same every epoch.

    Args:
        num_val: validation images.
        num_train: training images.
        small_batch: images that make up `SMALL_BATCH_VALUES`.
        seed: of the training.

    Returns:
        Rows ``(k,)``: 4 % of the training and validation images together, at least 64 (128 of 32 by 32 pixels and smaller), at most all.
    """
    at_least = int(np.clip(small_batch, *GAP_IMAGES))
    count = min(num_val, max(at_least, round(GAP_SHARE * (num_train + num_val))))
    return np.random.default_rng([seed, num_val]).permutation(num_val)[:count]


def epoch_figures(validation: Validation, before: NDArray[np.bool_] | None) -> Mapping[str, float]:
    """The validation figures of an `EpochRecord`.

    Args:
        validation: of this epoch.
        before: which validation images were right in the epoch before, shape ``(n,)``; None in the first.
    """
    result = validation.scores
    figures = {
        "val_loss": result.loss,
        "val_accuracy": result.accuracy,
        "val_balanced_accuracy": result.balanced_accuracy,
        "val_macro_f1": result.macro_f1,
        "val_predicted_share": result.predicted_share,
    }
    if result.top5 is not None:
        figures["val_top5"] = result.top5
    figures |= validation.measured
    if validation.batch_accuracy is not None:
        figures["val_batch_accuracy"] = validation.batch_accuracy
    if validation.windowed:
        return figures  # other images than in the epoch before: nothing was gained or lost
    figures["val_gained"] = float(np.sum(result.correct & ~before)) if before is not None else 0.0
    figures["val_lost"] = float(np.sum(~result.correct & before)) if before is not None else 0.0
    return figures
