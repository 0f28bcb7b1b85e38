"""Adding a trial to a study, once, even if others add theirs and answers are lost."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import optuna
from sqlalchemy import delete, insert, select

from sweeps.record.curve_codec import encode
from sweeps.record.errors import StudyMovedOnError
from sweeps.record.optuna_rows import insert_trial
from sweeps.record.optuna_tables import STUDIES
from sweeps.record.reading import newest_trial
from sweeps.record.schema import ATTEMPTS, CURVES
from sweeps.record.stored_trial import Attribute

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optuna.distributions import BaseDistribution
    from sqlalchemy.engine import Connection

    from sweeps.record.ownership import Ownership
    from sweeps.record.stored_trial import ImportedTrial, NewTrial
    from sweeps.record.transactions import Transactions


class TrialWriter:
    """Adds trials to one study.

    No lock is held while a driver thinks about its next proposal: the trial is written only if the study has still as many trials as the driver knew when it
    began, in a transaction that others wait for. A driver that was overtaken reads what is new and proposes again.
    """

    def __init__(self, study_id: int, ownership: Ownership, distributions: Mapping[str, BaseDistribution]) -> None:
        self._study_id = study_id
        self._ownership = ownership
        self._distributions = distributions

    def add(self, transactions: Transactions, trial: NewTrial, known: int) -> int:
        """Write a RUNNING trial with number `known`, owned by this driver; returns Optuna's ID.

        Raises:
            StudyMovedOnError: the study has more than `known` trials; nothing was written.
        """
        template = self._template(trial, optuna.trial.TrialState.RUNNING, datetime_start=datetime.now())  # noqa: DTZ005 - Optuna takes naive local times and stores UTC
        trial_id = self._add(transactions, template, known, self._ownership.take)
        self._ownership.keep(trial_id)
        return trial_id

    def add_history(self, transactions: Transactions, imported: ImportedTrial, known: int) -> int:
        """Write a trial that is over with number `known`, its curves in the same transaction; returns Optuna's ID. Nobody owns it.

        Raises:
            StudyMovedOnError: the study has more than `known` trials; nothing was written.
        """
        template = self._template(
            imported.trial,
            optuna.trial.TrialState[imported.state],
            value=imported.value,
            user_attrs=imported.attributes,
            intermediate_values=dict(imported.shown),
            datetime_start=_local(imported.started),
            datetime_complete=_local(imported.completed),
        )

        def with_curves(connection: Connection, trial_id: int) -> None:
            epochs = max((len(curve) for curve in imported.curves.values()), default=0)
            if epochs:
                row = {"trial_id": trial_id, "first_epoch": 1, "epochs": epochs, "data": encode(imported.curves)}
                connection.execute(insert(CURVES).values(**row))

        return self._add(transactions, template, known, with_curves)

    def _add(
        self, transactions: Transactions, template: optuna.trial.FrozenTrial, known: int, beside: Callable[[Connection, int], None]
    ) -> int:
        """Write a trial, and something beside it, if there are `known` others."""
        written: list[int] = []

        def write(connection: Connection) -> None:
            lock_study_row(connection, self._study_id)
            newest = newest_trial(connection, self._study_id)
            if (newest.number + 1 if newest else 0) == known:
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
        except _WrittenBeforeError as found:
            written[:] = [found.trial_id]
        return written[0]

    def _template(self, trial: NewTrial, state: optuna.trial.TrialState, **known: Any) -> optuna.trial.FrozenTrial:  # noqa: ANN401 - arguments of FrozenTrial
        """A new trial in Optuna's form."""
        given = {"value": None, "datetime_complete": None, "intermediate_values": {}, **known}
        given["user_attrs"] = {
            Attribute.ROLE: trial.role,
            Attribute.CONFIGURATION: trial.configuration,
            Attribute.SEED: trial.seed,
            Attribute.REPLICATE: trial.replicate,
            Attribute.PLANNED_EPOCHS: trial.planned_epochs,
            **known.get("user_attrs", {}),
        }
        return optuna.trial.FrozenTrial(
            number=-1,
            trial_id=-1,
            state=state,
            params=dict(trial.params),
            distributions={name: self._distributions[name] for name in trial.params},
            system_attrs=dict(trial.system_attributes),
            **given,
        )


class _WrittenBeforeError(Exception):
    """The trial was written by a try whose answer was lost."""

    def __init__(self, trial_id: int) -> None:
        super().__init__(trial_id)
        self.trial_id = trial_id


def lock_study_row(connection: Connection, study_id: int) -> None:
    """Whoever changes the study as a whole waits here for the others."""
    connection.execute(select(STUDIES.c.study_id).where(STUDIES.c.study_id == study_id).with_for_update())


def _local(moment: datetime) -> datetime:
    """A UTC time as Optuna takes it: local, without a zone."""
    return moment.astimezone().replace(tzinfo=None)


def _clear(connection: Connection, trial_id: int) -> None:
    """Remove what a deleted trial of the same ID left behind."""
    connection.execute(delete(CURVES).where(CURVES.c.trial_id == trial_id))
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.trial_id == trial_id))
