"""Writing trials to Optuna's tables, each once, even if other drivers add theirs and answers of the database are lost.

Rows are those that Optuna's own storage writes, each trial in a few statements. That storage loads a trial's row again before each parameter and attribute that it
writes, which is most of what a driver's processor time for a short trial went to. The tables are those of Optuna's models, so that types and names are its own; a
test holds the rows to those that Optuna writes.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.distributions import distribution_to_json
from optuna.storages._rdb import models
from optuna.trial import TrialState
from sqlalchemy import delete, insert, select, update

from sweeps.record.errors import StudyGoneError, StudyMovedOnError
from sweeps.record.foreign import GIVEN, Request, clear_row, has_number, has_request, next_number, refuse
from sweeps.record.ledgers import clear_ledger
from sweeps.record.reading import end_attributes, identity_attributes, newest_trial, shown_epochs
from sweeps.record.schema import ATTEMPTS, CURVES, STUDIES, encode, naive_utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial
    from sqlalchemy import Table
    from sqlalchemy.engine import Connection

    from reports.records import TrialRecord
    from sweeps.record.ownership import Ownership
    from sweeps.record.transactions import Transactions


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
    times = {"datetime_start": _utc(trial.datetime_start), "datetime_complete": _utc(trial.datetime_complete)}
    row = insert(_TRIALS).values(study_id=study_id, number=number, state=trial.state, **times)
    (trial_id,) = connection.execute(row).inserted_primary_key or (0,)
    if (
        connection.dialect.name == "sqlite"
    ):  # it hands out the ID of a row that was deleted by hand again, whose other rows may still be there
        for table in (_PARAMS, _USER, _SYSTEM, _VALUES, _SHOWN):
            connection.execute(delete(table).where(table.c.trial_id == trial_id))
    _insert_params(connection, trial_id, trial)
    _insert_attributes(connection, _USER, trial_id, trial.user_attrs)
    _insert_attributes(connection, _SYSTEM, trial_id, trial.system_attrs)
    for step, value in trial.intermediate_values.items():
        insert_shown(connection, trial_id, step, value)
    _insert_values(connection, trial_id, trial.values or ())
    return int(trial_id)


def _insert_params(connection: Connection, trial_id: int, trial: FrozenTrial) -> None:
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


def insert_request(connection: Connection, study_id: int, given: Mapping[str, Any]) -> int:
    """Ask for a point to be trained, as Optuna's ``enqueue_trial`` does; returns the number of its row."""
    lock_study_row(connection, study_id)
    number = next_number(connection, study_id)
    row = insert(_TRIALS).values(study_id=study_id, number=number, state=TrialState.WAITING)
    (trial_id,) = connection.execute(row).inserted_primary_key or (0,)
    _clear(connection, int(trial_id))
    _insert_attributes(connection, _SYSTEM, int(trial_id), {GIVEN: dict(given)})
    return number


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


def finish_trial(connection: Connection, trial_id: int, state: TrialState, values: Sequence[float]) -> bool:
    """Write a trial's end; False when it was over already in another state or is gone, and nothing was written."""
    written = connection.execute(select(_TRIALS.c.state).where(_TRIALS.c.trial_id == trial_id).with_for_update()).scalar_one_or_none()
    if written is None or (TrialState(written).is_finished() and TrialState(written) is not state):
        return False
    if values:
        connection.execute(delete(_VALUES).where(_VALUES.c.trial_id == trial_id))
        _insert_values(connection, trial_id, values)
    connection.execute(update(_TRIALS).where(_TRIALS.c.trial_id == trial_id).values(state=state, datetime_complete=naive_utc_now()))
    return True


def _insert_values(connection: Connection, trial_id: int, values: Sequence[float]) -> None:
    for objective, value in enumerate(values):
        stored, kind = models.TrialValueModel.value_to_stored_repr(value)
        connection.execute(insert(_VALUES).values(trial_id=trial_id, objective=objective, value=stored, value_type=kind))


def _insert_attributes(connection: Connection, attributes_of: Table, trial_id: int, attributes: Mapping[str, Any]) -> None:
    rows = [{"trial_id": trial_id, "key": key, "value_json": json.dumps(value)} for key, value in attributes.items()]
    if rows:
        connection.execute(insert(attributes_of), rows)


