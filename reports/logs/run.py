"""One training as read from a log."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from reports.logs.numbers import is_finite_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from reports.records.trial import ParameterValue


@dataclass(frozen=True)
class LoggedRun:
    """One call of ``fit`` (or one training loop) found in a log.

    Attributes:
        source: the log as the user named it, or ``-``.
        name: the run within its log, e.g. ``fit 2`` or ``cell 14, fit 1``.
        format: what the log was read as, e.g. ``Keras console log``.
        curves: metric name to per-epoch values, shape ``(num_epochs,)``, NaN where missing, infinite where the log prints
            ``nan`` or ``inf`` (a failed epoch, as `reports.stability` has it). Loss, accuracy and learning
            rate are under ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``, ``learning_rate`` whatever the log calls them; accuracies
            are fractions in [0, 1].
        printed: the same keys to the figures' text as the log has it, ``""`` where missing.
        names: the same keys to the metric's name in the log, e.g. ``val_accuracy`` → ``val_acc``.
        planned_epochs: epochs that were asked for (``Epoch 3/100``), or None when the log does not say.
        first_epoch: number of the first epoch as the log counts, or None when it does not count.
        num_train: training images, or None when the log does not say.
        num_val: validation images, or None when the log does not say.
        num_classes: classes, or None when the log does not say.
        whole_set: whether the log shows that every validation ran over the whole set (``fit`` on arrays: ``Train on ..., validate on ... samples``).
        percent: whether the log has accuracies as percentages.
        parameters: settings that the log shows, e.g. ``learning_rate`` at the first epoch.
        notes: what a reader should know about how this run was read, as sentences.
    """

    source: str
    name: str
    format: str
    curves: Mapping[str, NDArray[np.float64]]
    printed: Mapping[str, tuple[str, ...]]
    names: Mapping[str, str] = field(default_factory=dict)
    planned_epochs: int | None = None
    first_epoch: int | None = None
    num_train: int | None = None
    num_val: int | None = None
    num_classes: int | None = None
    whole_set: bool = False
    percent: bool = False
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def num_epochs(self) -> int:
        """Epochs on record."""
        return max((len(curve) for curve in self.curves.values()), default=0)

    @property
    def val_accuracy_texts(self) -> tuple[str, ...]:
        """Validation accuracies as the log prints them, missing ones left out, percentages shifted to fractions: trailing zeros are kept."""
        present = (text for text in self.printed.get("val_accuracy", ()) if text)
        return tuple(format(Decimal(text).scaleb(-2), "f") if self.percent and is_finite_text(text) else text for text in present)

    @property
    def label(self) -> str:
        """Source and name, for messages."""
        return f"{self.source}: {self.name}"
