"""A study on a server: killed, finished, and without its password anywhere."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from sweeps.errors import SweepInputError
from sweeps.executor.inline import InlineExecutor
from sweeps.record import read_study, read_study_facts
from sweeps.study import run_study
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import PostgresServer


def test_a_killed_study_on_a_server_is_finished_by_the_next_driver(
    postgres: PostgresServer, sweep_text: Callable[..., str], driver_process: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEP_TEST_PASSWORD", postgres.password)
    storage = postgres.url.replace(postgres.password, "${SWEEP_TEST_PASSWORD}")
    text = sweep_text(storage=storage, study="killed", search="{trials: 4, pruner: none}")
    environment = {"SWEEP_TEST_PASSWORD": postgres.password}
    assert driver_process(text, kill_at="epoch-written:7", environment=environment) == -signal.SIGKILL
    assert [trial.state for trial in read_study(storage, "killed").trials] == ["COMPLETE", "RUNNING"]
    assert driver_process(text, environment=environment) == 0
    study = read_study(storage, "killed")
    assert {trial.state for trial in study.trials} <= {"COMPLETE", "PRUNED"}
    assert [len(trial.attempts) for trial in study.trials] == [1, 2, 1, 1]
    assert [attempt.from_epoch for attempt in study.trials[1].attempts] == [0, 2]
    facts = read_study_facts(storage, "killed")
    assert "${SWEEP_TEST_PASSWORD}" in facts.sweep_file
    assert postgres.password not in repr(facts)


def test_a_password_in_a_sweep_built_by_hand_is_refused(postgres: PostgresServer, sweep_text: Callable[..., str]) -> None:
    sweep = sweep_from_text(sweep_text()).model_copy(update={"storage": postgres.url})
    with pytest.raises(SweepInputError, match="password") as caught:
        run_study(sweep, InlineExecutor(), trainable="fast_training:train")
    assert postgres.password not in str(caught.value)
