"""Reading trials of a study in a handful of queries, whatever their number.

Beside Optuna's own columns a trial is written in user attributes, named as the fields of `TrialRecord`; Optuna's tools show them. `read_news` tells what other
drivers did since this one last looked, in one query, whatever the study's size.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from reports.records import AttemptRecord, TrialRecord
from reports.stability import SCORE_RULE
from sweeps.record.errors import SchemaError
from sweeps.record.foreign import is_own
from sweeps.record.leases import UNFINISHED, lease_columns, seen_lease
from sweeps.record.schema import (
    ATTEMPTS,
    CURVES,
    LEASES,
    PARAMS,
    SYSTEM_ATTRIBUTES,
    TRIALS,
    USER_ATTRIBUTES,
    LazyCurves,
    parameter_value,
    utc,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, FromClause
    from sqlalchemy.engine import Connection, Row

    from reports.records import TrialState
    from sweeps.record.leases import Lease
    from sweeps.record.schema import Chunk


PRUNED = "pruned"
"""The user attribute of a trial that shall end where it stands and is not over yet: why."""


def identity_attributes(trial: TrialRecord) -> dict[str, Any]:
    """User attributes that a trial has from its beginning."""
    optional = {name: value for name in ("validation_seed", "carrier") if (value := getattr(trial, name)) is not None}
    return {name: getattr(trial, name) for name in ("role", "configuration", "seed", "replicate", "planned_epochs")} | optional


def end_attributes(trial: TrialRecord) -> dict[str, Any]:
    """User attributes that a trial has once it is over; none that is empty."""
    evidence = {name: dict(of_flag) for name, of_flag in trial.flags.items()}
    attributes = {
        "figures": dict(trial.figures),
        "facts": dict(trial.facts),
        "diagnosis": {"flags": list(evidence), "evidence": evidence} if evidence else {},
        "score": dict(trial.score),
        "cause": trial.cause,
        "error": trial.error,
        "source": None if trial.source is None else {"study": trial.source[0], "trial": trial.source[1]},
    }
    return {name: value for name, value in attributes.items() if value}


def read_trials(
    connection: Connection,
    study_id: int,
    planned_epochs: int,
    *,
    numbers: Collection[int] | None = None,
    with_memory: bool = False,
) -> dict[int, TrialRecord]:
    """Trials of a study by Optuna's ID, in the order of their numbers, without rows of other software; curves are decoded when they are looked at.

    Args:
        connection: to the storage.
        study_id: Optuna's.
        planned_epochs: of a trial that does not say so itself.
        numbers: of the trials to read, or None for all.
        with_memory: read what the samplers wrote too.
    """
    of_study = TRIALS.c.study_id == study_id
    if numbers is not None:
        of_study &= TRIALS.c.number.in_(numbers)
    params: dict[int, dict[str, Any]] = defaultdict(dict)
    for row in _of_trials(connection, PARAMS, of_study, PARAMS.c.param_id):
        params[row.trial_id][row.param_name] = parameter_value(row.param_value, row.distribution_json)
    attributes = _attributes(_of_trials(connection, USER_ATTRIBUTES, of_study))
    memory = _attributes(_of_trials(connection, SYSTEM_ATTRIBUTES, of_study)) if with_memory else {}
    curves = _curves(_of_trials(connection, CURVES, of_study, CURVES.c.trial_id, CURVES.c.first_epoch))
    attempts = _attempts(_of_trials(connection, ATTEMPTS, of_study, ATTEMPTS.c.trial_id, ATTEMPTS.c.attempt))
    rows = connection.execute(select(TRIALS).where(of_study, is_own()).order_by(TRIALS.c.number, TRIALS.c.trial_id))
    return {
        row.trial_id: _trial(
            row,
            attributes.get(row.trial_id, {}),
            planned_epochs,
            params=params.get(row.trial_id, {}),
            curves=curves[row.trial_id] if row.trial_id in curves else LazyCurves((), 0),
            attempts=attempts.get(row.trial_id, ()),
            memory=memory.get(row.trial_id, {}),
        )
        for row in rows
    }


_SHAPES: Mapping[str, type] = {
    "figures": dict,
    "facts": dict,
    "score": dict,
    "diagnosis": dict,
    "source": dict,
    "notices": list,
    "configuration": str,
    "role": str,
    "cause": str,
    PRUNED: str,
    "error": str,
    "seed": int,
    "planned_epochs": int,
    "replicate": int,
    "accumulate": int,
}
"""Attributes of ours, and what their JSON is."""


def _check_shapes(number: int, attributes: Mapping[str, Any]) -> None:
    """Refuse what we did not write: a storage may come from anywhere.

    Raises:
        SchemaError: an attribute is of another kind than ours are.
    """
    for name, value in attributes.items():
        expected = _SHAPES.get(name)
        if expected is not None and value is not None and not isinstance(value, expected):
            raise SchemaError(
                f"storage: attribute {name!r} of trial {number} is {type(value).__name__} in JSON, expected {expected.__name__}; it was damaged, or is not ours."
            )


def _trial(row: Row[Any], attributes: Mapping[str, Any], planned_epochs: int, **read: Any) -> TrialRecord:  # noqa: ANN401 - fields of TrialRecord
    """A trial from its row, its user attributes and what was read of it from other tables."""
    _check_shapes(row.number, attributes)
    source, diagnosis = attributes.get("source"), attributes.get("diagnosis", {})
    evidence = diagnosis.get("evidence", {})
    by_hand = _ended_by_hand(row.state, attributes, read["attempts"])
    return TrialRecord(
        number=row.number,
        configuration=str(attributes.get("configuration", "")),
        role=attributes.get("role", "search"),
        state="FAIL" if by_hand else row.state,
        seed=int(attributes.get("seed", 0)),
        planned_epochs=int(attributes.get("planned_epochs", planned_epochs)),
        figures=attributes.get("figures", {}),
        cause=attributes.get(PRUNED if row.state in UNFINISHED and not by_hand else "cause") or by_hand or None,
        error=attributes.get("error") or by_hand or None,
        facts=attributes.get("facts", {}),
        notices=tuple(str(text) for text in attributes.get("notices", ())),
        source=None if source is None else (str(source["study"]), int(source["trial"])),
        carrier=attributes.get("carrier"),
        replicate=int(attributes.get("replicate", 0)),
        validation_seed=attributes.get("validation_seed"),
        score=score if (score := attributes.get("score", {})).get("rule") == SCORE_RULE else {},
        flags={str(name): evidence.get(name, {}) for name in diagnosis.get("flags", ())},
        started=utc(row.datetime_start),
        completed=utc(row.datetime_complete),
        accumulate=int(attributes.get("accumulate", 1)),
        **read,
    )


def _ended_by_hand(state: TrialState, attributes: Mapping[str, Any], attempts: tuple[AttemptRecord, ...]) -> str:
    """Why a complete trial counts as failed, or nothing: a driver writes the end of its attempt and its figures before its state."""
    if state != "COMPLETE" or not attempts or attempts[-1].ended is not None or "score" in attributes or "figures" in attributes:
        return ""
    return "set to COMPLETE by other software before its training was over"


def newest_trial(connection: Connection, study_id: int) -> Row[Any, Any] | None:
    """``trial_id`` and ``number`` of a study's last row, whoever wrote it."""
    of_study = select(TRIALS.c.trial_id, TRIALS.c.number).where(TRIALS.c.study_id == study_id)
    return connection.execute(of_study.order_by(TRIALS.c.number.desc(), TRIALS.c.trial_id.desc()).limit(1)).first()


