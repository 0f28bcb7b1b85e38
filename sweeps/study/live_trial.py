"""A trial that is not over: what the driver keeps of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from reports.stability import level
from sweeps.study.observer import TrialProgress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from reports.records import AttemptRecord, Role
    from search_spaces.parameters import PointValue


@dataclass
class LiveTrial:
    """Changes with every event of the trial.

    Attributes:
        number: in the study.
        role: why it is trained.
        configuration: ID.
        seed: training seed.
        params: active parameters.
        planned_epochs: epochs of a complete training.
        curves: metric to values so far, float32, NaN where an epoch has none.
        epochs: epochs on record.
        attempts: finished and running attempts, in order.
        worker: who has the running attempt.
        prune_reason: why the pruner stopped it, once it did.
        fault: what the trainable did wrong, once it did.
        notices: what its workers told that a person should know, each once.
    """

    number: int
    role: Role
    configuration: str
    seed: int
    params: Mapping[str, PointValue]
    planned_epochs: int
    curves: dict[str, list[np.float32]] = field(default_factory=dict)
    epochs: int = 0
    attempts: list[AttemptRecord] = field(default_factory=list)
    worker: str = ""
    prune_reason: str | None = None
    fault: str | None = None
    notices: list[str] = field(default_factory=list)

    @property
    def attempt(self) -> int:
        """Number of the last attempt, -1 before the first."""
        return self.attempts[-1].attempt if self.attempts else -1

    def add_epoch(self, figures: Mapping[str, float]) -> None:
        """Append an epoch's figures as they are on record: in float32, so that a resumed study computes with the same numbers."""
        for name in {**self.curves, **figures}:
            values = self.curves.setdefault(name, [np.float32(np.nan)] * self.epochs)
            values.append(np.float32(figures.get(name, np.nan)))
        self.epochs += 1

    def curve(self, metric: str) -> NDArray[np.float32]:
        """Values of a metric so far, shape ``(epochs,)``."""
        return np.asarray(self.curves.get(metric, [np.nan] * self.epochs), dtype=np.float32)

    def all_curves(self) -> dict[str, NDArray[np.float32]]:
        """Every metric's values so far."""
        return {name: np.asarray(values, dtype=np.float32) for name, values in self.curves.items()}

    def progress(self, metric: str, *, maximize: bool) -> TrialProgress:
        """A frozen view of it."""
        curve = self.curve(metric)
        known = curve[~np.isnan(curve)]
        return TrialProgress(
            number=self.number,
            role=self.role,
            configuration=self.configuration,
            params=self.params,
            attempt=max(self.attempt, 0),
            epoch=self.epochs,
            planned_epochs=self.planned_epochs,
            metric=float(known[-1]) if len(known) else None,
            level=float(level(curve, maximize=maximize)) if len(known) else None,
            worker=self.worker,
            driver=self.attempts[-1].driver if self.attempts else "",
        )
