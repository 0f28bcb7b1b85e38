"""A study's database is opened once, whoever looks at it, runs it and reports it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy

from sweeps.executor.inline import InlineExecutor
from sweeps.launch import LaunchOptions, launch
from sweeps.record import Database, read_study, storage
from sweeps.study import look_at_study, run_study, storage_of, with_kept_trials
from sweeps.sweep_file import SweepFile, sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import PostgresServer

    from sweeps.study import StudyOutcome


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URL of each engine that is made, by us or by Optuna."""
    made: list[str] = []
    original = sqlalchemy.create_engine

    def counted(url: object, *arguments: object, **options: object) -> object:
        made.append(str(url))
        return original(url, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(storage, "create_engine", counted)
    monkeypatch.setattr(sqlalchemy.engine, "create_engine", counted)
    return made


def continued(sweep: SweepFile) -> None:
    """Make a study, then continue it as `launch` does, without its look at data and model."""
    for trials in (2, 3):
        wanted = sweep.model_copy(update={"search": sweep.search.model_copy(update={"trials": trials})})
        with Database(storage_of(sweep)) as database:
            wanted = with_kept_trials(wanted, database)
            there = look_at_study(wanted, None, database)
            assert (there is None) == (trials == 2)
            run_study(wanted, InlineExecutor(), trainable="fast_training:train", database=database)
            assert len(read_study(database, sweep.study).trials) == trials


def test_making_and_continuing_a_study_open_its_file_once_each(sweep_text: Callable[..., str], engines: list[str]) -> None:
    continued(sweep_from_text(sweep_text(search="{pruner: none}")))
    assert len(engines) == 2


def test_a_run_by_itself_opens_it_once(run: Callable[..., StudyOutcome], engines: list[str]) -> None:
    run(search="{trials: 1, pruner: none}")
    run(search="{trials: 2, pruner: none}")
    assert len(engines) == 2


def test_on_a_server_too(
    sweep_text: Callable[..., str], engines: list[str], postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_URL", postgres.url)
    continued(sweep_from_text(sweep_text(search="{pruner: none}", study="opened-once", storage="${STORAGE_URL}")))
    assert len(engines) == 2


def test_a_finished_study_is_launched_with_one_opening(
    run: Callable[..., StudyOutcome], sweep_text: Callable[..., str], engines: list[str], tmp_path: Path
) -> None:
    keys = {"search": "{trials: 2, pruner: none}", "report": f"{{path: {tmp_path}/report.html}}"}
    run(**keys)
    engines.clear()
    result = launch(sweep_from_text(sweep_text(**keys)), LaunchOptions(quiet=True))
    assert not result.ran
    assert result.report.exists()
    assert len(engines) == 1
