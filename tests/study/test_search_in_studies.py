"""Samplers and pruners inside a study: what is proposed does not depend on interruptions, and a pruned trial is never taken for a better one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
import pytest

from reports.ranking import rank
from sweeps.executor.inline import InlineExecutor
from sweeps.record import read_study
from sweeps.study import run_study
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reports.records import StudyRecord

CONDITIONAL = """{learning_rate: {float: [1.0e-5, 1.0e-1], log: true}, dropout: {float: [0.0, 0.6], step: 0.05},
  optimizer: {choice: [adam, sgd]}, momentum: {float: [0.5, 0.95], when: optimizer == sgd}, batch_size: {int: [8, 64], log: true},
  starting_points: [{learning_rate: 3.0e-3, dropout: 0.1}]}"""
FINITE = "{learning_rate: {choice: [1.0e-3, 1.0e-2]}, dropout: {float: [0.0, 0.4], step: 0.1}, optimizer: {ordinal: [adam, sgd]}}"
SAMPLERS = {
    "tpe": "{n_startup_trials: 2}",
    "random": "{}",
    "grid": "{}",
    "gp": "{n_startup_trials: 2, n_candidates: 50}",
    "cmaes": "{popsize: 4}",
    "qmc": "{}",
}


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_resumed_sweep_proposes_what_an_uninterrupted_one_would(sampler: str, tmp_path: Path, sweep_text: Callable[..., str]) -> None:
    space = FINITE if sampler == "grid" else CONDITIONAL

    def search(trials: int) -> str:
        options = "pruner: asha, pruner_options: {grace: 2, reduction: 2}, seed: 4"
        return f"{{trials: {trials}, sampler: {sampler}, sampler_options: {SAMPLERS[sampler]}, {options}}}"

    def run(study: str, *lengths: int) -> StudyRecord:
        for trials in lengths:
            text = sweep_text(study=study, storage_path=str(tmp_path / study), space=space, search=search(trials))
            run_study(sweep_from_text(text), InlineExecutor(), trainable="fast_training:train")
        return read_study(f"sqlite:///{tmp_path}/fast.db", study)

    whole, resumed = run("whole", 8), run("resumed", 3, 5, 8)
    assert [dict(trial.params) for trial in resumed.trials] == [dict(trial.params) for trial in whole.trials]
    assert [trial.seed for trial in resumed.trials] == [trial.seed for trial in whole.trials]
    assert [trial.state for trial in resumed.trials] == [trial.state for trial in whole.trials]
    assert len({trial.configuration for trial in whole.trials}) == 8
    if sampler != "grid":
        assert (whole.trials[0].params["learning_rate"], whole.trials[0].params["dropout"]) == (3e-3, 0.1)


def test_pruned_trials_are_told_with_their_whole_curve_and_rank_below_every_finished_one(
    tmp_path: Path, sweep_text: Callable[..., str]
) -> None:
    text = sweep_text(search="{trials: 12, sampler: random, pruner: asha, pruner_options: {grace: 2, reduction: 2}}")
    outcome = run_study(sweep_from_text(text), InlineExecutor(), trainable="fast_training:train")
    study = read_study(f"sqlite:///{tmp_path}/fast.db", "fast")
    told = optuna.load_study(study_name="fast", storage=f"sqlite:///{tmp_path}/fast.db")
    pruned = [trial for trial in study.trials if trial.state == "PRUNED"]
    assert len(pruned) >= 3
    for trial in pruned:
        computed = (tmp_path / "runs" / f"{trial.number:05d}" / "computed.txt").read_text().split()
        assert len(trial.curves["val_accuracy"]) == len(trial.curves["loss"]) == len(computed)
        assert told.trials[trial.number].state is optuna.trial.TrialState.PRUNED
        assert told.trials[trial.number].intermediate_values == pytest.approx(
            dict(enumerate(trial.curves["val_accuracy"].tolist(), start=1))
        )
    assert told.best_trial.state is optuna.trial.TrialState.COMPLETE
    assert not {trial.configuration for trial in pruned} & {leader.configuration for leader in outcome.snapshot.leaders}
    states = [row.state for row in rank(study).configurations]
    assert states == sorted(states, key=["finished", "provisional", "unfinished", "pruned"].index)
