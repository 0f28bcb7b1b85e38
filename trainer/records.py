"""What a training tells: one `EpochRecord` per epoch, one `TrainResult` at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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
        replayed: the epoch was trained before an interruption and is told again from the checkpoint that training continues from.
    """

    epoch: int
    figures: Mapping[str, float]
    checkpoint: Path | str | None = None
    replayed: bool = False


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


@dataclass(frozen=True)
class TrainResult:
    """A finished training.

    Attributes:
        curves: metric name to values, shape ``(num_epochs,)``, NaN where an epoch has no such figure.
        stopped: why training ended.
        boundary: resolved frozen boundary.
        model_path: exported ``.keras`` file of the chosen epoch: a path, an address, or None when no folder was given or it could not be written.
        exported_epoch: epoch of the exported checkpoint, counted from 1.
        figures: of the exported checkpoint: ``exported_val_accuracy``, ``precise_bn_val_accuracy`` where computed, ...
        num_train: images per training epoch.
        num_val: validation images that an epoch sees.
        num_test: test images, 0 when there is no test split.
        class_names: in the order of the model's outputs.
        data_fingerprint: hash over image contents, labels and split.
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
