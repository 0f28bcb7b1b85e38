"""A real Keras sweep over BatchNorm momentum: with siblings, each configuration has the result, and the model, that training it alone gives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from killable import sweep_in

from sweeps.executor.inline import InlineExecutor
from sweeps.launch.whole_models import complete_at
from sweeps.record import read_study
from sweeps.study.plan import StudyOptions
from sweeps.study.running import run_study
from sweeps.sweep_file import sweep_from_text
from trainer.places import open_folder

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {
    "data": '{source: digits, classes: ["0", "1", "2"], split: {train: 60, validation: 60, test: 60}}',
    "model": "{backbone: small_resnet, options: {filters: [4], blocks: 1}}",
    "training": "{epochs: 3, batch_size: 20, checkpoint_every: 1}",
    "space": "{learning_rate: {choice: [0.003, 0.03]}, bn_momentum: {choice: [0.3, 0.9]}}",
    "search": "{trials: 4, sampler: grid, pruner: none}",
}
KILLED = "import sys; from killable import run_driver; run_driver(sys.argv[1], 'epoch-written:6', 'sweeps.keras_trainable:train_trial', {})"


def results(folder: Path, *, sharing: bool = True) -> dict[str, dict[str, Any]]:
    """Run the sweep in a folder to its end: configuration to what must not depend on who trained it."""
    import keras

    run_study(sweep_from_text(sweep_in(folder, **KEYS)), InlineExecutor(1), options=StudyOptions(sharing=sharing))
    study = read_study(f"sqlite:///{folder}/fast.db", "fast")
    assert [trial.state for trial in study.trials] == ["COMPLETE"] * 4
    assert [trial.role for trial in study.trials] == (["search", "sibling"] * 2 if sharing else ["search"] * 4)
    ledgers = study.ledgers.read(trial.number for trial in study.trials)
    found = {}
    for trial in study.trials:
        place = open_folder(f"{folder}/runs/{trial.number:05d}", "storage_path")
        complete_at(place)
        model = keras.models.load_model(f"{folder}/runs/{trial.number:05d}/model.keras", compile=False)
        found[trial.configuration] = {
            "curves": {name: curve.tolist() for name, curve in trial.curves.items() if name.startswith("val_") or name == "loss"},
            "figures": {name: value for name, value in trial.figures.items() if name.startswith("exported_")},
            "right": ledgers[trial.number].right.tolist(),
            "weights": [weight.tolist() for weight in model.get_weights()],
            "seed": trial.seed,
        }
    return found


@pytest.mark.slow
def test_each_configuration_has_the_result_of_its_training_alone_also_after_a_kill(tmp_path: Path) -> None:
    for name in ("alone", "carried", "killed"):
        (tmp_path / name).mkdir()
    alone = results(tmp_path / "alone", sharing=False)
    assert results(tmp_path / "carried") == alone
    text = sweep_in(tmp_path / "killed", **KEYS)
    paths = os.pathsep.join([os.path.dirname(__file__), *sys.path])  # noqa: PTH120 - a search path is text
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, text], env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    before = read_study(f"sqlite:///{tmp_path}/killed/fast.db", "fast")
    assert [(trial.state, trial.num_epochs) for trial in before.trials] == [("RUNNING", 3), ("RUNNING", 3)]
    assert results(tmp_path / "killed") == alone
    assert np.asarray(alone[next(iter(alone))]["curves"]["val_loss"]).size == 3
