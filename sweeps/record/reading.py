"""Reading trials of a study in a handful of queries, whatever their number.

One trial as the storage holds it.
What other drivers did since this one last looked: one query, whatever the study's size.
Which epochs Optuna's tools are shown: all of them would make loading a study eight times slower.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sqlalchemy import func, or_, select

from reports.records import AttemptRecord
from sweeps.record.curves import LazyCurves
from sweeps.record.leases import UNFINISHED, lease_columns, seen_lease
from sweeps.record.schema import (
    ATTEMPTS,
    CURVES,
    LEASES,
    PARAMS,
    SYSTEM_ATTRIBUTES,
    TRIALS,
    USER_ATTRIBUTES,
    VALUES,
    parameter_value,
    stored_value,
    utc,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import ColumnElement, Table, TableClause
    from sqlalchemy.engine import Connection, Row

    from reports.records import ParameterValue, Role, TrialState
    from sweeps.record.curves import Chunk
    from sweeps.record.leases import Lease


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


def read_trials(
    connection: Connection, study_id: int, *, numbers: Collection[int] | None = None, with_system_attributes: bool = False
) -> list[StoredTrial]:
    """Trials of a study, by number: all, or those with the given numbers."""
    of_study = TRIALS.c.study_id == study_id
    if numbers is not None:
        of_study &= TRIALS.c.number.in_(numbers)
    params: dict[int, dict[str, Any]] = defaultdict(dict)
    for row in _of_trials(connection, PARAMS, of_study, PARAMS.c.param_id):
        params[row.trial_id][row.param_name] = parameter_value(row.param_value, row.distribution_json)
    values = {row.trial_id: stored_value(row.value, row.value_type) for row in _of_trials(connection, VALUES, of_study)}
    attributes = _attributes(_of_trials(connection, USER_ATTRIBUTES, of_study))
    system = _attributes(_of_trials(connection, SYSTEM_ATTRIBUTES, of_study)) if with_system_attributes else {}
    curves = _curves(_of_trials(connection, CURVES, of_study, CURVES.c.trial_id, CURVES.c.first_epoch))
    attempts = _attempts(_of_trials(connection, ATTEMPTS, of_study, ATTEMPTS.c.trial_id, ATTEMPTS.c.attempt))
    rows = connection.execute(select(TRIALS).where(of_study).order_by(TRIALS.c.number))
    return [
        StoredTrial(
            trial_id=row.trial_id,
            number=row.number,
            state=row.state,
            value=values.get(row.trial_id),
            params=params.get(row.trial_id, {}),
            attributes=attributes.get(row.trial_id, {}),
            curves=curves[row.trial_id] if row.trial_id in curves else LazyCurves((), 0),
            attempts=attempts.get(row.trial_id, ()),
            started=utc(row.datetime_start),
            completed=utc(row.datetime_complete),
            system_attributes=system.get(row.trial_id, {}),
        )
        for row in rows
    ]


def newest_trial(connection: Connection, study_id: int) -> Row[Any, Any] | None:
    """``trial_id`` and ``number`` of a study's last trial."""
    query = select(TRIALS.c.trial_id, TRIALS.c.number).where(TRIALS.c.study_id == study_id).order_by(TRIALS.c.trial_id.desc()).limit(1)
    return connection.execute(query).first()


def read_attempts(connection: Connection, trial_id: int) -> tuple[StoredAttempt, ...]:
    """The attempts of one trial."""
    rows = connection.execute(select(ATTEMPTS).where(ATTEMPTS.c.trial_id == trial_id).order_by(ATTEMPTS.c.attempt))
    return _attempts(rows).get(trial_id, ())


def _of_trials(
    connection: Connection, rows_of: Table | TableClause, of_study: ColumnElement[bool], *order: ColumnElement[Any]
) -> Iterable[Row[Any]]:
    """Rows of a table that belong to the trials of a study."""
    query = select(rows_of).join(TRIALS, TRIALS.c.trial_id == rows_of.c.trial_id).where(of_study).order_by(*order)
    return connection.execute(query)


