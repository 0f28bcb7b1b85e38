"""The loop that runs a study: what to run next, what an event means, when to stop."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from reports.records import AttemptRecord
from sweeps.executor.protocol import Cause, Ended, EpochEnded, Noticed, Started, TrialTask
from sweeps.observer import StudyOutcome
from sweeps.record.errors import ChangedByHandError, LeaseLostError
from sweeps.record.leases import driver_name
from sweeps.seeds import STREAMS, data_seed
from sweeps.storage_path import trial_folder
from sweeps.study.assignments import Assignments
from sweeps.study.finishing import Finishing, FirstFailures, judge_failure
from sweeps.study.kill_points import reach
from sweeps.study.ranking import StudyRanking
from sweeps.study.retention import Retention
from sweeps.study.snapshots import Snapshots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sweeps.executor.protocol import Event, Executor
    from sweeps.observer import EndReason, StudyObserver
    from sweeps.record.recorded_study import RecordedStudy
    from sweeps.study.live_trial import LiveTrial
    from sweeps.study.plan import StudyOptions, StudyPlan
    from sweeps.study.state import StudyState

_log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
MOST_NOTICES = 20
"""Of a trial, on record."""


class StudyDriver:
    """Runs one study against one executor.

    Every step is written to the record before the next depends on it, so that a driver may die anywhere: the next one, or another one, finds the same state.
    """

    def __init__(
        self,
        plan: StudyPlan,
        record: RecordedStudy,
        state: StudyState,
        executor: Executor,
        observers: Sequence[StudyObserver],
        options: StudyOptions,
    ) -> None:
        self._plan = plan
        self._record = record
        self._state = state
        self._executor = executor
        self._observers = observers
        self._options = options
        ranking = StudyRanking(record.name, state, lambda: record.facts, record.ledgers)
        self._assignments = Assignments(plan, record, state, ranking, confirm_only=options.order is not None)
        self._others = self._assignments.others
        self._retention = Retention(plan, state, ranking, lambda: {*record.facts.leaders, *(name for name, _ in state.fresh_replicates())})
        self._finishing = Finishing(plan, record, state, observers, self._retention)
        self._first_failures = FirstFailures(min(options.same_failures, plan.trials))
        self._snapshots = Snapshots(record.name, plan, state, ranking, self._assignments)
        created = record.facts.created
        self._identity = record.name if created is None else f"{record.name}, made {created.isoformat()}"
        self._running: set[int] = set()
        self._started = self._last_tick = time.monotonic()
        self._closing = False
        self._confirming = False

    def run(self, stop_requested: Callable[[], bool]) -> StudyOutcome:
        """Run until the study is done, a budget is used up, or a stop is asked for; the executor is closed in any case.

        Raises:
            SweepAbortedError: the first trials all failed alike.
        """
        self._retention.start()
        try:
            reason = self._loop(stop_requested)
        except BaseException:
            self._close(0.0)
            self._retention.close(0.0)
            raise
        self._close(0.0 if not self._running else self._options.grace_seconds)
        self._retention.close(self._options.grace_seconds)
        snapshot = self._snapshots.take("over")
        self._tell(lambda observer: observer.on_tick(snapshot))
        note = self._assignments.settled if reason == "settled" else ""
        return StudyOutcome(reason, snapshot, tuple(sorted(self._state.held)), note)

    def _loop(self, stop_requested: Callable[[], bool]) -> EndReason:
        self._assignments.follow()
        while True:
            for number in self._record.lost():
                self._drop(number)
            for number, became in self._others.changed().items():
                self._give_up(number, became)
            reason = self._reason_to_stop(stop_requested)
            if reason is not None:
                return reason
            self._fill()
            if self._over():
                if self._assignments.settled:
                    return "settled"
                return "space exhausted" if self._assignments.exhausted else "done"
            self._handle(self._executor.poll(self._options.poll_seconds))
            self._tick()

    def _over(self) -> bool:
        """Whether nothing is left to run, here or elsewhere: until then, another driver may die and leave its trials."""
        if self._running or self._others.stopping or self._assignments.open() or self._others.undecided:
            return False
        self._assignments.follow()
        return not self._assignments.open()

    def _reason_to_stop(self, stop_requested: Callable[[], bool]) -> EndReason | None:
        if stop_requested():
            return "interrupted"
        if self._plan.time is not None and time.monotonic() - self._started >= self._plan.time:
            return "time budget"
        if self._plan.gpu_hours is not None and self._state.device_time.gpu_hours() >= self._plan.gpu_hours:
            return "gpu-hours budget"
        return None

    def _fill(self) -> None:
        """Hand out trials while there is room."""
        while self._room() > 0:
            trial = self._assignments.next()
            if trial is None:
                return
            try:
                self._begin(trial)
            except LeaseLostError as error:
                self._lose(error)

    def _begin(self, trial: LiveTrial) -> None:
        reason = self._judge(trial)
        if reason is None:
            self._announce(trial)
            self._submit(trial)
        else:  # the driver died between this decision and its execution
            trial.prune_reason = reason
            self._finishing.finish(trial, "PRUNED", cause=reason)

    def _announce(self, trial: LiveTrial) -> None:
        """Before the first confirmation of this run: show what is left of it and what that costs."""
        if trial.role == "confirmation" and not self._confirming:
            self._confirming = True
            cost = self._assignments.confirmation.cost(len(self._running) + self._room())
            self._tell(lambda observer: observer.on_confirmation(cost))

    def _room(self) -> int:
        own = self._executor.room()
        return own if self._plan.concurrent is None else min(own, self._plan.concurrent - len(self._running))

    def _submit(self, trial: LiveTrial) -> None:
        attempt = trial.attempt + 1
        self._record.begin_attempt(trial.number, attempt, driver=driver_name(), from_epoch=trial.epochs, gpu=self._plan.gpu)
        trial.attempts.append(AttemptRecord(attempt, driver_name(), "", trial.epochs, None, None, None))
        reach("attempt-written")
        stream = data_seed(self._plan.seed, trial.role, trial.replicate, self._record.facts.facts.get(STREAMS))
        config = self._plan.configure(trial.params, trial.seed, stream, trial.validation_seed)
        task = TrialTask(
            trial=trial.number,
            attempt=attempt,
            trainable=self._plan.trainable,
            config=config,
            checkpoint_dir=trial_folder(self._plan.checkpoint_root, trial.number),
            recorded_epochs=trial.epochs,
            cpu=self._plan.cpu,
            gpu=self._plan.gpu,
            affinity=self._plan.affinity(config),
            evaluate_test=trial.role in self._plan.test_roles,
            trainings=self._trainings(trial),
            study=self._identity,
            known_images=self._record.known_images,
        )
        self._running.add(trial.number)
        self._executor.submit(task)
        reach("submitted")

    def _trainings(self, trial: LiveTrial) -> int:
        """Trials that will plausibly see the same augmented images, this one included; 0: nothing is shared."""
        if not self._options.sharing:
            return 0
        return self._plan.alike if trial.role == "search" and trial.replicate == 0 else 1

    def _handle(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, Ended) and self._others.stopped(event.trial):
                continue
            trial = self._state.live.get(event.trial)
            if trial is None or event.trial not in self._running or event.attempt != trial.attempt:
                continue
            try:
                self._on_event(trial, event)
            except LeaseLostError as error:
                self._lose(error)

    def _on_event(self, trial: LiveTrial, event: Event) -> None:
        if isinstance(event, Started):
            self._on_started(trial, event)
        elif isinstance(event, EpochEnded):
            self._on_epoch(trial, event)
        elif isinstance(event, Noticed):
            self._on_noticed(trial, event)
        else:
            self._on_ended(trial, event)

    def _lose(self, error: LeaseLostError) -> None:
        """A trial is no longer this driver's."""
        if isinstance(error, ChangedByHandError):
            self._give_up(error.number, error.became)
        else:
            self._drop(error.number)

    def _give_up(self, number: int, became: str) -> None:
        """Other software has ended or deleted a trial in the storage: stop its worker and leave the trial as it is there."""
        if number not in self._state.live:
            return
        self._others.give_up(number, running=self._stop_running(number))
        self._assignments.forget(number)
        _log.warning("study %s: trial %d %s in the storage by other software; it is left so", self._record.name, number, became)

    def _stop_running(self, number: int) -> bool:
        """Stop the worker of a trial; whether it has one, whose end is still to come."""
        if number not in self._running:
            return False
        self._running.discard(number)
        self._state.device_time.end(number)
        if not self._closing:
            self._executor.stop(number)
        return True

    def _drop(self, number: int) -> None:
        """Another driver has taken a trial over: stop its worker and leave the trial to that driver."""
        self._others.drop(number, running=self._stop_running(number))
        self._assignments.forget(number)
        _log.warning("study %s: trial %d was taken over by another driver; this one has stopped it", self._record.name, number)

    def _on_started(self, trial: LiveTrial, event: Started) -> None:
        trial.attempts[-1] = replace(trial.attempts[-1], worker=event.worker)
        self._state.device_time.begin(trial.number, self._plan.gpu)
        self._record.set_worker(trial.number, event.attempt, event.worker)
        reach("started")
        record = trial.record()
        self._tell(lambda observer: observer.on_started(record))

    def _on_epoch(self, trial: LiveTrial, event: EpochEnded) -> None:
        if trial.prune_reason is not None or trial.fault is not None or event.epoch <= trial.epochs:
            return
        reach("epoch-received")
        if event.epoch != trial.epochs + 1:
            trial.fault = f"the trainable reported epoch {event.epoch}, expected {trial.epochs + 1}: it must report every epoch after those on record, in order"
            self._executor.stop(trial.number)
            return
        self._record.add_epoch(trial.number, event.attempt, event.epoch, event.figures, event.checkpoint)
        reach("curve-written")
        trial.add_epoch(event.figures)
        if self._plan.metric in event.figures:
            self._record.show_epoch(trial.number, event.epoch, event.figures[self._plan.metric], trial.planned_epochs)
        reach("epoch-written")
        if trial.role == "search":
            self._state.book.record(trial.number, trial.curve(self._plan.metric), finished=False)
        record = trial.record()
        self._tell(lambda observer: observer.on_epoch(record, event.figures))
        trial.prune_reason = self._judge(trial)
        if trial.prune_reason is not None:
            reach("prune-decided")
            if not self._closing:
                self._executor.stop(trial.number)

    def _on_noticed(self, trial: LiveTrial, event: Noticed) -> None:
        """Put a notice on record, at most so many of a trial: the first ones tell what began."""
        if event.text in trial.notices:
            return
        if len(trial.notices) < MOST_NOTICES:
            trial.notices.append(event.text)
            self._record.set_attributes(trial.number, {"notices": list(trial.notices)})
        record = trial.record()
        self._tell(lambda observer: observer.on_notice(record, event.text))

    def _judge(self, trial: LiveTrial) -> str | None:
        """Whether the pruner stops a trial after its last epoch on record; confirmations run to their end."""
        if self._plan.pruner is None or trial.role != "search" or trial.epochs == 0:
            return None
        return self._plan.pruner.judge(self._state.book, trial.number, trial.epochs)

    def _on_ended(self, trial: LiveTrial, event: Ended) -> None:
        reach("ended-received")
        self._running.discard(trial.number)
        self._state.device_time.end(trial.number)
        cause = Cause.STOPPED if trial.prune_reason is not None else event.cause
        self._record.end_attempt(trial.number, event.attempt, cause.value)
        trial.attempts[-1] = replace(trial.attempts[-1], ended=None, cause=cause.value)
        if trial.prune_reason is not None:
            self._finishing.finish(trial, "PRUNED", cause=trial.prune_reason, outcome=event.outcome)
            self._first_failures.other()
        elif trial.fault is not None:
            self._finishing.finish(trial, "FAIL", cause=Cause.EXCEPTION.value, error=trial.fault)
            self._first_failures.exception(trial.number, trial.fault)
        elif event.cause is Cause.COMPLETED:
            self._finishing.complete(trial, event)
            self._first_failures.other()
        elif event.cause in (Cause.STOPPED, Cause.INTERRUPTED):
            self._assignments.again(trial)
        else:
            self._on_failure(trial, event)

    def _on_failure(self, trial: LiveTrial, event: Ended) -> None:
        cause = judge_failure(event.cause, trial.attempts, trial.epochs)
        if cause is None:
            self._assignments.again(trial)
            return
        error = event.error or f"{event.cause.value}, without a message"
        self._finishing.finish(trial, "FAIL", cause=cause, error=error, outcome=event.outcome)
        if event.cause is Cause.EXCEPTION:
            self._first_failures.exception(trial.number, error)
        else:
            self._first_failures.other()

    def _close(self, grace: float) -> None:
        """Stop what runs; trials that were cut stay as they are, for the next run."""
        self._closing = True
        events = self._executor.close(grace)
        self._first_failures.other()
        self._handle(events)

    def _tick(self) -> None:
        now = time.monotonic()
        if now - self._last_tick >= TICK_SECONDS:
            self._last_tick = now
            self._assignments.follow()
            self._retention.review()
            snapshot = self._snapshots.take()
            self._tell(lambda observer: observer.on_tick(snapshot))

    def _tell(self, event: Callable[[StudyObserver], None]) -> None:
        for observer in self._observers:
            event(observer)
