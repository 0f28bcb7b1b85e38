"""Rows that other software wrote into a study: points that wait to be trained are requests, everything else is left alone.

A row is the study's own when it carries a configuration, which every trial of ours has from its first transaction on. Of the others, Optuna's
``study.enqueue_trial`` and ``steadysweep add`` write WAITING rows with the values that are asked for; a driver makes them trials of the study. What
``study.add_trial``, ``study.ask`` or a dashboard wrote is neither ranked nor counted.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, cast, delete, exists, func, insert, select, update

from sweeps.record.schema import PARAMS, SYSTEM_ATTRIBUTES, TRIALS, USER_ATTRIBUTES, parameter_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection

IDENTITY = "configuration"
"""The user attribute that makes a row a trial of the study."""
GIVEN = "fixed_params"
"""The system attribute in which Optuna keeps what ``enqueue_trial`` was given."""


@dataclass(frozen=True)
class Request:
    """A point that somebody asks to be trained.

    Attributes:
        trial_id: Optuna's.
        number: of its row.
        given: parameter to value, as it was written; not checked.
    """

    trial_id: int
    number: int
    given: Mapping[str, Any]


def is_own() -> ColumnElement[bool]:
    """Whether a row of the table of trials is a trial of ours."""
    return exists(select(USER_ATTRIBUTES.c.key).where(USER_ATTRIBUTES.c.trial_id == TRIALS.c.trial_id, USER_ATTRIBUTES.c.key == IDENTITY))


def read_requests(connection: Connection, study_id: int) -> list[Request]:
    """The points of a study that wait to be trained, in the order in which they were asked for."""
    waiting = (TRIALS.c.study_id == study_id) & (cast(TRIALS.c.state, String) == "WAITING") & ~is_own()
    rows = connection.execute(select(TRIALS.c.trial_id, TRIALS.c.number).where(waiting).order_by(TRIALS.c.trial_id)).all()
    if not rows:
        return []
    given: dict[int, dict[str, Any]] = defaultdict(dict)
    ids = [row.trial_id for row in rows]
    for row in connection.execute(select(PARAMS).where(PARAMS.c.trial_id.in_(ids))):
        given[row.trial_id][row.param_name] = parameter_value(row.param_value, row.distribution_json)
    for row in connection.execute(select(SYSTEM_ATTRIBUTES).where(SYSTEM_ATTRIBUTES.c.trial_id.in_(ids), SYSTEM_ATTRIBUTES.c.key == GIVEN)):
        value = json.loads(row.value_json)
        given[row.trial_id] |= value if isinstance(value, dict) else {}
    return [Request(row.trial_id, row.number, given[row.trial_id]) for row in rows]


def read_left_alone(connection: Connection, study_id: int) -> Mapping[int, str]:
    """Number to state of the rows of a study that are neither its own nor requests."""
    others = (TRIALS.c.study_id == study_id) & (cast(TRIALS.c.state, String) != "WAITING") & ~is_own()
    rows = connection.execute(select(TRIALS.c.number, TRIALS.c.state).where(others).order_by(TRIALS.c.number))
    return {row.number: str(row.state) for row in rows}


def next_number(connection: Connection, study_id: int) -> int:
    """The number of the next row of a study, also where rows were deleted by hand."""
    newest = connection.execute(select(func.max(TRIALS.c.number)).where(TRIALS.c.study_id == study_id)).scalar_one()
    return 0 if newest is None else int(newest) + 1


def has_request(connection: Connection, trial_id: int) -> bool:
    """Whether a request still waits, locked until the transaction ends."""
    waiting = (TRIALS.c.trial_id == trial_id) & (cast(TRIALS.c.state, String) == "WAITING") & ~is_own()
    return connection.execute(select(TRIALS.c.trial_id).where(waiting).with_for_update()).first() is not None


def has_trial(connection: Connection, trial_id: int) -> bool:
    """Whether a row is still there."""
    return connection.execute(select(TRIALS.c.trial_id).where(TRIALS.c.trial_id == trial_id)).first() is not None


def has_number(connection: Connection, study_id: int, number: int, trial_id: int) -> bool:
    """Whether another row of the study has this number: Optuna counts rows, which repeats a number once one was deleted."""
    same = (TRIALS.c.study_id == study_id, TRIALS.c.number == number, TRIALS.c.trial_id != trial_id)
    return connection.execute(select(TRIALS.c.trial_id).where(*same)).first() is not None


def clear_row(connection: Connection, trial_id: int, number: int) -> None:
    """Give a request its number and take its own parameters away, before those of the point are written."""
    connection.execute(delete(PARAMS).where(PARAMS.c.trial_id == trial_id))
    connection.execute(update(TRIALS).where(TRIALS.c.trial_id == trial_id).values(number=number))


def refuse(connection: Connection, trial_id: int, reason: str) -> None:
    """Write to a request why it is not trained; its state is the caller's to write."""
    connection.execute(delete(USER_ATTRIBUTES).where(USER_ATTRIBUTES.c.trial_id == trial_id, USER_ATTRIBUTES.c.key == "refused"))
    connection.execute(insert(USER_ATTRIBUTES).values(trial_id=trial_id, key="refused", value_json=json.dumps(reason)))
