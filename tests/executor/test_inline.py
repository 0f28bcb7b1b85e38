"""The executor in the driver's own process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from contract import ExecutorContract, task

from sweeps.cli.parser import build_parser
from sweeps.executor.factory import EXECUTORS, ExecutorEntry, ExecutorRequest, make_executor
from sweeps.executor.inline import InlineExecutor
from sweeps.executor.protocol import Cause, Ended, EpochEnded
from sweeps.sweep_file.settings import ResourceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sweeps.executor.protocol import Executor


@pytest.fixture(scope="class")
def executor() -> Iterator[Executor]:
    executor = InlineExecutor(2)
    yield executor
    executor.close(1.0)


@pytest.fixture
def fresh_executor() -> Iterator[Executor]:
    executor = InlineExecutor(1)
    yield executor
    executor.close(0.0)


class TestInline(ExecutorContract):
    """The contract."""


def test_a_thread_is_not_free_before_its_end_was_heard(fresh_executor: Executor, tmp_path: Path) -> None:
    fresh_executor.submit(task(1, "quick", tmp_path, epochs=0))
    time.sleep(0.3)
    assert fresh_executor.room() == 0
    assert any(isinstance(event, Ended) for event in fresh_executor.poll(1.0))
    assert fresh_executor.room() == 1


def test_a_trial_that_is_stopped_with_an_epoch_that_nobody_has_read_ends(fresh_executor: Executor, tmp_path: Path) -> None:
    fresh_executor.submit(task(1, "patient", tmp_path))
    time.sleep(1.0)  # it waits with its first epoch
    fresh_executor.stop(1)
    heard = [event for _ in range(5) for event in fresh_executor.poll(0.5)]
    assert [event.cause for event in heard if isinstance(event, Ended)] == [Cause.STOPPED]
    assert not [event for event in heard if isinstance(event, EpochEnded)]


def test_no_thread_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, but got 0"):
        InlineExecutor(0)


def make(request: ExecutorRequest) -> InlineExecutor:
    """An executor of the test's own."""
    return InlineExecutor(request.resources.concurrent or 7)


def test_an_executor_is_added_by_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(EXECUTORS, "mine", ExecutorEntry(__name__, "threads of mine"))
    assert make_executor(ExecutorRequest(ResourceSettings()), "mine").room() == 7
    with pytest.raises(SystemExit):
        build_parser().parse_args(["run", "--help"])
    assert "mine: threads of mine" in " ".join(capsys.readouterr().out.split())
    assert build_parser().parse_args(["run", "sweep.yaml", "--executor", "mine"]).executor == "mine"
