"""A driver that is killed at any edge of a race leaves one that the next driver finishes as if nothing had happened; two drivers share one."""

from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from killable import sweep_in
from test_killed_drivers import computed_twice, essence
from test_several_drivers import PATIENCE, Drivers, drivers, drivers_of, ended_well  # noqa: F401 - a fixture

from sweeps.record import read_study
from sweeps.record.study_record import read_study_facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SEARCHED = 8
KEYS = {
    "search": f"{{trials: {SEARCHED}, sampler: random, pruner: none, seed: 1}}",
    "confirm": "{budget: 5}",
    "space": "{learning_rate: {float: [2.0e-3, 5.0e-3], log: true}, dropout: {float: [0.0, 0.1]}}",
}
"""Configurations that a few seeds do not tell apart."""


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, driver_process: Callable[..., int]) -> list[dict[str, Any]]:
    """The same sweep without a kill."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert driver_process(sweep_in(folder, **KEYS)) == 0
    return essence(read_study(f"sqlite:///{folder}/fast.db", "fast"))


def test_the_uninterrupted_race_spends_its_budget_on_more_than_one(uninterrupted: list[dict[str, Any]]) -> None:
    fresh = [trial["configuration"] for trial in uninterrupted if trial["role"] == "confirmation"]
    assert len(fresh) == 5
    assert len(set(fresh)) > 1


@pytest.mark.parametrize(
    "kill_at",
    [
        "race-planned:1",
        *(f"{point}:{passing}" for passing in (SEARCHED + 1, SEARCHED + 5) for point in ("trial-written", "attempt-written", "told")),
        f"started:{SEARCHED + 2}",
        f"epoch-written:{5 * SEARCHED + 8}",
        f"mid-checkpoint:{5 * SEARCHED + 8}",
        f"attributes-set:{SEARCHED + 3}",
        f"ended-received:{SEARCHED + 3}",
    ],
)
def test_killed_in_a_race_then_resumed_equals_uninterrupted(
    kill_at: str,
    tmp_path: Path,
    uninterrupted: list[dict[str, Any]],
    sweep_text: Callable[..., str],
    driver_process: Callable[..., int],
) -> None:
    text = sweep_text(**KEYS)
    assert driver_process(text, kill_at=kill_at) == -signal.SIGKILL
    assert driver_process(text) == 0
    study = read_study(f"sqlite:///{tmp_path}/fast.db", "fast")
    assert essence(study) == uninterrupted
    assert sum(computed_twice(tmp_path).values()) <= 1


DECIDED = {
    "search": "{trials: 4, sampler: grid, pruner: none}",
    "space": "{dropout: {ordinal: [0.0, 0.2, 0.4, 0.6]}}",
    "training": "{epochs: 5, learning_rate: 0.003}",
    "confirm": "{budget: 20}",
}
"""One configuration is two points ahead of the next."""


def test_killed_when_the_race_is_decided_the_next_driver_knows(
    tmp_path: Path, sweep_text: Callable[..., str], driver_process: Callable[..., int]
) -> None:
    text, storage = sweep_text(**DECIDED), f"sqlite:///{tmp_path}/fast.db"
    assert driver_process(text, kill_at="race-ended:1") == -signal.SIGKILL
    killed = read_study(storage, "fast")
    race = read_study_facts(storage, "fast").race
    assert race is not None
    assert race.ended == "decided"
    assert len(killed.trials) < 4 + 20
    assert driver_process(text) == 0
    assert essence(read_study(storage, "fast")) == essence(killed)


def test_two_drivers_spend_one_budget_and_train_no_seed_twice(drivers: Callable[..., Drivers]) -> None:  # noqa: F811 - the fixture
    both = drivers(**KEYS)
    for _ in range(2):
        both.start(seconds=0.15, lease=12.0)
    assert all(ended_well(process) for process in both.processes)
    study = both.record()
    fresh = [trial for trial in study.trials if trial.role == "confirmation"]
    assert len({(trial.configuration, trial.replicate) for trial in fresh}) == len(fresh) == 5
    assert len({trial.seed for trial in study.trials}) == len(study.trials) == SEARCHED + 5
    assert {trial.state for trial in study.trials} == {"COMPLETE"}
    assert len({attempt.driver for trial in fresh for attempt in trial.attempts}) == 2, "both took part in the race"
    assert computed_twice(both.folder) == {}


def test_a_killed_driver_s_fresh_training_is_taken_over_and_the_race_goes_on(drivers: Callable[..., Drivers]) -> None:  # noqa: F811 - the fixture
    both = drivers(**KEYS)
    victim = both.start(seconds=0.3)
    both.wait_for(lambda study: any(trial.role == "confirmation" and trial.num_epochs >= 2 for trial in study.trials))
    victim.kill()
    victim.join(PATIENCE)
    assert ended_well(both.start())
    study = both.record()
    fresh = [trial for trial in study.trials if trial.role == "confirmation"]
    assert len({(trial.configuration, trial.replicate) for trial in fresh}) == len(fresh) == 5
    assert Counter(len(trial.attempts) for trial in fresh) == {1: 4, 2: 1}
    assert sum(computed_twice(both.folder).values()) <= 1
    assert len(drivers_of(study)) == 2
