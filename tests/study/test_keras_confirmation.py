"""A real Keras sweep whose driver is killed while its leader is confirmed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from killable import sweep_in

from reports.verdict import build_report_data
from sweeps.executor.inline import InlineExecutor
from sweeps.record import read_study
from sweeps.study.running import run_study
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {
    "data": '{source: digits, classes: ["0", "1"], split: {train: 60, validation: 100, test: 100}}',
    "model": "{backbone: small_resnet, options: {filters: [4], blocks: 1}}",
    "training": "{epochs: 3, batch_size: 20, checkpoint_every: 1}",
    "space": "{learning_rate: {float: [1.0e-3, 1.0e-1], log: true}}",
    "search": "{trials: 2, pruner: none}",
    "confirm": "{top: 1, seeds: 2}",
}
KILLED = "import sys; from killable import run_driver; run_driver(sys.argv[1], 'epoch-written:8', 'sweeps.keras_trainable:train_trial', {})"


@pytest.mark.slow
def test_a_keras_sweep_killed_while_confirming_goes_on_with_the_same_leader_and_measures_each_fresh_file_once(tmp_path: Path) -> None:
    text = sweep_in(tmp_path, **KEYS)
    paths = os.pathsep.join([os.path.dirname(__file__), *sys.path])  # noqa: PTH120 - a search path is text
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, text], env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    storage = f"sqlite:///{tmp_path}/fast.db"
    before = read_study(storage, "fast")
    assert [(trial.role, trial.state, trial.num_epochs) for trial in before.trials] == [
        ("search", "COMPLETE", 3),
        ("search", "COMPLETE", 3),
        ("confirmation", "RUNNING", 2),
    ]
    assert run_study(sweep_from_text(text), InlineExecutor()).reason == "done"
    study = read_study(storage, "fast")
    first, second, *fresh = study.trials
    assert [trial.role for trial in fresh] == ["confirmation"] * 2
    assert {trial.configuration for trial in fresh} == {before.trials[2].configuration}
    assert fresh[0].curves["val_accuracy"][:2].tolist() == before.trials[2].curves["val_accuracy"].tolist()
    assert fresh[0].attempts[-1].from_epoch == 2
    assert len({trial.seed for trial in study.trials}) == 4
    assert not any("test_accuracy" in trial.figures for trial in (first, second))
    assert all(0 <= trial.figures["test_accuracy"] <= 1 for trial in fresh)
    assert sorted(path.parent.name for path in tmp_path.glob("runs/*/test.json")) == ["00002", "00003"]
    ledgers = study.ledgers.read(range(4))
    assert [ledger.epochs.tolist() for ledger in ledgers.values()] == [[1, 2, 3]] * 4  # also of the trial that was killed after its second
    for number, ledger in ledgers.items():
        assert ledger.right.mean(axis=1) == pytest.approx(study.trials[number].curves["val_accuracy"])
    verdict = build_report_data(study).verdict
    assert verdict.leaders == (fresh[0].configuration,)
    assert "on the test images" in verdict.checkpoint