def _attributes(rows: Iterable[Row[Any]]) -> dict[int, Mapping[str, Any]]:
    """Attributes by trial."""
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        found[row.trial_id][row.key] = json.loads(row.value_json)
    return dict(found)


def _curves(rows: Iterable[Row[Any]]) -> dict[int, LazyCurves]:
    """Curves by trial, still encoded."""
    chunks: dict[int, list[Chunk]] = defaultdict(list)
    lengths: dict[int, int] = {}
    for row in rows:
        chunks[row.trial_id].append((row.first_epoch, bytes(row.data)))
        lengths[row.trial_id] = row.first_epoch - 1 + row.epochs
    return {trial: LazyCurves(tuple(of_trial), lengths[trial]) for trial, of_trial in chunks.items()}


def _attempts(rows: Iterable[Row[Any]]) -> dict[int, tuple[StoredAttempt, ...]]:
    """Attempts by trial."""
    found: dict[int, list[StoredAttempt]] = defaultdict(list)
    for row in rows:
        record = AttemptRecord(row.attempt, row.driver, row.worker, row.from_epoch, utc(row.started), utc(row.ended), row.cause, row.gpu)
        found[row.trial_id].append(StoredAttempt(record, row.seen, row.gpu, row.checkpoint))
    return {trial: tuple(of_trial) for trial, of_trial in found.items()}


@dataclass(frozen=True)
class TrialNews:
    """A trial that is new to this driver, or that it knows as another's.

    Attributes:
        trial_id: Optuna's, unique in the storage.
        number: unique in the study.
        state: Optuna's.
        attempts: how many began.
        seen: when its attempts were last heard of (their driver's clock), or None before the first.
        lease: who owns it, or None where nobody ever did.
    """

    trial_id: int
    number: int
    state: TrialState
    attempts: int
    seen: datetime | None
    lease: Lease | None

    @property
    def unfinished(self) -> bool:
        """Whether it is running, or waits to be run again."""
        return self.state in UNFINISHED

    @property
    def free(self) -> bool:
        """Whether it is unfinished and nobody owns it any more."""
        return self.unfinished and (self.lease is None or self.lease.free)

    @property
    def written(self) -> tuple[object, ...]:
        """Changes whenever something about it was written."""
        return self.state, self.attempts, self.seen


def read_news(connection: Connection, study_id: int, known: int, live: Collection[int]) -> list[TrialNews]:
    """Trials from number `known` on, and those among `live`, by number."""
    of_trial = ATTEMPTS.c.trial_id == TRIALS.c.trial_id
    seen = select(func.max(ATTEMPTS.c.seen)).where(of_trial).scalar_subquery().label("seen")
    attempts = select(func.count()).select_from(ATTEMPTS).where(of_trial).scalar_subquery().label("attempts")
    query = (
        select(TRIALS.c.trial_id, TRIALS.c.number, TRIALS.c.state, seen, attempts, *lease_columns())
        .select_from(TRIALS.outerjoin(LEASES, LEASES.c.trial_id == TRIALS.c.trial_id))
        .where(TRIALS.c.study_id == study_id, or_(TRIALS.c.number >= known, TRIALS.c.number.in_(live)))
        .order_by(TRIALS.c.number)
    )
    return [TrialNews(row.trial_id, row.number, row.state, row.attempts, row.seen, seen_lease(row)) for row in connection.execute(query)]


SHOWN_EPOCHS = 32


@cache
def shown_epochs(planned_epochs: int) -> frozenset[int]:
    """At most 32 epochs, evenly spaced, the first and the last among them; counted from 1."""
    if planned_epochs <= SHOWN_EPOCHS:
        return frozenset(range(1, planned_epochs + 1))
    return frozenset(round(1 + index * (planned_epochs - 1) / (SHOWN_EPOCHS - 1)) for index in range(SHOWN_EPOCHS))
