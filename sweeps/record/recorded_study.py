"""A study open for writing: what its driver holds."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import optuna
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from sweeps.record.errors import ChangedByHandError, LeaseLostError
from sweeps.record.foreign import has_trial, next_number, read_left_alone, read_requests
from sweeps.record.ledgers import StoredLedgers, write_ledger
from sweeps.record.reading import read_news, read_trials, shown_epochs
from sweeps.record.schema import ATTEMPTS, CURVES, encode, naive_utc_now, one_epoch
from sweeps.record.study_record import read_facts, write_facts
from sweeps.record.writing import TrialWriter, finish_trial, insert_shown, lock_study_row, replace_user_attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy.engine import Connection

    from reports.ledger import PackedLedger
    from reports.records import TrialRecord
    from sweeps.record.foreign import Request
    from sweeps.record.ownership import Ownership
    from sweeps.record.reading import TrialNews
    from sweeps.record.study_record import StudyFacts
    from sweeps.record.transactions import Transactions


class RecordedStudy:
    """The record of one study, open for a driver that owns all of it (SQLite) or the trials that it holds by lease (PostgreSQL).

    Whatever writes a trial raises `LeaseLostError` when another driver has taken the trial over, and then nothing was written.
    Every method waits for a database that is away, and raises `StorageUnavailableError` when it is away for too long.

    Attributes:
        name: the study's name.
        facts: what it is.
        ledgers: which validation images its trials got right, read when somebody asks.
        left_alone: number to state of the rows that other software wrote and that are no requests, as far as they were read.
    """

    def __init__(
        self,
        name: str,
        study_id: int,
        facts: StudyFacts,
        *,
        ownership: Ownership,
        transactions: Transactions,
        close: Callable[[], None],
    ) -> None:
        """Args: close: closes the connections, where nobody else uses them."""
        self.name = name
        self.facts = facts
        self._stops_before = facts.stops
        self._study_id = study_id
        self._close = close
        self._ownership = ownership
        self._transactions = transactions
        self._trial_ids: dict[int, int] = {}
        self._next = 0
        self._waiting: set[int] = set()
        self.left_alone: dict[int, str] = {}
        distributions = {parameter: optuna.distributions.json_to_distribution(text) for parameter, text in facts.distributions.items()}
        self._writer = TrialWriter(study_id, ownership, distributions)
        self._known_images: set[str] = set()
        self.ledgers = StoredLedgers(lambda query: transactions.read(lambda connection: query(connection, study_id)))

    @property
    def shared(self) -> bool:
        """Whether other drivers may run trials of this study."""
        return self._ownership.shared

    @property
    def stop_asked(self) -> bool:
        """Whether the drivers of the study were asked to stop since this one opened it, as of the last look."""
        return self.facts.stops > self._stops_before

    def trials(self) -> list[TrialRecord]:
        """Every trial on record, by number, without rows of other software."""

        def others(connection: Connection) -> tuple[int, list[Request], Mapping[int, str]]:
            study = self._study_id
            return next_number(connection, study), read_requests(connection, study), read_left_alone(connection, study)

        self._next, requests, left_alone = self._transactions.read(others)
        trials = self._read(None)
        self._waiting, self.left_alone = {each.number for each in requests}, dict(left_alone)
        self._next = max([self._next, *(trial.number + 1 for trial in trials.values())])
        self._trial_ids = {trial.number: trial_id for trial_id, trial in trials.items()}
        return list(trials.values())

    @property
    def next_number(self) -> int:
        """Of the next trial, as far as this driver knows."""
        return self._next

    def news(self, live: Collection[int]) -> list[TrialNews]:
        """What is on record of trials that were added since the last look and of those numbered `live`; also learns how many trials are wanted now.

        Rows of other software are left out. A point that waits to be trained is looked at until some driver has made a trial of it.
        """

        def read(connection: Connection) -> tuple[list[TrialNews], StudyFacts | None]:
            return read_news(connection, self._study_id, self._next, {*live, *self._waiting}), read_facts(connection, self._study_id)

        rows, facts = self._transactions.read(read)
        self.facts = facts or self.facts
        self._next = max([self._next, *(each.number + 1 for each in rows)])
        self._waiting = {each.number for each in rows if not each.own and each.state == "WAITING"}
        self.left_alone |= {each.number: each.state for each in rows if not each.own and each.state != "WAITING"}
        news = [each for each in rows if each.own]
        self._trial_ids |= {each.number: each.trial_id for each in news}
        return news

    def read(self, numbers: Collection[int]) -> list[TrialRecord]:
        """Some trials, whole, by number."""
        return list(self._read(numbers).values())

    def claim(self, number: int, news: TrialNews | None = None) -> bool:
        """Take an unfinished trial over that nobody owns any more; False when somebody was quicker, or finished it."""
        lease = None if news is None else news.lease
        return self._transactions.persist(lambda: self._ownership.claim(self._trial_ids[number], lease))

    def lost(self) -> list[int]:
        """Trials that others took over since the last call."""
        lost = self._ownership.lost()
        return [number for number, trial_id in self._trial_ids.items() if trial_id in lost] if lost else []

    def add_trial(self, trial: TrialRecord) -> None:
        """Write a proposed point, numbered `next_number`, as a RUNNING trial of this driver.

        Raises:
            StudyMovedOnError: others added trials that were not read yet; nothing was written.
        """
        self._trial_ids[trial.number] = self._writer.add(self._transactions, trial)
        self._next = trial.number + 1

    def import_trial(self, trial: TrialRecord) -> None:
        """Write a finished trial of another study, numbered `next_number`, as history with its curves; raises as `add_trial` does."""
        self._trial_ids[trial.number] = self._writer.add_history(self._transactions, trial, self.facts.metric)
        self._next = trial.number + 1

    def requests(self) -> list[Request]:
        """Points that wait to be trained: by ``steadysweep add``, or by Optuna's ``enqueue_trial``."""
        return self._transactions.read(lambda connection: read_requests(connection, self._study_id))

    def adopt(self, request: Request, trial: TrialRecord) -> TrialRecord | None:
        """Make a request a RUNNING trial of this driver; None where it waits no more. The trial's number is the row's, unless that was taken."""
        number = self._writer.adopt(self._transactions, request, trial)
        if number is None:
            return None
        self._trial_ids[number] = request.trial_id
        self._next = max(self._next, number + 1)
        return replace(trial, number=number)

    def refuse(self, request: Request, reason: str) -> bool:
        """End a request that cannot be trained, with the reason in its row; False where it waits no more."""
        return self._writer.refuse(self._transactions, request, reason)

    def begin_attempt(self, number: int, attempt: int, *, driver: str, from_epoch: int, gpu: float) -> None:
        """Write that an attempt was handed to the executor; attempts before it that never ended were interrupted."""
        trial_id, now = self._trial_ids[number], naive_utc_now()
        unended = (ATTEMPTS.c.trial_id == trial_id) & ATTEMPTS.c.ended.is_(None) & (ATTEMPTS.c.attempt != attempt)
        row = {"driver": driver, "worker": "", "from_epoch": from_epoch, "started": now, "seen": now, "gpu": gpu}

        def write(connection: Connection) -> None:
            connection.execute(update(ATTEMPTS).where(unended).values(ended=ATTEMPTS.c.seen, cause="interrupted"))
            connection.execute(insert(ATTEMPTS).values(trial_id=trial_id, attempt=attempt, **row))

        self._write(write, number)

    def set_worker(self, number: int, attempt: int, worker: str) -> None:
        """Write who took an attempt, and that it began now."""
        now = naive_utc_now()
        self._update_attempt(number, attempt, worker=worker, started=now, seen=now)

    def end_attempt(self, number: int, attempt: int, cause: str) -> None:
        """Write how an attempt ended."""
        now = naive_utc_now()
        self._update_attempt(number, attempt, ended=now, seen=now, cause=cause)

    def add_epoch(
        self,
        number: int,
        attempt: int,
        epoch: int,
        figures: Mapping[str, float] | None,
        checkpoint: str | None,
        siblings: Mapping[int, Mapping[str, float]] = MappingProxyType({}),
    ) -> None:
        """Append one epoch to the curves of a trial and of those that its training carries; in the same transaction its checkpoint.

        Args:
            number: the trial.
            attempt: which ran it.
            epoch: counted from 1.
            figures: metric name to value; None of a pruned trial, whose training goes on for its siblings.
            checkpoint: folder of the epoch's state, or None.
            siblings: number of a carried trial to its figures.
        """
        trial_id = self._trial_ids[number]
        rows = [
            {"trial_id": self._trial_ids[of_trial], "first_epoch": epoch, "epochs": 1, "data": encode(one_epoch(values))}
            for of_trial, values in {**({} if figures is None else {number: figures}), **siblings}.items()
        ]
        changes: dict[str, Any] = {"seen": naive_utc_now(), **({"checkpoint": checkpoint} if checkpoint is not None else {})}

        def write(connection: Connection) -> None:
            if rows:
                connection.execute(insert(CURVES), rows)
            connection.execute(update(ATTEMPTS).where(ATTEMPTS.c.trial_id == trial_id, ATTEMPTS.c.attempt == attempt).values(**changes))

        self._write(write, number)

    def show_epoch(self, number: int, epoch: int, value: float, planned_epochs: int) -> None:
        """Tell Optuna's tools the metric of an epoch, for at most 32 epochs of a trial."""
        if epoch in shown_epochs(planned_epochs):
            self._write(lambda connection: insert_shown(connection, self._trial_ids[number], epoch, float(value)), number)

    def compact(self, number: int, curves: Mapping[str, NDArray[np.float32]]) -> None:
        """Replace a trial's rows of curves by one."""
        if not curves:
            return
        trial_id, epochs = self._trial_ids[number], len(next(iter(curves.values())))

        def write(connection: Connection) -> None:
            connection.execute(delete(CURVES).where(CURVES.c.trial_id == trial_id))
            connection.execute(insert(CURVES).values(trial_id=trial_id, first_epoch=1, epochs=epochs, data=encode(curves)))

        self._write(write, number)

    @property
    def known_images(self) -> tuple[str, ...]:
        """Keys of the validation images that this driver knows to be on record: a worker need not send them again."""
        return tuple(sorted(self._known_images))

    def add_ledger(self, number: int, ledger: PackedLedger) -> None:
        """Write which validation images a trial got right, and its validation images where they are new."""
        self._write(lambda connection: write_ledger(connection, self._study_id, self._trial_ids[number], ledger), number)
        self._known_images.add(ledger.key)

    def set_attributes(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Set user attributes of a trial that is still running."""
        if attributes:
            self._write(lambda connection: replace_user_attributes(connection, self._trial_ids[number], attributes), number)

    def tell(self, number: int, state: optuna.trial.TrialState, values: Sequence[float]) -> None:
        """Finish a trial; `values` are its figures in the order of the study's directions, none where it is not complete.

        Raises:
            ChangedByHandError: it was ended or deleted by other software meanwhile; nothing was written.
        """
        tries = 0

        def write(connection: Connection) -> None:
            nonlocal tries
            tries += 1
            written = finish_trial(connection, self._trial_ids[number], state, [float(value) for value in values])
            if not written and tries == 1:  # later, whoever finished it owns it: this driver, whose commit was not answered
                raise ChangedByHandError(number, "was ended or deleted")

        self._write(write, number)
        self._ownership.let_go(self._trial_ids[number])

    def update_facts(self, change: str | None = None, *, only_if: Callable[[StudyFacts], bool] = lambda _: True, **values: Any) -> None:  # noqa: ANN401 - fields of StudyFacts
        """Change facts of the study; `change` says so in words, for its history. Nothing is written where the facts on record do not pass `only_if`."""
        noted = None if change is None else f"{datetime.now(UTC).isoformat(timespec='seconds')} {change}"

        def write(connection: Connection) -> None:
            lock_study_row(connection, self._study_id)
            on_record = read_facts(connection, self._study_id) or self.facts
            if not only_if(on_record):
                self.facts = on_record
                return
            facts = replace(on_record, **values)
            if noted is not None and noted not in facts.changes:
                facts = replace(facts, changes=(*facts.changes, noted))
            write_facts(connection, self._study_id, facts)
            self.facts = facts

        self._transactions.write(write)

    def check_there(self) -> None:
        """Find out whether the study as a whole is gone.

        Raises:
            StudyGoneError: it was deleted by other software.
        """
        self._transactions.read(lambda connection: lock_study_row(connection, self._study_id))

    def other_drivers(self) -> tuple[str, ...]:
        """Host and process of the other drivers that are running trials."""
        return self._transactions.read(self._ownership.others)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Do something that one driver does for all: others that want to wait, and then find it done in `facts`."""
        with self._ownership.alone():
            self.facts = self._transactions.read(lambda connection: read_facts(connection, self._study_id)) or self.facts
            yield

    def close(self) -> None:
        """Let other drivers have the study, or this one's trials, and close the connections that were made for it."""
        self._ownership.release()
        self._close()

    def _read(self, numbers: Collection[int] | None) -> dict[int, TrialRecord]:
        """Trials by Optuna's ID, with what samplers wrote: all, or those with the given numbers."""
        planned = self.facts.planned_epochs
        return self._transactions.read(
            lambda connection: read_trials(connection, self._study_id, planned, numbers=numbers, with_memory=True)
        )

    def _update_attempt(self, number: int, attempt: int, **values: Any) -> None:  # noqa: ANN401 - columns
        trial_id = self._trial_ids[number]
        statement = update(ATTEMPTS).where(ATTEMPTS.c.trial_id == trial_id, ATTEMPTS.c.attempt == attempt).values(**values)
        self._write(lambda connection: connection.execute(statement), number)

    def _write(self, statements: Callable[[Connection], object], number: int) -> None:
        """Write a trial, which this driver must own in the same transaction."""
        trial_id = self._trial_ids[number]

        def check(connection: Connection) -> None:
            if not self._ownership.check(connection, trial_id):
                raise LeaseLostError(number)

        try:
            self._transactions.write(statements, check)
        except IntegrityError:
            if self._transactions.read(lambda connection: has_trial(connection, trial_id)):
                raise
            raise ChangedByHandError(number, "was deleted") from None
