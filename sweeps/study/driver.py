"""The loop that runs a study: what to run next, what an event means, when to stop."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reports.costs import INFEASIBLE
from reports.records import SEARCHED, AttemptRecord
from sweeps.executor.protocol import Cause, Ended, EpochEnded, Noticed, Outcome, SiblingTask, Started, TrialTask
from sweeps.observer import StudyOutcome
from sweeps.record.errors import ChangedByHandError, LeaseLostError
from sweeps.record.leases import driver_name
from sweeps.record.reading import PRUNED
from sweeps.seeds import STREAMS, data_seed
from sweeps.storage_path import trial_folder
from sweeps.study.assignments import Assignments
from sweeps.study.confirmation import seconds_per_epoch
from sweeps.study.finishing import Finishing, FirstFailures, after_silence, as_pruned, judge_failure
from sweeps.study.kill_points import reach
from sweeps.study.ranking import StudyRanking
from sweeps.study.retention import Retention
from sweeps.study.snapshots import Snapshots
from sweeps.study.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sweeps.executor.protocol import Event, Executor
    from sweeps.observer import EndReason, StudyObserver
    from sweeps.record.recorded_study import RecordedStudy
    from sweeps.study.live_trial import LiveTrial
    from sweeps.study.plan import StudyOptions, StudyPlan
    from sweeps.study.state import StudyState

_log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
STOPPED_ELSEWHERE = "asked for by `steadysweep stop`"
OUT_OF_MEMORY = frozenset({Cause.GPU_OUT_OF_MEMORY, Cause.OUT_OF_MEMORY})
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
        self._watchdog = Watchdog(plan.silent_after, seconds_per_epoch(state), self._started)
        self._closing = False
        self._confirming = False
        self._paused = ""

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
        note = self._assignments.settled if reason == "settled" else STOPPED_ELSEWHERE if self._record.stop_asked else ""
        return StudyOutcome(reason, snapshot, tuple(sorted(self._state.held)), note)

    def _loop(self, stop_requested: Callable[[], bool]) -> EndReason:
        self._assignments.follow()
        while True:
            for number in self._record.lost():
                self._drop(number)
            for number, became in self._others.changed().items():
                self._give_up(number, became)
            for number, why in self._others.ordered_to_end().items():
                self._end_by_hand(number, why)
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
        if self._running or self._others.stopping or self._assignments.open() or self._others.undecided or self._assignments.held_back():
            return False
        self._assignments.follow()
        return not self._assignments.open()

    def _reason_to_stop(self, stop_requested: Callable[[], bool]) -> EndReason | None:
        if stop_requested():
            return "interrupted"
        if self._record.stop_asked:
            _log.warning("study %s: %s: saving checkpoints and stopping", self._record.name, STOPPED_ELSEWHERE)
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
        config = self._config(trial)
        architecture = self._plan.architecture(config)
        if trial.role in SEARCHED and trial.epochs == 0 and self._state.costs.reason(architecture):
            for member in (*self._state.siblings_of(trial.number), trial):
                self._finishing.refuse(member, architecture)
            return
        self._prune(trial, self._family(trial))  # the driver may have died between this decision and its execution
        if self._family(trial):
            self._announce(trial)
            self._submit(trial, config, architecture)
        else:
            self._finishing.finish(trial, "PRUNED", cause=trial.prune_reason)

    def _family(self, trial: LiveTrial) -> list[LiveTrial]:
        """The trial of an attempt and those that it carries, without what is over or pruned: while one is left, the training goes on."""
        own = [trial] if trial.prune_reason is None else []
        return [*own, *self._state.siblings_of(trial.number)]

    def _prune(self, carrier: LiveTrial, judged: Sequence[LiveTrial]) -> None:
        """Let the pruner judge trials of one attempt. A sibling ends where it stands; the trial of the attempt is told to have ended once its training has."""
        for trial in judged:
            reason = self._judge(trial)
            if reason is None:
                continue
            if trial is not carrier:
                self._finishing.finish(trial, "PRUNED", cause=reason)
                continue
            trial.prune_reason = reason
            if self._state.siblings_of(trial.number):
                self._record.set_attributes(trial.number, {PRUNED: reason})

    def _end_by_hand(self, number: int, why: str) -> None:
        """End a trial where it stands, as its record asks; a training that carries others goes on for them."""
        trial = self._state.live.get(number)
        if trial is None or number not in self._state.held or trial.prune_reason is not None:
            return
        carrier = trial if trial.carrier is None else self._state.live[trial.carrier]
        _log.warning("study %s: trial %d ends after epoch %d: %s", self._record.name, number, trial.epochs, why)
        try:
            if trial is carrier:
                trial.prune_reason = why
            else:
                self._finishing.finish(trial, "PRUNED", cause=why)
            if self._family(carrier):
                return
            if carrier.number in self._running:
                self._executor.stop(carrier.number)
            else:
                self._assignments.forget(carrier.number)
                self._finishing.finish(carrier, "PRUNED", cause=carrier.prune_reason)
        except LeaseLostError as error:
            self._lose(error)

    def _announce(self, trial: LiveTrial) -> None:
        """Before the first confirmation of this run: show what is left of it and what that costs."""
        if trial.role == "confirmation" and not self._confirming:
            self._confirming = True
            cost = self._assignments.confirmation.cost(len(self._running) + self._room())
            self._tell(lambda observer: observer.on_confirmation(cost))

    def _room(self) -> int:
        own = self._executor.room()
        return own if self._plan.concurrent is None else min(own, self._plan.concurrent - len(self._running))

    def _submit(self, trial: LiveTrial, config: Mapping[str, Any], architecture: str) -> None:
        config = self._in_parts(trial, config)
        attempt, epochs = trial.attempt + 1, min(member.epochs for member in self._family(trial))
        self._record.begin_attempt(trial.number, attempt, driver=driver_name(), from_epoch=epochs, gpu=self._plan.gpu)
        trial.attempts.append(AttemptRecord(attempt, driver_name(), "", epochs, None, None, None))
        reach("attempt-written")
        task = TrialTask(
            trial=trial.number,
            attempt=attempt,
            trainable=self._plan.trainable,
            config=config,
            checkpoint_dir=trial_folder(self._plan.checkpoint_root, trial.number),
            recorded_epochs=epochs,
            cpu=self._plan.cpu,
            gpu=self._plan.gpu,
            affinity=self._plan.affinity(config),
            evaluate_test=trial.role in self._plan.test_roles,
            trainings=self._trainings(trial),
            study=self._identity,
            known_images=self._record.known_images,
            slots=self._plan.slots(config) if self._options.sharing else 1,
            siblings=tuple(self._sibling_task(sibling) for sibling in self._state.siblings_of(trial.number)),
            architecture=architecture,
            costs=self._state.costs.of(architecture),
            limits=self._plan.limits if epochs == 0 and trial.role in SEARCHED else {},
        )
        self._running.add(trial.number)
        self._executor.submit(task)
        reach("submitted")

    def _in_parts(self, trial: LiveTrial, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """The settings of a trial with as many micro-batches as it, or another training of its configuration, came to by running out of memory."""
        if trial.accumulate == 1 and (known := self._state.parts_of(trial.configuration)) > 1:
            self._compute_in_parts(trial, known)
        training = config.get("training")
        if training is None or trial.accumulate <= training["accumulate"]:
            return config
        return {**config, "training": {**training, "accumulate": trial.accumulate}}

    def _compute_in_parts(self, trial: LiveTrial, accumulate: int) -> None:
        trial.accumulate = accumulate
        self._record.set_attributes(trial.number, {"accumulate": accumulate})

    def _config(self, trial: LiveTrial) -> Mapping[str, Any]:
        stream = data_seed(self._plan.seed, trial.role, trial.replicate, self._record.facts.facts.get(STREAMS))
        return self._plan.configure(trial.params, trial.seed, stream, trial.validation_seed)

    def _sibling_task(self, sibling: LiveTrial) -> SiblingTask:
        momentum = self._config(sibling)["model"]["bn_momentum"]
        return SiblingTask(sibling.number, momentum, trial_folder(self._plan.checkpoint_root, sibling.number))

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
            self._watchdog.heard(event, time.monotonic())
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
        for sibling in self._state.siblings_of(number):
            self._finishing.finish(
                sibling, "FAIL", cause=f"trial {number}, whose training carried it, {became} in the storage by other software"
            )
        self._others.give_up(number, running=self._stop_running(number))
        self._assignments.forget(number)
        _log.warning("study %s: trial %d %s in the storage by other software; it is left so", self._record.name, number, became)

    def _stop_running(self, number: int) -> bool:
        """Stop the worker of a trial; whether it has one, whose end is still to come."""
        if number not in self._running:
            return False
        self._running.discard(number)
        self._watchdog.forget(number)
        self._state.device_time.end(number)
        if not self._closing:
            self._executor.stop(number)
        return True

    def _drop(self, number: int) -> None:
        """Another driver has taken a trial over: stop its worker and leave the trial to that driver, with those that it carries."""
        for sibling in self._state.siblings_of(number):
            self._others.drop(sibling.number, running=False)
        self._others.drop(number, running=self._stop_running(number))
        self._assignments.forget(number)
        _log.warning("study %s: trial %d was taken over by another driver; this one has stopped it", self._record.name, number)

    def _on_started(self, trial: LiveTrial, event: Started) -> None:
        trial.attempts[-1] = replace(trial.attempts[-1], worker=event.worker)
        self._state.device_time.begin(trial.number, self._plan.gpu)
        self._record.set_worker(trial.number, event.attempt, event.worker)
        reach("started")
        for member in (trial, *self._state.siblings_of(trial.number)):
            record = member.record()
            self._tell(lambda observer, record=record: observer.on_started(record))  # type: ignore[misc]

    def _on_epoch(self, trial: LiveTrial, event: EpochEnded) -> None:
        family = [member for member in self._family(trial) if event.epoch > member.epochs]
        if trial.fault is not None or not family:
            return
        reach("epoch-received")
        figures = {member.number: event.figures if member is trial else event.siblings.get(member.number, {}) for member in family}
        trial.fault = _fault(family, figures, event.epoch)
        if trial.fault is not None:
            self._executor.stop(trial.number)
            return
        own = figures.get(trial.number)
        siblings = {number: of_sibling for number, of_sibling in figures.items() if number != trial.number}
        self._record.add_epoch(trial.number, event.attempt, event.epoch, own, event.checkpoint, siblings)
        reach("curve-written")
        for member in family:
            self._take_epoch(member, event.epoch, figures[member.number])
        self._prune(trial, family)
        if not self._family(trial):
            reach("prune-decided")
            if not self._closing:
                self._executor.stop(trial.number)

    def _take_epoch(self, trial: LiveTrial, epoch: int, figures: Mapping[str, float]) -> None:
        """An epoch of a trial is on record."""
        trial.add_epoch(figures)
        if self._plan.metric in figures:
            self._record.show_epoch(trial.number, epoch, figures[self._plan.metric], trial.planned_epochs)
        reach("epoch-written")
        if trial.role in SEARCHED:
            self._state.book.record(trial.number, trial.curve(self._plan.metric), finished=False)
        record = trial.record()
        self._tell(lambda observer: observer.on_epoch(record, figures))

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
        if self._plan.pruner is None or trial.role not in SEARCHED or trial.epochs == 0 or trial.prune_reason is not None:
            return trial.prune_reason
        return self._plan.pruner.judge(self._state.book, trial.number, trial.epochs)

    def _on_ended(self, trial: LiveTrial, event: Ended) -> None:
        reach("ended-received")
        self._running.discard(trial.number)
        self._state.device_time.end(trial.number)
        for sibling in self._state.finished_siblings_of(trial.number):
            self._retention.clear(sibling)
        over = not self._family(trial)
        cause = Cause.STOPPED if over else event.cause
        self._record.end_attempt(trial.number, event.attempt, cause.value)
        trial.attempts[-1] = replace(trial.attempts[-1], ended=None, cause=cause.value)
        if over:
            self._finishing.finish(trial, "PRUNED", cause=trial.prune_reason, outcome=event.outcome)
            self._first_failures.other()
        elif trial.fault is not None:
            self._fail(trial, Cause.EXCEPTION.value, trial.fault)
            self._first_failures.exception(trial.number, trial.fault)
        elif event.cause is Cause.COMPLETED:
            self._complete(trial, event.outcome or Outcome())
            self._first_failures.other()
        elif event.cause in (Cause.STOPPED, Cause.INTERRUPTED):
            self._assignments.again(trial)
        else:
            self._on_failure(trial, event)

    def _complete(self, trial: LiveTrial, outcome: Outcome) -> None:
        """End a trial whose training ran to its end, after those that it carried: a driver that dies in between trains nothing again."""
        refused = Outcome(outcome.figures, outcome.facts) if INFEASIBLE in outcome.facts else None  # theirs is the same network
        for sibling in self._state.siblings_of(trial.number):
            self._finishing.complete(sibling, refused or outcome.siblings.get(sibling.number, Outcome()))
        self._end_own(trial, outcome)

    def _end_own(self, trial: LiveTrial, outcome: Outcome) -> None:
        if trial.prune_reason is None:
            self._finishing.complete(trial, outcome)
        else:
            self._finishing.finish(trial, "PRUNED", cause=trial.prune_reason, outcome=as_pruned(outcome))

    def _fail(self, trial: LiveTrial, cause: str, error: str, outcome: Outcome | None = None) -> None:
        """End a trial whose training failed, after those that it carried."""
        for each in (*self._state.siblings_of(trial.number), trial):
            if each.prune_reason is None:
                self._finishing.finish(each, "FAIL", cause=cause, error=error, outcome=outcome if each is trial else None)
            else:
                self._finishing.finish(each, "PRUNED", cause=each.prune_reason)

    def _on_failure(self, trial: LiveTrial, event: Ended) -> None:
        if event.accumulate is not None and event.cause in OUT_OF_MEMORY:
            self._compute_in_parts(trial, event.accumulate)
            self._on_noticed(
                trial,
                Noticed(trial.number, event.attempt, f"out of memory: tried again with each batch in {event.accumulate} micro-batches"),
            )
            self._assignments.again(trial)
            return
        cause = judge_failure(event.cause, trial.attempts, min(member.epochs for member in self._family(trial)))
        if cause is None:
            self._assignments.again(trial)
            return
        error = event.error or f"{event.cause.value}, without a message"
        self._fail(trial, cause, error, event.outcome)
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
            for number, text, killed in self._watchdog.look(now, self._executor.kill):
                trial = self._state.live[number]
                follows = after_silence(trial.attempts) if killed and trial.prune_reason is None else ""
                self._on_noticed(trial, Noticed(number, trial.attempt, text + follows))
            self._retention.review()
            self._tell_paused()
            snapshot = self._snapshots.take()
            self._tell(lambda observer: observer.on_tick(snapshot))

    def _tell_paused(self) -> None:
        """Say once that the study was paused, and once that it goes on."""
        paused, before = self._record.facts.paused, self._paused
        if paused == before:
            return
        self._paused = paused
        name = self._record.name
        if paused:
            _log.warning("study %s: paused %s: no new trial begins; `steadysweep pause %s --off` goes on", name, paused, name)
        else:
            _log.warning("study %s: no longer paused", name)

    def _tell(self, event: Callable[[StudyObserver], None]) -> None:
        for observer in self._observers:
            event(observer)


def _fault(family: Sequence[LiveTrial], figures: Mapping[int, Mapping[str, float]], epoch: int) -> str | None:
    """What is wrong with an epoch as a trainable told it, or None."""
    for member in family:
        if epoch != member.epochs + 1:
            return f"the trainable reported epoch {epoch}, expected {member.epochs + 1}: it must report every epoch after those on record, in order"
        if not figures[member.number] and member.carrier is not None:
            return f"the trainable reported epoch {epoch} without the figures of trial {member.number}, which it was asked to carry"
    return None
