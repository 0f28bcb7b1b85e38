"""`steadysweep confirm` on a sweep that ran, and what it refuses."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from sweeps.record.opening import open_study

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Shell

STORAGE = ("--storage", "sqlite:///tiny-digits.db")


@pytest.fixture
def own(swept: Shell, tmp_path: Path) -> Shell:
    """A copy of the finished study, to be gone on with."""
    with sqlite3.connect(swept.folder / "tiny-digits.db") as source, sqlite3.connect(tmp_path / "tiny-digits.db") as copy:
        source.backup(copy)
    return type(swept)(tmp_path)


def trials(shell: Shell) -> list[dict[str, Any]]:
    document = json.loads(shell.ask("report", "tiny-digits", *STORAGE, "--format", "json").stdout)
    return [trial for entry in document["ranking"] for trial in entry["trials"]]


def configurations(shell: Shell) -> list[str]:
    """IDs, best first."""
    ranking = json.loads(shell.ask("report", "tiny-digits", *STORAGE, "--format", "json").stdout)["ranking"]
    return [entry["configuration"] for entry in ranking]


def test_where_the_best_is_known_nothing_is_trained_and_the_verdict_is_printed(swept: Shell) -> None:
    done = swept.run("confirm", "tiny-digits", *STORAGE, "--trainings", "3", "--executor", "inline")
    assert done.returncode == 0, done.stderr
    known, probability = done.stdout.splitlines()
    assert known.startswith("nothing to train: the best is known with 95 %")
    assert probability.split()[0] == configurations(swept)[0][:6]
    assert re.search(r"is the best of 2 with (over )?9\d\s%", probability), "the third has collapsed"
    assert len(trials(swept)) == 3


def test_a_finished_study_is_confirmed_with_the_price_told_first_and_the_verdict_last(own: Shell) -> None:
    first, second, *_ = configurations(own)
    asked = ("--configuration", first[:6], second, "--seeds", "1")
    price = r"confirming 2 configurations: 2 trainings to go, at most 12 epochs, about (\d+ min )?\d+ s"
    planned = own.run("confirm", "tiny-digits", *STORAGE, *asked, "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert re.match(price, planned.stdout)
    assert len(trials(own)) == 3, "a dry run trains nothing"

    done = own.run("confirm", "tiny-digits", *STORAGE, *asked, "--executor", "inline")
    assert done.returncode == 0, done.stderr
    assert re.search(price, done.stderr)
    assert [(trial["role"], trial["state"]) for trial in trials(own)].count(("confirmation", "COMPLETE")) == 2
    assert len({trial["seed"] for trial in trials(own)}) == 5
    assert "2/2 confirmations" in done.stderr
    assert re.search(r"^\w{6} is the best of 2 with .*%, within half a point of the best with .*%", done.stdout, re.MULTILINE)
    status = own.ask("status", "tiny-digits", *STORAGE).stdout
    assert f"confirmation: 2 of at most 2 fresh trainings of {first}, {second}, planned when 3 configurations were searched" in status


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--seeds", "0"), "confirm --seeds: expected a whole number of at least 1, got 0"),
        (("--trainings", "-2"), "confirm --trainings: expected a whole number of at least 1, got -2"),
        (("--seeds", "1", "--trainings", "2"), "give one of the two"),
        (
            ("--configuration", "zzz", "--seeds", "1"),
            "zzz is no configuration of this study; expected one that was pruned, or one of those that are finished: ",
        ),
        (("--set", "training.epochs=3"), "training.epochs: 6 -> 3"),
    ],
)
def test_wrong_input_is_refused_before_anything_starts(swept: Shell, words: tuple[str, ...], message: str) -> None:
    done = swept.ask("confirm", "tiny-digits", *STORAGE, *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "checking the data" not in done.stderr


def test_a_study_that_is_not_there_is_named(swept: Shell) -> None:
    done = swept.run("confirm", "nowhere", *STORAGE)
    assert done.returncode == 2
    assert "no study 'nowhere'; expected one of: tiny-digits" in done.stderr


def test_a_study_that_another_process_runs_is_left_to_it(own: Shell) -> None:
    first = configurations(own)[0]
    held = open_study(f"sqlite:///{own.folder}/tiny-digits.db", "tiny-digits")
    try:
        done = own.run("confirm", "tiny-digits", *STORAGE, "--configuration", first, "--executor", "inline")
    finally:
        held.close()
    assert done.returncode == 1, done.stderr
    assert "is being run by" in done.stderr
    assert len(trials(own)) == 3
