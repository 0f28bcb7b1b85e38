"""What users of other tools ran into, as scenarios of ours: a clock that is set, few file handles, two runs at once, a storm of kills."""

from __future__ import annotations

import gc
import json
import os
import resource
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from killable import sweep_in
from recorder import Recorder

from sweeps.executor.inline import InlineExecutor
from sweeps.observer import StudyObserver
from sweeps.record.study_record import read_stored_study
from sweeps.study.plan import plan_of
from sweeps.study.ranking import StudyRanking
from sweeps.study.running import run_study
from sweeps.study.snapshots import Snapshots
from sweeps.study.state import DeviceTime, StudyState
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.process import BaseProcess

    from reports.records import StudyRecord, TrialRecord
    from sweeps.observer import StudyOutcome

ROOT = Path(__file__).parents[2]
HOUR = 3600.0


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_a_clock_that_is_set_by_an_hour_changes_no_trial_and_no_time_that_is_told(
    jump: float, sweep_text: Callable[..., str], record: Callable[[], StudyRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    sweep = sweep_from_text(sweep_text(search="{trials: 4, pruner: none}"))

    class Setting(Recorder):
        def on_finished(self, trial: TrialRecord) -> None:
            super().on_finished(trial)
            if trial.number == 1:
                monkeypatch.setattr(time, "time", lambda: real() + jump)
                for module in ("sweeps.record.recorded_study", "sweeps.record.schema"):
                    monkeypatch.setattr(f"{module}.naive_utc_now", lambda: datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=jump))

    seen = Setting()
    outcome = run_study(sweep, InlineExecutor(), trainable="fast_training:train", observers=[seen])
    assert outcome.reason == "done"
    assert [trial.state for trial in record().trials] == ["COMPLETE"] * 4
    assert all(0 <= tick.elapsed < HOUR / 2 and 0 <= tick.trial_hours < 0.5 for tick in seen.ticks)
    again = run_study(sweep_from_text(sweep_text(search="{trials: 5, pruner: none}")), InlineExecutor(), trainable="fast_training:train")
    assert again.snapshot.trial_hours >= 0
    assert again.snapshot.done == 5


def test_an_attempt_that_ended_before_it_began_by_the_clock_takes_no_time_back() -> None:
    from reports.records import AttemptRecord

    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    times = DeviceTime()
    times.restore(0, [AttemptRecord(0, "d", "w", 0, noon, noon + timedelta(seconds=30), "completed", 1.0)])
    times.restore(1, [AttemptRecord(0, "d", "w", 0, noon, noon - timedelta(hours=1), "completed", 1.0)])
    assert times.gpu_hours() == pytest.approx(30 / HOUR)


def test_256_file_handles_are_enough_and_none_is_lost(sweep_text: Callable[..., str], record: Callable[[], StudyRecord]) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    process, handles = psutil.Process(), Counter[int]()

    class Counting(Recorder):
        def on_finished(self, trial: TrialRecord) -> None:
            handles[trial.number] = process.num_fds()

    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        sweep = sweep_from_text(sweep_text(search="{trials: 40, sampler: random, pruner: none}"))
        run_study(sweep, InlineExecutor(2), trainable="fast_training:train", observers=[Counting()])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert len(record().trials) == 40
    assert handles[39] <= handles[5] + 3


KEPT_BYTES = 7_000
"""Of a finished trial in the driver: parameters, figures, curves and its place in the ranking; measured 4,500 to 5,400."""


def test_a_driver_keeps_a_trial_s_record_and_nothing_else_of_it(sweep_text: Callable[..., str]) -> None:
    held: dict[int, int] = {}

    class Weighing(StudyObserver):
        def on_finished(self, trial: TrialRecord) -> None:
            if trial.number == 30:
                tracemalloc.start()
            if trial.number in (60, 110):
                gc.collect()
                held[trial.number] = tracemalloc.get_traced_memory()[0]

    sweep = sweep_from_text(sweep_text(search="{trials: 111, sampler: random, pruner: none}"))
    try:
        run_study(sweep, InlineExecutor(), trainable="fast_training:train", observers=[Weighing()])
    finally:
        tracemalloc.stop()
    assert (held[110] - held[60]) / 50 < KEPT_BYTES


class Unread(dict[int, "TrialRecord"]):
    """Finished trials that nobody may go through."""

    def values(self) -> Any:  # noqa: ANN401 - it returns nothing
        raise AssertionError("all finished trials were read")

    items = __iter__ = values


def test_where_a_study_stands_is_not_counted_from_all_its_finished_trials(
    run: Callable[..., StudyOutcome], sweep_text: Callable[..., str], tmp_path: Path
) -> None:
    """Counted so at each trial, one took its driver 32 ms of processor time at first and 50 after 7,000 others."""
    keys = {"search": "{trials: 8, sampler: random, pruner: none}"}
    told = run("faulty_training:sometimes", **keys).snapshot
    plan = plan_of(sweep_from_text(sweep_text(**keys)), "fast_training:train")
    facts, trials = read_stored_study(f"sqlite:///{tmp_path}/fast.db", "fast")
    state = StudyState(plan, trials)
    snapshots = Snapshots("fast", plan, state, StudyRanking("fast", state, lambda: facts))
    snapshots.take("over")
    state.finished = Unread(state.finished)
    again = snapshots.take("over")
    assert (again.complete, again.pruned, again.failed, again.done) == (told.complete, told.pruned, told.failed, 8)
    assert 0 < again.failed < 8
    assert state.search_configurations() == state.tried_configurations() == 8
    assert state.search_epochs() == sum(trial.num_epochs for trial in trials)


def test_two_runs_of_one_study_at_the_same_second_are_one_run_and_one_refusal(
    tmp_path: Path, start_driver: Callable[..., BaseProcess], record: Callable[[], StudyRecord]
) -> None:
    text = sweep_in(tmp_path, search="{trials: 4, pruner: none}")
    both = [start_driver(text, environment={"FAST_TRAINING_SECONDS": "0.1"}) for _ in range(2)]
    for process in both:
        process.join(200)
    assert sorted(process.exitcode for process in both) == [0, 1], "the second finds the first one's lock"
    trials = record().trials
    assert [trial.state for trial in trials] == ["COMPLETE"] * 4
    computed = [path.read_text().split() for path in (tmp_path / "runs").glob("*/computed.txt")]
    assert all(Counter(epochs).most_common(1)[0][1] == 1 for epochs in computed)


def test_an_outcome_without_epochs_is_a_failure_with_its_reason(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]
) -> None:
    run("faulty_training:silent_return", search="{trials: 2, sampler: random, pruner: none}")
    assert {trial.error for trial in record().trials} == {"the trainable returned without reporting an epoch"}


def storm(tmp_path: Path, *words: str) -> Mapping[str, Mapping[str, Mapping[str, object]]]:
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "faults.py"), *words, "--json", str(figures)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=500, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    read: Mapping[str, Mapping[str, Mapping[str, object]]] = json.loads(figures.read_text())
    return read


def test_a_short_storm_loses_and_doubles_no_trial(tmp_path: Path) -> None:
    words = ("--kills", "3", "--trials", "3", "--epochs", "6", "--seconds", "0.3", "--only", "ours, inline")
    told = storm(tmp_path, *words)["ours, inline"]["storm"]
    assert sum(told["kills"].values()) == 3  # type: ignore[attr-defined]
    assert (told["lost"], told["doubled"]) == (0, 0)
    assert int(str(told["repeated"])) <= 3, "at most the epoch that a kill cut between its log and its checkpoint"
