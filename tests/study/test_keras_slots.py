"""A real Keras sweep of heads on a frozen backbone: trials that train beside each other have the results of trials that train alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from killable import sweep_in

from sweeps.executor.inline import InlineExecutor
from sweeps.record import read_study
from sweeps.study.plan import StudyOptions
from sweeps.study.running import run_study
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from pathlib import Path


def keys(weights: str) -> dict[str, str]:
    """Six configurations of a head; every second one of them is another program: its batch size differs."""
    return {
        "data": '{source: digits, classes: ["0", "1", "2"], split: {train: 60, validation: 60, test: 60}}',
        "model": f"{{backbone: small_resnet, options: {{filters: [4], blocks: 1}}, weights: {weights}, frozen_layers: all}}",
        "training": "{epochs: 3, frozen_features: precomputed}",
        "space": "{learning_rate: {choice: [0.003, 0.03, 0.1]}, batch_size: {choice: [20, 32]}}",
        "search": "{trials: 6, sampler: grid, pruner: none}",
        "resources": "{slots: 3}",
    }


def weights_file(folder: Path) -> str:
    import keras

    from trainer.config import ModelConfig
    from trainer.network.build import build_backbone
    from trainer.network.weights import save_backbone

    keras.utils.set_random_seed(0)
    path = folder / "own.weights.h5"
    save_backbone(build_backbone(ModelConfig(backbone="small_resnet", options={"filters": [4], "blocks": 1}), (8, 8, 1)), path)
    return str(path)


def results(folder: Path, weights: str, threads: int, *, sharing: bool = True) -> tuple[dict[str, np.ndarray[Any, Any]], set[str]]:
    """Validation losses by configuration, and what the trials tell of their program."""
    folder.mkdir()
    run_study(sweep_from_text(sweep_in(folder, **keys(weights))), InlineExecutor(threads), options=StudyOptions(sharing=sharing))
    trials = read_study(f"sqlite:///{folder}/fast.db", "fast").trials
    assert [trial.state for trial in trials] == ["COMPLETE"] * 6
    return {trial.configuration: np.asarray(trial.curves["val_loss"]) for trial in trials}, {
        trial.facts.get("together", "") for trial in trials
    }


@pytest.mark.slow
def test_trials_in_one_worker_have_the_results_of_trials_alone(tmp_path: Path) -> None:
    weights = weights_file(tmp_path)
    alone, told_alone = results(tmp_path / "alone", weights, 3, sharing=False)
    beside, told = results(tmp_path / "beside", weights, 3)
    pairs, _ = results(tmp_path / "pairs", weights, 2)
    assert (told_alone, told) == ({""}, {"together"})
    assert alone.keys() == beside.keys() == pairs.keys()
    for configuration, curve in beside.items():
        assert curve.tolist() == pairs[configuration].tolist(), "in whatever company"
        assert curve == pytest.approx(alone[configuration], rel=1e-3)
