"""What a training tells: one `EpochRecord` per epoch, one `TrainResult` at the end; and facts of its model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

StopReason = Literal["completed", "early_stopping", "requested"]


@dataclass(frozen=True)
class EpochRecord:
    """The figures of one epoch.

    Attributes:
        epoch: counted from 1.
        figures: metric name to value. Always there: ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``, ``val_batch_accuracy`` (only with BatchNorm),
            ``val_predicted_share`` (share of the most-predicted class, fraction), ``val_gained``/``val_lost`` (validation images gained and lost since the
            previous epoch, counts; not where epochs are validated on different images),
            ``learning_rate``, ``gradient_norm``, ``seconds``, ``images_per_second``, ``peak_memory_mb``.
        checkpoint: folder or address of the checkpoint that holds this epoch's state, or None when none was written.
        replayed: the epoch was trained before an interruption; its record is repeated from the checkpoint that training continues from.
        siblings: the same figures of each training that this one carries, in the order given, with ``carried_seconds``: what it took beside this one.
        folds: the same figures of each fold's model, of which `figures` are the means (``val_gained``, ``val_lost`` and ``seconds``: the sums); empty without folds.
    """

    epoch: int
    figures: Mapping[str, float]
    checkpoint: Path | str | None = None
    replayed: bool = False
    siblings: tuple[Mapping[str, float], ...] = ()
    folds: tuple[Mapping[str, float], ...] = ()


@dataclass(frozen=True)
class FrozenBoundary:
    """Where freezing ends: the last frozen layer.

    Attributes:
        layer: its name, or None when nothing is frozen.
        index: its index in the backbone's ``layers``, -1 when nothing is frozen.
        share: fraction of the backbone's parameters at or before it.
    """

    layer: str | None
    index: int
    share: float


@dataclass(frozen=True, eq=False)
class ValidationLedger:
    """Which validation images a training got right in its late epochs, and which class its exported file gives each.

    Attributes:
        places: ``(num_val,)`` int64, ascending: each image's place in the data, the same in every split (`trainer.data.images.content_places`).
        labels: ``(num_val,)`` int64, right class, an index into `TrainResult.class_names`.
        names: path of each image below the data's source, or None for images without files.
        rows: ``(num_val,)`` int64, of images without files: where each stands in the source, counted from 0; None where that is not known.
        epochs: the late epochs, counted from 1, ascending; the training's last is the last. Twelve, or fewer of large validation sets and short trainings.
        right: ``(num_late, num_val)``, whether each image was right after each of them.
        classes: ``(num_val,)`` int64, that the exported file gives each image; None where the exported epoch's are not known.
    """

    places: NDArray[np.int64]
    labels: NDArray[np.int64]
    names: tuple[str, ...] | None
    rows: NDArray[np.int64] | None
    epochs: tuple[int, ...]
    right: NDArray[np.bool_]
    classes: NDArray[np.int64] | None


@dataclass(frozen=True)
class TrainResult:
    """A finished training.

    Attributes:
        curves: metric name to values, shape ``(num_epochs,)``, NaN where an epoch has no such figure.
        stopped: why training ended.
        boundary: resolved frozen boundary.
        model_path: exported ``.keras`` file of the chosen epoch (``trained.npz`` where no whole model was asked for): a path, an address, or None when no folder
            was given or it could not be written.
        exported_epoch: epoch of the exported checkpoint, counted from 1.
        figures: of the exported checkpoint: ``exported_val_accuracy``, ``precise_bn_val_accuracy`` where computed, ...
        num_train: images per training epoch.
        num_val: validation images that an epoch sees.
        num_test: test images, 0 when there is no test split.
        class_names: in the order of the model's outputs.
        data_fingerprint: hash over image contents, labels and split.
        ledger: which validation images were right; None of a training that was asked to stop, and where each epoch is validated on images of its own.
        frozen_features: what became of the frozen part: ``kept: activations at LAYER``, or ``each step: REASON``; empty for a sibling.
        together: whether its head was trained in one program with others', where that was wanted: ``together``, or ``alone: REASON``. How many trained beside it on
            average, itself included, is the figure ``trained_beside``; empty for a sibling.
        siblings: results of the trainings that this one carried, in the order given; what the training as such cost is not among their figures.
        folds: result of each fold's model. `curves` and validation figures are their means, `ledger` tells of every image by the model that was not trained on it,
            `num_train` is the fewest of a fold, and the model, its test figures and `model_path` are the first fold's. Empty without folds.
    """

    curves: Mapping[str, tuple[float, ...]]
    stopped: StopReason
    boundary: FrozenBoundary
    model_path: Path | str | None
    exported_epoch: int
    num_train: int
    num_val: int
    num_test: int
    class_names: tuple[str, ...]
    data_fingerprint: str
    figures: Mapping[str, float] = field(default_factory=dict)
    ledger: ValidationLedger | None = field(default=None, compare=False, repr=False)
    frozen_features: str = ""
    together: str = ""
    siblings: tuple[TrainResult, ...] = ()
    folds: tuple[TrainResult, ...] = ()


@dataclass(frozen=True)
class ModelFacts:
    """What the pre-flight checks need to know of a built model.

    Attributes:
        has_batchnorm: whether any layer is BatchNorm.
        max_bn_momentum: largest momentum of a BatchNorm layer whose statistics are trained; None where there is none.
        min_image_size: smallest height and width the backbone accepts, in pixels; None where unknown.
        parameters: weights in all.
        trainable_parameters: weights that are trained.
        backbone_blocks: blocks that can be frozen; None where unknown.
        output_units: units of the last layer.
        output_activation: of the last layer, e.g. ``softmax``, ``sigmoid``, ``linear``.
        loss: the loss's name, e.g. ``categorical_crossentropy``, ``binary_crossentropy``.
        loss_from_logits: whether the loss applies softmax or sigmoid itself.
        estimated_memory_bytes: weights, gradients, optimiser state and activations of one training step.
        device_memory_bytes: of the device the training will use; None where unknown.
        own_batchnorm: name of a BatchNorm layer whose class updates its moving statistics in a way of its own, or None.
        frozen_problem: why `model.frozen_layers` cannot be resolved on this backbone, where it cannot.
    """

    has_batchnorm: bool
    output_units: int
    output_activation: str
    loss: str
    parameters: int
    trainable_parameters: int
    max_bn_momentum: float | None = None
    min_image_size: int | None = None
    backbone_blocks: int | None = None
    loss_from_logits: bool = False
    estimated_memory_bytes: int | None = None
    device_memory_bytes: int | None = None
    frozen_problem: str | None = None
    own_batchnorm: str | None = None
