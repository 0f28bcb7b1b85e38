"""Ten thousand trials of a hundred epochs and twenty curves open in seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from large_study import SPACE, make_large_study

from sweeps.record import open_study, read_study
from sweeps.search.proposals import Proposer
from sweeps.search.pruning import make_pruner
from sweeps.search.samplers import make_sampler
from sweeps.study.plan import StudyPlan
from sweeps.study.study_state import StudyState

if TYPE_CHECKING:
    from collections.abc import Callable

    from sweeps.study.study_state import StudyState as State

TRIALS = 10_000


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('large')}/large.db"
    make_large_study(url, "large", TRIALS)
    make_large_study(url, "small", TRIALS // 10)
    return url


def plan() -> StudyPlan:
    proposer = Proposer(SPACE, make_sampler("tpe", {}, SPACE), lambda point: repr(sorted(point.items())), 0, maximize=True)
    return StudyPlan(
        "val_accuracy",
        True,  # noqa: FBT003 - maximised
        0,
        TRIALS + 1,
        100,
        proposer,
        make_pruner("asha", {}, 100),
        lambda _point, _seed: {},
        "x:y",
        "runs",
    )


def cpu_seconds(work: Callable[[], object]) -> float:
    """Processor time: other processes of the machine do not enter."""
    started = time.process_time()
    work()
    return time.process_time() - started


def test_a_report_opens_it_in_at_most_6_seconds(url: str) -> None:
    def read() -> None:
        study = read_study(url, "large")
        assert len(study.trials) == TRIALS
        assert len(study.trials[-1].curves) == 20
        assert study.trials[-1].num_epochs == 100

    assert cpu_seconds(read) < 6


def test_a_driver_opens_it_and_asks_for_the_next_trial_as_fast_as_at_a_tenth(url: str) -> None:
    states: dict[str, State] = {}

    def open_as_driver(name: str) -> None:
        record = open_study(url, name)
        states[name] = StudyState(plan(), record.trials())
        record.close()

    assert cpu_seconds(lambda: open_as_driver("large")) < 6
    open_as_driver("small")
    proposer = plan().proposer

    def ask(name: str) -> None:
        state = states[name]
        assert proposer.next(state.seen(), state.taken, state.search_configurations()) is not None

    seconds = {name: min(cpu_seconds(lambda name=name: ask(name)) for _ in range(4)) for name in states}  # type: ignore[misc]
    assert seconds["large"] < 0.15
    assert seconds["large"] < 2 * seconds["small"] + 0.01
