"""A study open for writing: what its driver holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import optuna
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from sweeps.record.curve_codec import encode, one_epoch
from sweeps.record.facts import write_facts
from sweeps.record.intermediate import shown_epochs
from sweeps.record.optuna_tables import TRIALS, naive_utc_now
from sweeps.record.outage import ride_out
from sweeps.record.reading import read_trials
from sweeps.record.schema import ATTEMPTS, CURVES
from sweeps.record.stored_trial import Attribute

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray
    from optuna.distributions import BaseDistribution
    from optuna.storages import RDBStorage
    from sqlalchemy.engine import Connection

    from sweeps.record.facts import StudyFacts
    from sweeps.record.lock import StudyLock
    from sweeps.record.stored_trial import ImportedTrial, NewTrial, StoredTrial

_Result = TypeVar("_Result")


class RecordedStudy:
    """The record of one study, locked for this driver.

    Attributes:
        name: the study's name.
        facts: what it is.
    """

    def __init__(self, name: str, study_id: int, facts: StudyFacts, storage: RDBStorage, lock: StudyLock) -> None:
        self.name = name
        self.facts = facts
        self._study_id = study_id
        self._storage = storage
        self._lock = lock
        self._trial_ids: dict[int, int] = {}
        self._distributions: dict[str, BaseDistribution] = {
            parameter: optuna.distributions.json_to_distribution(text) for parameter, text in facts.distributions.items()
        }

    def trials(self) -> list[StoredTrial]:
        """Every trial on record, by number."""
        with self._storage.engine.connect() as connection:
            trials = read_trials(connection, self._study_id, with_system_attributes=True)
        self._trial_ids = {trial.number: trial.trial_id for trial in trials}
        return trials

    def add_trial(self, trial: NewTrial) -> int:
        """Write a proposed point as one RUNNING trial; returns its number."""
        return self._create(trial, optuna.trial.TrialState.RUNNING, datetime_start=datetime.now())  # noqa: DTZ005 - Optuna takes naive local times and stores UTC

    def import_trial(self, imported: ImportedTrial) -> int:
        """Write a finished trial of another study as history; returns its number here."""
        number = self._create(
            imported.trial,
            optuna.trial.TrialState[imported.state],
            value=imported.value,
            user_attrs=imported.attributes,
            intermediate_values=dict(imported.shown),
            datetime_start=_local(imported.started),
            datetime_complete=_local(imported.completed),
        )
        self.compact(number, imported.curves)
        return number

    def _create(self, trial: NewTrial, state: optuna.trial.TrialState, **known: Any) -> int:  # noqa: ANN401 - arguments of FrozenTrial
        """Write a new trial; returns its number."""
        given = {"value": None, "datetime_complete": None, "intermediate_values": {}, **known}
        given["user_attrs"] = {
            Attribute.ROLE: trial.role,
            Attribute.CONFIGURATION: trial.configuration,
            Attribute.SEED: trial.seed,
            Attribute.REPLICATE: trial.replicate,
            Attribute.PLANNED_EPOCHS: trial.planned_epochs,
            **known.get("user_attrs", {}),
        }
        template = optuna.trial.FrozenTrial(
            number=-1,
            trial_id=-1,
            state=state,
            params=dict(trial.params),
            distributions={name: self._distributions[name] for name in trial.params},
            system_attrs=dict(trial.system_attributes),
            **given,
        )
        trial_id = self._persist(lambda: self._storage.create_new_trial(self._study_id, template))
        self._write(lambda connection: _clear(connection, trial_id))
        with self._storage.engine.connect() as connection:
            number = int(connection.execute(select(TRIALS.c.number).where(TRIALS.c.trial_id == trial_id)).scalar_one())
        self._trial_ids[number] = trial_id
        return number

    def begin_attempt(self, number: int, attempt: int, *, driver: str, from_epoch: int, gpu: float) -> None:
        """Write that an attempt was handed to the executor; attempts before it that never ended were interrupted."""
        trial_id, now = self._trial_ids[number], naive_utc_now()
        unended = (ATTEMPTS.c.trial_id == trial_id) & ATTEMPTS.c.ended.is_(None) & (ATTEMPTS.c.attempt != attempt)
        row = {
            "trial_id": trial_id,
            "attempt": attempt,
            "driver": driver,
            "worker": "",
            "from_epoch": from_epoch,
            "started": now,
            "seen": now,
            "gpu": gpu,
        }

        def write(connection: Connection) -> None:
            connection.execute(update(ATTEMPTS).where(unended).values(ended=ATTEMPTS.c.seen, cause="interrupted"))
            connection.execute(insert(ATTEMPTS).values(**row))

        self._write(write)

    def set_worker(self, number: int, attempt: int, worker: str) -> None:
        """Write who took an attempt."""
        self._update_attempt(number, attempt, worker=worker)

    def end_attempt(self, number: int, attempt: int, cause: str) -> None:
        """Write how an attempt ended."""
        now = naive_utc_now()
        self._update_attempt(number, attempt, ended=now, seen=now, cause=cause)

    def add_epoch(self, number: int, attempt: int, epoch: int, figures: Mapping[str, float], checkpoint: str | None) -> None:
        """Append one epoch to a trial's curves; in the same transaction its checkpoint.

        Args:
            number: the trial.
            attempt: which ran it.
            epoch: counted from 1.
            figures: metric name to value.
            checkpoint: folder of the epoch's state, or None.
        """
        trial_id = self._trial_ids[number]
        changes: dict[str, Any] = {"seen": naive_utc_now(), **({"checkpoint": checkpoint} if checkpoint is not None else {})}

        def write(connection: Connection) -> None:
            connection.execute(insert(CURVES).values(trial_id=trial_id, first_epoch=epoch, epochs=1, data=encode(one_epoch(figures))))
            connection.execute(update(ATTEMPTS).where(ATTEMPTS.c.trial_id == trial_id, ATTEMPTS.c.attempt == attempt).values(**changes))

        self._write(write)

    def show_epoch(self, number: int, epoch: int, value: float, planned_epochs: int) -> None:
        """Tell Optuna's tools the metric of an epoch, for at most 32 epochs of a trial."""
        if epoch in shown_epochs(planned_epochs):
            self._persist(lambda: self._storage.set_trial_intermediate_value(self._trial_ids[number], epoch, float(value)))

    def compact(self, number: int, curves: Mapping[str, NDArray[np.float32]]) -> None:
        """Replace a trial's rows of curves by one."""
        if not curves:
            return
        trial_id, epochs = self._trial_ids[number], len(next(iter(curves.values())))

        def write(connection: Connection) -> None:
            connection.execute(delete(CURVES).where(CURVES.c.trial_id == trial_id))
            connection.execute(insert(CURVES).values(trial_id=trial_id, first_epoch=1, epochs=epochs, data=encode(curves)))

        self._write(write)

    def set_attributes(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Set user attributes of a trial that is still running."""
        for key, value in attributes.items():
            self._persist(lambda key=key, value=value: self._storage.set_trial_user_attr(self._trial_ids[number], key, value))  # type: ignore[misc]

    def tell(self, number: int, state: optuna.trial.TrialState, value: float | None) -> None:
        """Finish a trial."""

        def write() -> None:
            self._storage.set_trial_state_values(self._trial_ids[number], state, None if value is None else [float(value)])

        self._persist(write)

    def update_facts(self, change: str | None = None, **values: Any) -> None:  # noqa: ANN401 - fields of StudyFacts
        """Change facts of the study; `change` says so in words, for its history."""
        facts = replace(self.facts, **values)
        if change is not None:
            facts = replace(facts, changes=(*facts.changes, f"{datetime.now(UTC).isoformat(timespec='seconds')} {change}"))
        self._write(lambda connection: write_facts(connection, self._study_id, facts))
        self.facts = facts

    def close(self) -> None:
        """Unlock the study and close its connections."""
        self._lock.release()
        self._storage.remove_session()
        self._storage.engine.dispose()

    def _update_attempt(self, number: int, attempt: int, **values: Any) -> None:  # noqa: ANN401 - columns
        trial_id = self._trial_ids[number]
        statement = update(ATTEMPTS).where(ATTEMPTS.c.trial_id == trial_id, ATTEMPTS.c.attempt == attempt).values(**values)
        self._write(lambda connection: connection.execute(statement))

    def _write(self, statements: Callable[[Connection], object]) -> None:
        """Run statements in one transaction, which may have been committed by a try whose answer was lost."""

        def transaction() -> None:
            with self._storage.engine.begin() as connection:
                statements(connection)

        tries = 0

        def once_more() -> None:
            nonlocal tries
            tries += 1
            try:
                transaction()
            except IntegrityError:
                if tries == 1:
                    raise

        self._persist(once_more)

    def _persist(self, operation: Callable[[], _Result]) -> _Result:
        return ride_out(operation, self._lock.hold)


def _local(moment: datetime) -> datetime:
    """A UTC time as Optuna takes it: local, without a zone."""
    return moment.astimezone().replace(tzinfo=None)


def _clear(connection: Connection, trial_id: int) -> None:
    """Remove what a deleted trial of the same ID left behind."""
    connection.execute(delete(CURVES).where(CURVES.c.trial_id == trial_id))
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.trial_id == trial_id))
