"""What the protocol promises about events, whatever executors hear and when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.executor.protocol import Cause, Ended, EpochEnded, Outcome, Started, TrialTask
from sweeps.executor.worker import Mailbox


def opened(*trials: int, attempt: int = 0) -> Mailbox:
    mailbox = Mailbox()
    for trial in trials:
        mailbox.open(TrialTask(trial, attempt, "m:f", {}, ""))
    return mailbox


def epoch(number: int, trial: int = 1, attempt: int = 0) -> EpochEnded:
    return EpochEnded(trial, attempt, number, {})


def test_a_second_end_and_what_follows_an_end_are_dropped() -> None:
    mailbox = opened(1)
    end = Ended(1, 0, Cause.COMPLETED)
    assert mailbox.put(end)
    assert not mailbox.put(Ended(1, 0, Cause.WORKER_DIED))
    assert not mailbox.put(epoch(9))
    assert mailbox.take() == [end]


def test_a_late_message_of_an_earlier_attempt_is_dropped() -> None:
    mailbox = opened(1, attempt=1)
    assert not mailbox.put(epoch(3, attempt=0))
    assert not mailbox.put(Ended(1, 0, Cause.WORKER_DIED))
    assert mailbox.live() == {1: 1}


def test_the_same_trial_cannot_run_twice_at_a_time() -> None:
    mailbox = opened(1)
    with pytest.raises(ValueError, match="trial 1 was submitted as attempt 1 while attempt 0 is still running"):
        mailbox.open(TrialTask(1, 1, "m:f", {}, ""))


def test_a_stop_takes_back_epochs_that_wait_and_an_end_that_waits() -> None:
    mailbox = opened(1, 2)
    mailbox.put(Started(1, 0, "here:1"))
    mailbox.put(epoch(1))
    mailbox.put(epoch(1, trial=2))
    mailbox.put(Ended(1, 0, Cause.COMPLETED, outcome=Outcome()))
    assert mailbox.silence(1)
    assert mailbox.take() == [Started(1, 0, "here:1"), epoch(1, trial=2), Ended(1, 0, Cause.STOPPED, outcome=Outcome())]
    assert not mailbox.silence(1)


@pytest.mark.parametrize("cause", list(Cause))
def test_after_a_stop_every_end_is_stopped(cause: Cause) -> None:
    mailbox = opened(1)
    mailbox.silence(1)
    mailbox.put(Ended(1, 0, cause, "kept"))
    assert mailbox.take() == [Ended(1, 0, Cause.STOPPED, "kept")]


def test_closing_calls_a_cut_trial_interrupted_and_leaves_other_ends_as_they_are() -> None:
    mailbox = opened(1, 2, 3)
    mailbox.silence(3)
    mailbox.begin_closing()
    mailbox.put(Ended(1, 0, Cause.STOPPED))
    mailbox.put(Ended(2, 0, Cause.COMPLETED))
    mailbox.end_all(Cause.INTERRUPTED)
    assert [(event.trial, event.cause) for event in mailbox.take() if isinstance(event, Ended)] == [
        (1, Cause.INTERRUPTED),
        (2, Cause.COMPLETED),
        (3, Cause.STOPPED),
    ]


@given(st.lists(st.tuples(st.sampled_from(["epoch", "end", "stop", "take"]), st.integers(1, 3)), max_size=40))
def test_each_trial_ends_once_and_in_order_whatever_happens(actions: list[tuple[str, int]]) -> None:
    mailbox = opened(1, 2, 3)
    got, stopped, counts = [], {}, dict.fromkeys((1, 2, 3), 0)
    for action, trial in actions:
        if action == "epoch":
            counts[trial] += 1
            mailbox.put(epoch(counts[trial], trial))
        elif action == "end":
            mailbox.put(Ended(trial, 0, Cause.COMPLETED))
        elif action == "stop":
            if mailbox.silence(trial):
                stopped.setdefault(trial, len(got))
        else:
            got += mailbox.take()
    mailbox.end_all(Cause.INTERRUPTED)
    got += mailbox.take()
    for trial in (1, 2, 3):
        mine = [event for event in got if event.trial == trial]
        assert sum(isinstance(event, Ended) for event in mine) == 1
        assert isinstance(mine[-1], Ended)
        told = [event.epoch for event in mine if isinstance(event, EpochEnded)]
        assert told == sorted(told)
        if trial in stopped:
            assert mine[-1].cause is Cause.STOPPED
            assert not any(isinstance(event, EpochEnded) and event.trial == trial for event in got[stopped[trial] :])
