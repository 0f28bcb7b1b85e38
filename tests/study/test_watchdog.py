"""A trial that tells nothing for far longer than its epochs take is named and ended; its slot is free, and the study goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from recorder import Recorder

from sweeps.errors import SweepInputError
from sweeps.executor.factory import ExecutorRequest, make_executor
from sweeps.executor.inline import InlineExecutor
from sweeps.executor.protocol import Cause, Ended, EpochEnded, Noticed, Started
from sweeps.study.plan import StudyOptions
from sweeps.study.running import run_study
from sweeps.study.watchdog import LEAST_SECONDS, TIMES_THE_PACE, WITHOUT_A_PACE_SECONDS, Watchdog
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.records import StudyRecord, TrialRecord

SEARCH = "{trials: 4, sampler: random, pruner: none}"


class Notices(Recorder):
    """Keeps what is said of trials."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[int, str]] = []

    def on_notice(self, trial: TrialRecord, text: str) -> None:
        self.said.append((trial.number, text))


@pytest.mark.parametrize("executor", ["ray-core", "ray-tune"])
def test_a_hanging_trial_is_named_ended_tried_once_more_and_failed(
    executor: str, sweep_text: Callable[..., str], record: Callable[[], StudyRecord]
) -> None:
    sweep = sweep_from_text(sweep_text(search=SEARCH, resources="{cpu: 0.5, concurrent: 2}", runtime="{silent_after: 6s}"))
    seen = Notices()
    outcome = run_study(
        sweep, make_executor(ExecutorRequest(sweep.resources), executor), trainable="faulty_training:hanging", observers=[seen]
    )
    assert outcome.reason == "done"
    trials = record().trials
    assert [trial.state for trial in trials] == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert trials[1].cause == "silent (2 attempts)"
    assert "told nothing for" in (trials[1].error or "")
    assert [attempt.cause for attempt in trials[1].attempts] == ["silent", "silent"]
    assert [attempt.cause for attempt in trials[2].attempts] == ["silent", "completed"]
    assert trials[2].attempts[1].from_epoch == 2, "its epochs on record are kept"
    said = [text for number, text in seen.said if number == 1]
    assert any("runtime.silent_after ends it after 6s" in text for text in said)
    assert any(text.endswith("and was ended (runtime.silent_after); it is tried once more") for text in said)
    assert any(text.endswith("it counts as failed") for text in said)
    assert any("told nothing" in notice for notice in trials[1].notices), "on record"


def test_inline_names_what_it_cannot_end(sweep_text: Callable[..., str], record: Callable[[], StudyRecord]) -> None:
    sweep = sweep_from_text(sweep_text(search=SEARCH, runtime="{silent_after: 2s}"))
    seen = Notices()

    def stop_requested() -> bool:
        return any("cannot be ended alone" in text for _, text in seen.said)

    options = StudyOptions(grace_seconds=0.5)
    outcome = run_study(
        sweep, InlineExecutor(), trainable="faulty_training:hanging", observers=[seen], stop_requested=stop_requested, options=options
    )
    assert outcome.reason == "interrupted"
    assert outcome.unfinished == (1,)
    assert record().trials[1].num_epochs == 2


def kill(trial: int, why: str) -> bool:
    del trial, why
    return True


def test_the_limit_follows_the_pace_of_the_study() -> None:
    watchdog = Watchdog("auto", None, 0.0)
    assert watchdog.limit == WITHOUT_A_PACE_SECONDS
    watchdog.heard(Started(1, 0, "here:1"), 0.0)
    watchdog.heard(EpochEnded(1, 0, 1, {}), 30.0)
    assert watchdog.limit == LEAST_SECONDS
    watchdog.heard(Noticed(1, 0, "a checkpoint was damaged"), 900.0)
    assert watchdog.limit == LEAST_SECONDS, "a notice is no measure"
    watchdog.heard(EpochEnded(1, 0, 2, {}), 1500.0)
    assert watchdog.limit == TIMES_THE_PACE * 600.0
    assert Watchdog("auto", 400.0, 0.0).limit == TIMES_THE_PACE * 400.0, "a resumed study knows its pace"
    assert Watchdog("off", 400.0, 0.0).limit == float("inf")


def look(watchdog: Watchdog, until: float, since: float, step: float = 5.0) -> list[tuple[int, str, bool]]:
    said, now = [], since
    while now < until:
        now += step
        said += watchdog.look(now, kill)
    return said


def test_a_silent_trial_is_named_once_and_ended_once() -> None:
    watchdog = Watchdog(100.0, None, 0.0)
    for trial in (1, 2):
        watchdog.heard(Started(trial, 0, "here:1"), 0.0)
    assert look(watchdog, 45.0, 0.0) == []
    watchdog.heard(EpochEnded(2, 0, 1, {}), 45.0)
    (named,) = look(watchdog, 90.0, 45.0)
    assert (named[0], named[2]) == (1, False)
    ((ended, text, killed),) = [each for each in look(watchdog, 120.0, 90.0) if each[0] == 1]
    assert (ended, killed) == (1, True)
    assert text == "told nothing for 1m40s (an epoch took 45s at most) and was ended (runtime.silent_after)"
    assert all(trial == 2 for trial, _, _ in look(watchdog, 140.0, 120.0))
    watchdog.heard(Ended(2, 0, Cause.COMPLETED), 141.0)
    assert look(watchdog, 1000.0, 140.0) == []


def test_a_driver_that_was_away_itself_ends_nothing() -> None:
    watchdog = Watchdog(100.0, None, 0.0)
    watchdog.heard(Started(1, 0, "here:1"), 0.0)
    assert list(watchdog.look(3600.0, kill)) == [], "suspended for an hour, or waiting for its database"
    assert [killed for _, _, killed in look(watchdog, 3695.0, 3600.0)] == [False]
    assert [killed for _, _, killed in look(watchdog, 3705.0, 3695.0)] == [True]


@pytest.mark.parametrize(("written", "read"), [("2h", 7200.0), ("90s", 90.0), ("45", 45.0), ("auto", "auto"), ("off", "off")])
def test_the_setting_reads_durations_and_words(written: str, read: object, sweep_text: Callable[..., str]) -> None:
    assert sweep_from_text(sweep_text(runtime=f"{{silent_after: {written}}}")).runtime.silent_after == read


@pytest.mark.parametrize("wrong", ["0", "-3", "soon", "[1]"])
def test_what_is_no_duration_is_refused_by_name(wrong: str, sweep_text: Callable[..., str]) -> None:
    with pytest.raises(SweepInputError, match=r"runtime\.silent_after"):
        sweep_from_text(sweep_text(runtime=f"{{silent_after: {wrong}}}"))
