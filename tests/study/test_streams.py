"""Which trials see the same images in the same order and augmentation, and that a study begun before keeps what it had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fast_training
import pytest

from sweeps.executor.inline import InlineExecutor
from sweeps.record.opening import open_study
from sweeps.study.plan import StudyOptions
from sweeps.study.running import run_study
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reports.records import StudyRecord
    from sweeps.executor.protocol import TrialTask
    from sweeps.observer import StudyOutcome


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What each training was called with, in order."""
    configs: list[dict[str, Any]] = []
    curve = fast_training.curve

    def noted(config: dict[str, Any], seed: int, epochs: int) -> list[float]:
        configs.append(config)
        return curve(config, seed, epochs)

    monkeypatch.setattr(fast_training, "curve", noted)
    return configs


def test_search_trials_share_their_data_stream_and_confirmations_have_their_own(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord], trained: list[dict[str, Any]]
) -> None:
    run(search="{trials: 4, pruner: none}", confirm="{top: 2, seeds: 2}")
    search = [config for config, trial in zip(trained, record().trials, strict=True) if trial.role == "search"]
    confirmations = [config for config, trial in zip(trained, record().trials, strict=True) if trial.role == "confirmation"]
    assert len(search) == len(confirmations) == 4
    assert len({config["data_seed"] for config in search}) == 1
    assert search[0]["data_seed"] is not None
    assert len({config["seed"] for config in search}) == 4
    assert {config["data_seed"] for config in confirmations} == {None}, "order and augmentation follow the training seed"
    assert len({config["seed"] for config in confirmations}) == 4


def test_another_study_seed_is_another_stream(run: Callable[..., StudyOutcome], trained: list[dict[str, Any]], tmp_path: Path) -> None:
    run(search="{trials: 1, pruner: none, seed: 1}", study="one", storage_path=str(tmp_path / "one"))
    run(search="{trials: 1, pruner: none, seed: 2}", study="two", storage_path=str(tmp_path / "two"))
    assert trained[0]["data_seed"] != trained[1]["data_seed"]


def test_a_study_begun_before_there_were_common_streams_goes_on_without_them(
    run: Callable[..., StudyOutcome], trained: list[dict[str, Any]], tmp_path: Path
) -> None:
    run(search="{trials: 1, pruner: none}")
    study = open_study(f"sqlite:///{tmp_path}/fast.db", "fast")
    study.update_facts(facts={name: text for name, text in study.facts.facts.items() if name != "streams"})
    study.close()
    run(search="{trials: 2, pruner: none}")
    assert trained[0]["data_seed"] is not None
    assert trained[1]["data_seed"] is None


@pytest.mark.parametrize(
    ("sharing", "expected"), [(True, {"search": {3}, "confirmation": {1}}), (False, {"search": {0}, "confirmation": {0}})]
)
def test_a_trial_knows_how_many_see_the_same_images(
    sweep_text: Callable[..., str], record: Callable[[], StudyRecord], *, sharing: bool, expected: dict[str, set[int]]
) -> None:
    space = "{learning_rate: {float: [1.0e-4, 1.0e-1], log: true}, augmentation: {choice: [none, light]}, dropout: {float: [0, 0.5]}}"
    sweep = sweep_from_text(sweep_text(search="{trials: 6, pruner: none}", confirm="{top: 1, seeds: 1}", space=space))
    executor = NotedTasks(1)
    run_study(sweep, executor, trainable="fast_training:train", options=StudyOptions(sharing=sharing))
    roles = {trial.number: trial.role for trial in record().trials}
    told: dict[str, set[int]] = {}
    for task in executor.tasks:
        told.setdefault(roles[task.trial], set()).add(task.trainings)
    assert told == expected


class NotedTasks(InlineExecutor):
    """Remembers the tasks that it was given."""

    def __init__(self, concurrent: int) -> None:
        super().__init__(concurrent)
        self.tasks: list[TrialTask] = []

    def submit(self, task: TrialTask) -> None:
        self.tasks.append(task)
        super().submit(task)
