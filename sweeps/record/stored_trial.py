"""One trial as the storage holds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from reports.records import AttemptRecord, Role, TrialState
    from reports.records.trial import ParameterValue
    from sweeps.record.lazy_curves import LazyCurves


class Attribute:
    """Names of the user attributes that every trial of ours has; Optuna's tools show them."""

    ROLE = "role"
    CONFIGURATION = "configuration"
    SEED = "seed"
    REPLICATE = "replicate"
    PLANNED_EPOCHS = "planned_epochs"
    FIGURES = "figures"
    FACTS = "facts"
    DIAGNOSIS = "diagnosis"
    SCORE = "score"
    CAUSE = "cause"
    ERROR = "error"
    SOURCE = "source"
    NOTICES = "notices"


@dataclass(frozen=True)
class NewTrial:
    """A trial to be written: one point, one seed.

    Attributes:
        params: active parameters.
        role: why it is trained.
        configuration: ID.
        seed: training seed.
        replicate: 0 in the search, and -1, -2, ... for its duplicates; 1, 2, ... for confirmations.
        planned_epochs: epochs of a complete training.
        system_attributes: what the sampler wants to find again at its next proposal (CMA-ES).
    """

    params: Mapping[str, ParameterValue]
    role: Role
    configuration: str
    seed: int
    replicate: int
    planned_epochs: int
    system_attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ImportedTrial:
    """A trial of another study that is over, to be written as this study's history.

    Attributes:
        trial: as it is proposed here: its role is ``history``.
        state: COMPLETE, or PRUNED where its training was shorter than this study's.
        value: what it holds, for COMPLETE.
        attributes: what its own study wrote beside it, and where it is from (`Attribute.SOURCE`).
        curves: metric to values, shape ``(num_epochs,)``.
        shown: epoch to metric, for Optuna's tools.
        started: UTC.
        completed: UTC.
    """

    trial: NewTrial
    state: Literal["COMPLETE", "PRUNED"]
    value: float | None
    attributes: Mapping[str, Any]
    curves: Mapping[str, NDArray[np.float32]]
    shown: Mapping[int, float]
    started: datetime
    completed: datetime


class StoredAttempt(NamedTuple):
    """A row of the attempts table: what the report shows, and what only the driver needs."""

    record: AttemptRecord
    seen: datetime
    gpu: float
    checkpoint: str | None


@dataclass(frozen=True)
class StoredTrial:
    """A trial as read.

    Attributes:
        trial_id: Optuna's, unique in the storage.
        number: unique in the study.
        state: Optuna's.
        value: as told, or None.
        params: by name.
        attributes: user attributes by name, see `Attribute`.
        curves: decoded when looked at.
        attempts: in order.
        started: UTC.
        completed: UTC.
        system_attributes: only where asked for.
    """

    trial_id: int
    number: int
    state: TrialState
    value: float | None
    params: Mapping[str, ParameterValue]
    attributes: Mapping[str, Any]
    curves: LazyCurves
    attempts: tuple[StoredAttempt, ...]
    started: datetime | None
    completed: datetime | None
    system_attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def role(self) -> Role:
        """Why it was trained."""
        role: Role = self.attributes.get(Attribute.ROLE, "search")
        return role

    @property
    def configuration(self) -> str:
        """ID of its configuration."""
        return str(self.attributes.get(Attribute.CONFIGURATION, ""))

    @property
    def epochs(self) -> int:
        """Epochs on record."""
        return self.curves.num_epochs
