"""A trial that is not over, as its driver keeps it: it changes with every event, and becomes a `TrialRecord` whenever somebody looks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.records import Curves, TrialRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from reports.records import AttemptRecord, Role
    from search_spaces.conditions import PointValue


def point_of(trial: TrialRecord) -> dict[str, PointValue]:
    """The searched parameters of a trial as a point of the space."""
    return {name: value for name, value in trial.params.items() if isinstance(value, (int, float, str))}


class CurvesSoFar(Curves):
    """The curves of a running trial as they were at one epoch; nothing is copied before it is looked at."""

    def __init__(self, values: Mapping[str, list[np.float32]], num_epochs: int) -> None:
        self._values = dict(values)  # the lists only grow
        self._num_epochs = num_epochs

    @property
    def num_epochs(self) -> int:
        """Epochs on record."""
        return self._num_epochs

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        return np.asarray(self._values[name][: self._num_epochs], dtype=np.float32)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass
class LiveTrial:
    """A trial that is not over; changes with every event.

    Attributes:
        number: in the study.
        role: why it is trained.
        configuration: ID.
        seed: training seed.
        params: active parameters.
        planned_epochs: epochs of a complete training.
        replicate, validation_seed: see `TrialRecord`.
        carrier: of a ``sibling``: number of the trial whose training carries it.
        curves: metric to values so far, float32, NaN where an epoch has none.
        epochs: epochs on record.
        attempts: finished and running attempts, in order.
        notices: what its workers reported that a person should know, each once.
        prune_reason: why the pruner stopped it, once it did; its training goes on while a sibling is left.
        fault: what the trainable did wrong, once it did.
        accumulate: see `TrialRecord`.
    """

    number: int
    role: Role
    configuration: str
    seed: int
    params: Mapping[str, PointValue]
    planned_epochs: int
    replicate: int = 0
    validation_seed: int | None = None
    carrier: int | None = None
    curves: dict[str, list[np.float32]] = field(default_factory=dict)
    epochs: int = 0
    attempts: list[AttemptRecord] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    prune_reason: str | None = None
    fault: str | None = None
    accumulate: int = 1

    @staticmethod
    def of(trial: TrialRecord) -> LiveTrial:
        """A trial on record that is not over."""
        return LiveTrial(
            **_identity(trial),
            params=point_of(trial),
            curves={name: list(values) for name, values in trial.curves.items()},
            epochs=trial.num_epochs,
            attempts=list(trial.attempts),
            notices=list(trial.notices),
            prune_reason=trial.cause,
            accumulate=trial.accumulate,
        )

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

    def record(self) -> TrialRecord:
        """The trial as it is now."""
        return TrialRecord(
            **_identity(self),
            state="RUNNING",
            params=self.params,
            curves=CurvesSoFar(self.curves, self.epochs),
            attempts=tuple(self.attempts),
            notices=tuple(self.notices),
            cause=self.prune_reason,
            accumulate=self.accumulate,
        )


_IDENTITY = ("number", "role", "configuration", "seed", "planned_epochs", "replicate", "validation_seed", "carrier")


def _identity(trial: TrialRecord | LiveTrial) -> dict[str, Any]:
    """Fields that a trial has from its beginning to its end."""
    return {name: getattr(trial, name) for name in _IDENTITY}
