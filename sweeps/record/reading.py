"""Reading trials of a study in a handful of queries, whatever their number."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from reports.records import AttemptRecord
from sweeps.record.lazy_curves import LazyCurves
from sweeps.record.optuna_tables import PARAMS, SYSTEM_ATTRIBUTES, TRIALS, USER_ATTRIBUTES, VALUES, parameter_value, stored_value, utc
from sweeps.record.schema import ATTEMPTS, CURVES
from sweeps.record.stored_trial import StoredAttempt, StoredTrial

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy import ColumnElement, Table, TableClause
    from sqlalchemy.engine import Connection, Row

    from sweeps.record.curve_codec import Chunk


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