def _utc(moment: datetime | None) -> datetime | None:
    """A naive local time, as Optuna takes it, in the naive UTC that it stores."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)


class TrialWriter:
    """Adds trials to one study.

    No lock is held while a driver thinks about its next proposal: the trial is written only if the study has still as many trials as the driver knew when it
    began, in a transaction that others wait for. A driver that was overtaken reads what is new and proposes again.
    """

    def __init__(self, study_id: int, ownership: Ownership, distributions: Mapping[str, BaseDistribution]) -> None:
        self._study_id = study_id
        self._ownership = ownership
        self._distributions = distributions

    def add(self, transactions: Transactions, trial: TrialRecord) -> int:
        """Write a RUNNING trial, owned by this driver; returns Optuna's ID.

        Raises:
            StudyMovedOnError: the study has a trial of this number already; nothing was written.
        """
        template = self._template(trial, TrialState.RUNNING, datetime_start=datetime.now())  # noqa: DTZ005 - Optuna takes naive local times and stores UTC
        trial_id = self._add(transactions, template, trial.number, self._ownership.take)
        self._ownership.keep(trial_id)
        return trial_id

    def add_history(self, transactions: Transactions, trial: TrialRecord, metric: str) -> int:
        """Write a trial of another study that is over, its curves in the same transaction; returns Optuna's ID. Nobody owns it.

        Args:
            transactions: of the driver.
            trial: COMPLETE, or PRUNED where its training was shorter than this study's.
            metric: that Optuna's tools are shown.

        Raises:
            StudyMovedOnError: as for `add`.
        """
        values = {epoch: float(value) for epoch, value in enumerate(trial.curves.get(metric, ()), start=1) if np.isfinite(value)}
        steps = shown_epochs(trial.planned_epochs)
        template = self._template(
            trial,
            TrialState[trial.state],
            value=trial.score["stable"] if trial.state == "COMPLETE" else None,
            user_attrs=end_attributes(trial),
            intermediate_values={epoch: value for epoch, value in values.items() if epoch in steps},
            datetime_start=_local(trial.started),
            datetime_complete=_local(trial.completed),
        )

        def with_curves(connection: Connection, trial_id: int) -> None:
            if trial.num_epochs:
                row = {"trial_id": trial_id, "first_epoch": 1, "epochs": trial.num_epochs, "data": encode(trial.curves)}
                connection.execute(insert(CURVES).values(**row))

        return self._add(transactions, template, trial.number, with_curves)

    def adopt(self, transactions: Transactions, request: Request, trial: TrialRecord) -> int | None:
        """Make a request a RUNNING trial of this driver; returns its number, or None where it does not wait any more."""
        template = self._template(trial, TrialState.RUNNING, datetime_start=datetime.now())  # noqa: DTZ005 - as in `add`
        adopted: list[int] = []

        def write(connection: Connection) -> None:
            lock_study_row(connection, self._study_id)
            if not has_request(connection, request.trial_id):
                if adopted and self._ownership.took(connection, request.trial_id):
                    return  # by a try whose answer was lost
                adopted.clear()
                return
            taken = has_number(connection, self._study_id, request.number, request.trial_id)
            number = next_number(connection, self._study_id) if taken else request.number
            clear_row(connection, request.trial_id, number)
            _clear(connection, request.trial_id)
            _insert_params(connection, request.trial_id, template)
            replace_user_attributes(connection, request.trial_id, template.user_attrs)
            began = {"state": TrialState.RUNNING, "datetime_start": _utc(template.datetime_start)}
            connection.execute(update(_TRIALS).where(_TRIALS.c.trial_id == request.trial_id).values(**began))
            self._ownership.take(connection, request.trial_id)
            adopted[:] = [number]

        transactions.write(write)
        if not adopted:
            return None
        self._ownership.keep(request.trial_id)
        return adopted[0]

    def refuse(self, transactions: Transactions, request: Request, reason: str) -> bool:
        """End a request that cannot be trained, with the reason; False where it does not wait any more."""
        refused: list[bool] = []

        def write(connection: Connection) -> None:
            lock_study_row(connection, self._study_id)
            if has_request(connection, request.trial_id):
                refuse(connection, request.trial_id, reason)
                finish_trial(connection, request.trial_id, TrialState.FAIL, ())
                refused.append(True)

        transactions.write(write)
        return bool(refused)

    def _add(
        self, transactions: Transactions, template: optuna.trial.FrozenTrial, known: int, beside: Callable[[Connection, int], None]
    ) -> int:
        """Write a trial numbered `known`, and something beside it, if no row is there that this driver has not read."""
        written: list[int] = []

        def write(connection: Connection) -> None:
            lock_study_row(connection, self._study_id)
            newest = newest_trial(connection, self._study_id)
            if newest is None or newest.number < known:  # numbers that were deleted by hand are not given again
                trial_id = insert_trial(connection, self._study_id, known, template)
                _clear(connection, trial_id)
                beside(connection, trial_id)
                written[:] = [trial_id]
                return
            if written and newest and newest.number == known and self._ownership.took(connection, newest.trial_id):
                raise _WrittenBeforeError(newest.trial_id)
            raise StudyMovedOnError("others have added trials to the study")

        try:
            transactions.write(write)
        except _WrittenBeforeError as before:
            written[:] = [before.trial_id]
        return written[0]

    def _template(self, trial: TrialRecord, state: optuna.trial.TrialState, **known: Any) -> optuna.trial.FrozenTrial:  # noqa: ANN401 - arguments of FrozenTrial
        """A new trial in Optuna's form."""
        known["user_attrs"] = {**identity_attributes(trial), **known.get("user_attrs", {})}
        return optuna.trial.FrozenTrial(
            number=-1,
            trial_id=-1,
            state=state,
            params=dict(trial.params),
            distributions={name: self._distributions[name] for name in trial.params},
            system_attrs=dict(trial.memory),
            **{"value": None, "datetime_complete": None, "intermediate_values": {}, **known},
        )


class _WrittenBeforeError(Exception):
    """The trial was written by a try whose answer was lost."""

    def __init__(self, trial_id: int) -> None:
        super().__init__(trial_id)
        self.trial_id = trial_id


def lock_study_row(connection: Connection, study_id: int) -> None:
    """Whoever changes the study as a whole waits here for the others. SQLite has no locks of rows: a write that changes nothing takes the file's.

    Raises:
        StudyGoneError: it was deleted; what is written of it would belong to nothing.
    """
    if connection.dialect.name == "sqlite":
        connection.execute(update(STUDIES).where(STUDIES.c.study_id == study_id).values(study_id=study_id))
    if connection.execute(select(STUDIES.c.study_id).where(STUDIES.c.study_id == study_id).with_for_update()).first() is None:
        raise StudyGoneError


def _local(moment: datetime | None) -> datetime | None:
    """A UTC time as Optuna takes it: local, without a zone."""
    return None if moment is None else moment.astimezone().replace(tzinfo=None)


def _clear(connection: Connection, trial_id: int) -> None:
    """Remove what a deleted trial of the same ID left behind."""
    connection.execute(delete(CURVES).where(CURVES.c.trial_id == trial_id))
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.trial_id == trial_id))
    clear_ledger(connection, trial_id)