def _of_trials(
    connection: Connection, rows_of: FromClause, of_study: ColumnElement[bool], *order: ColumnElement[Any]
) -> Iterable[Row[Any]]:
    """Rows of a table that belong to the trials of a study."""
    query = select(rows_of).join(TRIALS, TRIALS.c.trial_id == rows_of.c.trial_id).where(of_study).order_by(*order)
    return connection.execute(query)


def _attributes(rows: Iterable[Row[Any]]) -> dict[int, Mapping[str, Any]]:
    """Attributes by trial."""
    attributes: dict[int, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        attributes[row.trial_id][row.key] = json.loads(row.value_json)
    return dict(attributes)


def _curves(rows: Iterable[Row[Any]]) -> dict[int, LazyCurves]:
    """Curves by trial, still encoded."""
    chunks: dict[int, list[Chunk]] = defaultdict(list)
    lengths: dict[int, int] = {}
    for row in rows:
        chunks[row.trial_id].append((row.first_epoch, bytes(row.data)))
        lengths[row.trial_id] = row.first_epoch - 1 + row.epochs
    return {trial: LazyCurves(tuple(of_trial), lengths[trial]) for trial, of_trial in chunks.items()}


def _attempts(rows: Iterable[Row[Any]]) -> dict[int, tuple[AttemptRecord, ...]]:
    """Attempts by trial."""
    attempts: dict[int, list[AttemptRecord]] = defaultdict(list)
    for row in rows:
        times = utc(row.started), utc(row.ended)
        attempts[row.trial_id].append(
            AttemptRecord(row.attempt, row.driver, row.worker, row.from_epoch, *times, row.cause, row.gpu, utc(row.seen))
        )
    return {trial: tuple(of_trial) for trial, of_trial in attempts.items()}


@dataclass(frozen=True)
class TrialNews:
    """A trial that is new to this driver, or that it knows as another's.

    Attributes:
        trial_id: Optuna's, unique in the storage.
        number: unique in the study.
        state: Optuna's.
        attempts: how many began.
        seen: when something was last written of its attempts (their driver's clock), or None before the first.
        lease: who owns it, or None where nobody ever did.
        carrier: number of the trial whose training carries it, or None.
        own: whether it is a trial of the study; else a row that other software wrote.
        pruned: why it shall end where it stands: by the pruner, whose driver knows, or by hand; empty for most.
    """

    trial_id: int
    number: int
    state: TrialState
    attempts: int
    seen: datetime | None
    lease: Lease | None
    carrier: int | None = None
    own: bool = True
    pruned: str = ""

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
    """Rows from number `known` on, whoever wrote them, and those among `live`, by number."""
    of_trial = ATTEMPTS.c.trial_id == TRIALS.c.trial_id
    seen = select(func.max(ATTEMPTS.c.seen)).where(of_trial).scalar_subquery().label("seen")
    attempts = select(func.count()).select_from(ATTEMPTS).where(of_trial).scalar_subquery().label("attempts")
    of_row = select(USER_ATTRIBUTES.c.value_json).where(USER_ATTRIBUTES.c.trial_id == TRIALS.c.trial_id)
    carrier, pruned = (of_row.where(USER_ATTRIBUTES.c.key == key).scalar_subquery().label(key) for key in ("carrier", PRUNED))
    server = connection.dialect.name != "sqlite"  # one driver owns a study in SQLite, without leases
    leases = lease_columns() if server else ()
    query = (
        select(TRIALS.c.trial_id, TRIALS.c.number, TRIALS.c.state, seen, attempts, carrier, pruned, is_own().label("own"), *leases)
        .select_from(TRIALS.outerjoin(LEASES, LEASES.c.trial_id == TRIALS.c.trial_id) if server else TRIALS)
        .where(TRIALS.c.study_id == study_id, or_(TRIALS.c.number >= known, TRIALS.c.number.in_(live)))
        .order_by(TRIALS.c.number)
    )
    return [
        TrialNews(
            row.trial_id,
            row.number,
            row.state,
            row.attempts,
            row.seen,
            seen_lease(row) if server else None,
            None if row.carrier is None else int(json.loads(row.carrier)),
            bool(row.own),
            "" if row.pruned is None else str(json.loads(row.pruned)),
        )
        for row in connection.execute(query)
    ]


SHOWN_EPOCHS = 32
"""Of a trial, for Optuna's tools: all of them would make loading a study eight times slower."""


@cache
def shown_epochs(planned_epochs: int) -> frozenset[int]:
    """At most 32 epochs, evenly spaced, the first and the last among them; counted from 1."""
    if planned_epochs <= SHOWN_EPOCHS:
        return frozenset(range(1, planned_epochs + 1))
    return frozenset(round(1 + index * (planned_epochs - 1) / (SHOWN_EPOCHS - 1)) for index in range(SHOWN_EPOCHS))
