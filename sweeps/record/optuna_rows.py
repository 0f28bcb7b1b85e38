"""Rows of Optuna's tables as its own storage writes them, each trial in a few statements.

Optuna's storage loads a trial's row again before each parameter and attribute that it writes, which is most of what a driver's processor time for a short trial
went to. The tables are those of Optuna's models, so that types and names are its own; a test holds the rows to those that Optuna writes.
"""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

from optuna.distributions import distribution_to_json
from optuna.storages._rdb import models
from optuna.trial import TrialState
from sqlalchemy import delete, insert, select, update

from sweeps.record.optuna_tables import naive_utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from optuna.trial import FrozenTrial
    from sqlalchemy import Table
    from sqlalchemy.engine import Connection

_TRIALS: Table = models.TrialModel.__table__
_PARAMS: Table = models.TrialParamModel.__table__
_USER: Table = models.TrialUserAttributeModel.__table__
_SYSTEM: Table = models.TrialSystemAttributeModel.__table__
_VALUES: Table = models.TrialValueModel.__table__
_SHOWN: Table = models.TrialIntermediateValueModel.__table__


def insert_trial(connection: Connection, study_id: int, number: int, trial: FrozenTrial) -> int:
    """Write a trial of a study; returns Optuna's ID.

    Args:
        connection: in a transaction in which nobody else adds trials to the study.
        study_id: Optuna's.
        number: how many trials the study has.
        trial: its number and ID are not looked at; its distributions must be compatible with the study's.
    """
    row = {
        "study_id": study_id,
        "number": number,
        "state": trial.state,
        "datetime_start": _utc(trial.datetime_start),
        "datetime_complete": _utc(trial.datetime_complete),
    }
    (trial_id,) = connection.execute(insert(_TRIALS).values(**row)).inserted_primary_key or (0,)
    params = [
        {
            "trial_id": trial_id,
            "param_name": name,
            "param_value": trial.distributions[name].to_internal_repr(value),
            "distribution_json": distribution_to_json(trial.distributions[name]),
        }
        for name, value in trial.params.items()
    ]
    if params:
        connection.execute(insert(_PARAMS), params)
    _insert_attributes(connection, _USER, trial_id, trial.user_attrs)
    _insert_attributes(connection, _SYSTEM, trial_id, trial.system_attrs)
    for step, value in trial.intermediate_values.items():
        insert_shown(connection, trial_id, step, value)
    if trial.value is not None:
        _insert_value(connection, trial_id, trial.value)
    return int(trial_id)


def insert_shown(connection: Connection, trial_id: int, step: int, value: float) -> None:
    """Write an intermediate value, in place of one of the same step."""
    stored, kind = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
    connection.execute(delete(_SHOWN).where(_SHOWN.c.trial_id == trial_id, _SHOWN.c.step == step))
    row = {"trial_id": trial_id, "step": step, "intermediate_value": stored, "intermediate_value_type": kind}
    connection.execute(insert(_SHOWN).values(**row))


def replace_user_attributes(connection: Connection, trial_id: int, attributes: Mapping[str, Any]) -> None:
    """Write user attributes of a trial, in place of those of the same names."""
    connection.execute(delete(_USER).where(_USER.c.trial_id == trial_id, _USER.c.key.in_(list(attributes))))
    _insert_attributes(connection, _USER, trial_id, attributes)


def finish_trial(connection: Connection, trial_id: int, state: TrialState, value: float | None) -> bool:
    """Write a trial's end; False when it was over already, and nothing was written."""
    found = connection.execute(select(_TRIALS.c.state).where(_TRIALS.c.trial_id == trial_id).with_for_update()).scalar_one()
    if TrialState(found).is_finished():
        return False
    if value is not None:
        connection.execute(delete(_VALUES).where(_VALUES.c.trial_id == trial_id))
        _insert_value(connection, trial_id, value)
    connection.execute(update(_TRIALS).where(_TRIALS.c.trial_id == trial_id).values(state=state, datetime_complete=naive_utc_now()))
    return True


def _insert_value(connection: Connection, trial_id: int, value: float) -> None:
    stored, kind = models.TrialValueModel.value_to_stored_repr(value)
    connection.execute(insert(_VALUES).values(trial_id=trial_id, objective=0, value=stored, value_type=kind))


def _insert_attributes(connection: Connection, attributes_of: Table, trial_id: int, attributes: Mapping[str, Any]) -> None:
    rows = [{"trial_id": trial_id, "key": key, "value_json": json.dumps(value)} for key, value in attributes.items()]
    if rows:
        connection.execute(insert(attributes_of), rows)


def _utc(moment: datetime | None) -> datetime | None:
    """A naive local time, as Optuna takes it, in the naive UTC that it stores."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
