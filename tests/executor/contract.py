"""What every executor must keep, written once; a test module per executor inherits it."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reports.ledger import PackedLedger
from sweeps.executor.protocol import Cause, Ended, EpochEnded, Outcome, SiblingTask, Started, TrialTask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sweeps.executor.protocol import Event, Executor

PATIENCE = 240.0  # seconds; a busy machine takes a minute to start a Ray worker
"""Seconds for a worker process to start and answer on a busy machine."""


def task(
    trial: int, trainable: str, folder: Path, *, attempt: int = 0, recorded: int = 0, affinity: str = "", **config: object
) -> TrialTask:
    """A task of the module `contract_trials`; half a CPU, so that a fresh executor fits beside the processes that another keeps warm."""
    return TrialTask(
        trial, attempt, f"contract_trials:{trainable}", config, str(folder), recorded, cpu=0.5, affinity=affinity, known_images=("known",)
    )


def collect(
    executor: Executor, trials: Sequence[int], *, until: Callable[[list[Event]], bool] | None = None, patience: float = PATIENCE
) -> dict[int, list[Event]]:
    """Poll until each of `trials` has ended (or, with `until`, until it says so of all events); events by trial."""
    events: list[Event] = []
    deadline = time.monotonic() + patience
    while not (until(events) if until else {event.trial for event in events if isinstance(event, Ended)} >= set(trials)):
        if time.monotonic() > deadline:
            pytest.fail(f"after {patience} s: {events}")
        events += executor.poll(0.2)
    by_trial = defaultdict(list)
    for event in events:
        by_trial[event.trial].append(event)
    return by_trial


def epochs(events: Sequence[Event]) -> list[int]:
    """Epochs told, in order."""
    return [event.epoch for event in events if isinstance(event, EpochEnded)]


def ends(events: Sequence[Event]) -> list[Ended]:
    """The ends told; a contract says there is one."""
    return [event for event in events if isinstance(event, Ended)]


def has_epoch(trial: int) -> Callable[[list[Event]], bool]:
    """Whether `trial` has told an epoch."""
    return lambda events: any(isinstance(event, EpochEnded) and event.trial == trial for event in events)


class ExecutorContract:
    """Inherit it, and give the fixtures `executor` (one for all tests of the class) and `fresh_executor` (one that a test closes).

    `executor` keeps a process after an error, which saves this suite a process start per failure; `fresh_executor` does not.
    Executors whose workers are processes of their own inherit `IsolatedExecutorContract`, which asks more of them.
    """

    def test_a_trial_tells_its_start_its_epochs_and_its_end_in_order(self, executor: Executor, tmp_path: Path) -> None:
        executor.submit(task(100, "quick", tmp_path, epochs=4))
        events = collect(executor, [100])[100]
        assert [type(event) for event in events] == [Started, *[EpochEnded] * 4, Ended]
        assert epochs(events) == [1, 2, 3, 4]
        assert [event.figures for event in events if isinstance(event, EpochEnded)][2] == {"val_accuracy": 0.03}
        assert next(event.checkpoint for event in events if isinstance(event, EpochEnded)) == f"{tmp_path}/1"
        (end,) = ends(events)
        assert (end.cause, end.error, end.attempt) == (Cause.COMPLETED, None, 0)
        assert end.outcome is not None
        assert end.outcome.figures == {"exported_epoch": 4.0}
        assert end.outcome.ledger == PackedLedger("known", b"4", None)
        assert executor.poll(0.3) == []

    def test_what_an_attempt_carries_is_told_with_its_epochs_and_its_end(self, executor: Executor, tmp_path: Path) -> None:
        siblings = (SiblingTask(107, 0.5, str(tmp_path / "107")), SiblingTask(108, None, str(tmp_path / "108")))
        executor.submit(replace(task(106, "carrying", tmp_path, epochs=2), siblings=siblings))
        events = collect(executor, [106])
        assert events.keys() == {106}
        told = [event.siblings for event in events[106] if isinstance(event, EpochEnded)]
        assert told == [{107: {"val_accuracy": 0.5}, 108: {"val_accuracy": 0.0}}] * 2
        (end,) = ends(events[106])
        assert end.outcome is not None
        assert end.outcome.siblings == {107: Outcome(facts={"place": f"{tmp_path}/107"}), 108: Outcome(facts={"place": f"{tmp_path}/108"})}

    def test_room_counts_what_runs(self, executor: Executor, tmp_path: Path) -> None:
        free = executor.room()
        assert free >= 1
        executor.submit(task(110, "patient", tmp_path))
        assert executor.room() == free - 1
        collect(executor, [], until=has_epoch(110))
        executor.stop(110)
        collect(executor, [110])
        assert executor.room() == free

    def test_epochs_on_record_are_not_told_again(self, executor: Executor, tmp_path: Path) -> None:
        executor.submit(task(120, "retelling", tmp_path, attempt=1, recorded=3, epochs=5))
        events = collect(executor, [120])[120]
        assert epochs(events) == [4, 5]
        assert {event.attempt for event in events} == {1}

    def test_a_stopped_trial_tells_no_epoch_after_the_stop(self, executor: Executor, tmp_path: Path) -> None:
        executor.submit(task(130, "patient", tmp_path))
        collect(executor, [], until=has_epoch(130))
        time.sleep(0.2)  # more epochs are under way, some already in the queue
        began = time.monotonic()
        executor.stop(130)
        events = collect(executor, [130])[130]
        assert epochs(events) == []
        (end,) = ends(events)
        assert end.cause is Cause.STOPPED
        assert end.outcome is not None
        assert "left_at" in end.outcome.facts
        assert time.monotonic() - began < 5.0
        assert (tmp_path / "stopped-130").exists()

    def test_stopping_what_has_ended_or_never_was_does_nothing(self, executor: Executor, tmp_path: Path) -> None:
        executor.submit(task(140, "no_op", tmp_path))
        collect(executor, [140])
        executor.stop(140)
        executor.stop(99_999)
        assert executor.poll(0.2) == []

    @pytest.mark.parametrize(
        ("trainable", "cause", "words"),
        [
            ("raising", Cause.EXCEPTION, "the user's own mistake in trial"),
            ("non_finite", Cause.NON_FINITE, "loss became nan in epoch 2, batch 7"),
            ("hungry", Cause.OUT_OF_MEMORY, "MemoryError"),
            ("gpu_hungry", Cause.GPU_OUT_OF_MEMORY, "OOM when allocating"),
            ("exiting", Cause.EXCEPTION, "SystemExit: 4"),
            ("returning_nothing", Cause.EXCEPTION, "must return an Outcome, but returned NoneType"),
            ("returning_a_lambda", Cause.EXCEPTION, "cannot be sent to the driver"),
            ("falling_epochs", Cause.EXCEPTION, "epochs must rise"),
            ("not_there", Cause.EXCEPTION, "has no function 'not_there'"),
            ("not_a_function", Cause.EXCEPTION, "has no function 'not_a_function' (got int)"),
        ],
    )
    def test_a_failure_tells_its_cause(self, executor: Executor, tmp_path: Path, trainable: str, cause: Cause, words: str) -> None:
        executor.submit(task(200, trainable, tmp_path))
        (end,) = ends(collect(executor, [200])[200])
        assert end.cause is cause
        assert end.error is not None
        assert words in end.error
        assert end.outcome is None
        assert executor.poll(0.1) == []

    def test_a_traceback_names_the_users_line(self, executor: Executor, tmp_path: Path) -> None:
        executor.submit(task(210, "raising", tmp_path))
        events = collect(executor, [210])[210]
        assert epochs(events) == [1]
        error = ends(events)[0].error or ""
        assert "contract_trials.py" in error
        assert "in raising" in error

    @pytest.mark.parametrize("name", ["nonsense", "no.such.module:f", "contract_trials:", ":f"])
    def test_a_trainable_that_cannot_be_found_fails_its_trial_alone(self, executor: Executor, tmp_path: Path, name: str) -> None:
        executor.submit(TrialTask(220, 0, name, {}, str(tmp_path)))
        (end,) = ends(collect(executor, [220])[220])
        assert end.cause is Cause.EXCEPTION
        assert name in (end.error or "")

    def test_many_short_trials_each_end_once(self, executor: Executor, tmp_path: Path) -> None:
        waiting, ended, many = list(range(300, 300 + self.many)), [], self.many
        deadline = time.monotonic() + PATIENCE
        while len(ended) < many and time.monotonic() < deadline:
            while waiting and executor.room():
                executor.submit(task(waiting.pop(0), "quick", tmp_path, epochs=2))
            ended += [event.trial for event in executor.poll(0.5) if isinstance(event, Ended) and event.cause is Cause.COMPLETED]
        assert sorted(ended) == list(range(300, 300 + many))

    many = 30

    def test_a_process_is_kept_for_the_next_trial(self, executor: Executor, tmp_path: Path) -> None:
        workers = []
        for trial in range(400, 404):
            executor.submit(task(trial, "quick", tmp_path))
            workers += [event.worker for event in collect(executor, [trial])[trial] if isinstance(event, Started)]
        assert len(workers) == 4
        assert len(set(workers)) <= 2  # one, or one more where two slots were warm

    def test_closing_interrupts_what_runs_and_loses_no_event(self, fresh_executor: Executor, tmp_path: Path) -> None:
        fresh_executor.submit(task(500, "patient", tmp_path))
        before = collect(fresh_executor, [], until=has_epoch(500))[500]
        time.sleep(0.1)
        began = time.monotonic()
        rest = [event for event in fresh_executor.close(grace=10.0) if event.trial == 500]
        assert time.monotonic() - began < 10.0
        (end,) = ends(rest)
        assert rest[-1] is end
        assert end.cause is Cause.INTERRUPTED
        told = epochs([*before, *rest])
        assert told == list(range(1, len(told) + 1))
        assert (tmp_path / "stopped-500").read_text() == str(told[-1])


class IsolatedExecutorContract(ExecutorContract):
    """What is asked of workers that are processes of their own: they may die, be cut, and be replaced."""

    def test_an_unpicklable_task_fails_its_trial_alone(self, executor: Executor, tmp_path: Path) -> None:
        executor.submit(task(230, "no_op", tmp_path, function=lambda: None))
        (end,) = ends(collect(executor, [230])[230])
        assert end.cause is Cause.EXCEPTION
        assert "cannot be sent to a worker" in (end.error or "")

    def test_a_dead_worker_ends_its_trial_and_the_next_runs(self, executor: Executor, tmp_path: Path) -> None:
        executor.submit(task(240, "killed", tmp_path))
        executor.submit(task(241, "leaving", tmp_path))
        events = collect(executor, [240, 241])
        for trial in (240, 241):
            (end,) = ends(events[trial])
            assert end.cause is Cause.WORKER_DIED
            assert end.error
        executor.submit(task(240, "quick", tmp_path, attempt=1))
        again = collect(executor, [240])[240]
        assert ends(again)[0].cause is Cause.COMPLETED
        assert {event.attempt for event in again} == {1}

    def test_a_trial_that_dies_after_its_stop_was_stopped(self, executor: Executor, tmp_path: Path) -> None:
        executor.submit(task(250, "killed", tmp_path, seconds=1.0))
        collect(executor, [], until=has_epoch(250))
        executor.stop(250)
        assert ends(collect(executor, [250])[250])[0].cause is Cause.STOPPED

    def test_a_failed_process_is_not_used_again(self, fresh_executor: Executor, tmp_path: Path) -> None:
        workers = []
        for trial, trainable in ((410, "raising"), (411, "quick")):
            fresh_executor.submit(task(trial, trainable, tmp_path))
            workers += [event.worker for event in collect(fresh_executor, [trial])[trial] if isinstance(event, Started)]
        assert workers[0] != workers[1]

    def test_closing_cuts_a_trial_that_does_not_listen(self, fresh_executor: Executor, tmp_path: Path) -> None:
        fresh_executor.submit(task(510, "deaf", tmp_path))
        collect(fresh_executor, [], until=has_epoch(510))
        began = time.monotonic()
        (end,) = ends(fresh_executor.close(grace=0.5))
        assert end.cause is Cause.INTERRUPTED
        assert time.monotonic() - began < 30.0
