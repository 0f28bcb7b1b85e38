"""A real Keras sweep whose driver is killed while its leader is confirmed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
import yaml
from killable import sweep_in

from reports.verdict import build_report_data
from sweeps.cli.export import export
from sweeps.errors import SweepInputError
from sweeps.executor.inline import InlineExecutor
from sweeps.launch.preflight import check_resplit
from sweeps.record import read_study
from sweeps.study.plan import StudyOptions
from sweeps.study.running import run_study
from sweeps.sweep_file import sweep_from_text
from sweeps.sweep_file.configuration import train_config
from trainer import TrainConfig
from trainer.config import ModelConfig
from trainer.data import load_data
from trainer.data.images import digest_array
from trainer.network import frozen_plan
from trainer.network.build import build_backbone
from trainer.network.weights import save_backbone

if TYPE_CHECKING:
    from pathlib import Path

    from trainer.config import DataConfig

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


def part_digests(config: DataConfig) -> dict[str, set[str]]:
    return {part: set(digest_array(images.images)) for part, images in load_data(config).parts()}


@pytest.mark.slow
def test_fresh_seeds_draw_other_validation_images_and_leave_the_test_images_alone(tmp_path: Path) -> None:
    keys = {**KEYS, "confirm": "{top: 2, seeds: 2, resplit: true}"}
    sweep = sweep_from_text(sweep_in(tmp_path, **keys))
    assert run_study(sweep, InlineExecutor()).reason == "done"
    study = read_study(f"sqlite:///{tmp_path}/fast.db", "fast")
    searched, fresh = study.trials[:2], study.trials[2:]
    assert [trial.validation_seed for trial in searched] == [None, None]
    seeds = {(trial.replicate, trial.validation_seed) for trial in fresh}
    assert len(seeds) == 2, "both configurations share the images of a replicate"
    fingerprints = {trial.facts["data_fingerprint"] for trial in study.trials}
    assert len(fingerprints) == 3
    parts = [
        part_digests(train_config(sweep, dict(trial.params), trial.seed, validation_seed=trial.validation_seed).data)
        for trial in (searched[0], fresh[0], fresh[2])
    ]
    assert parts[0]["test"] == parts[1]["test"] == parts[2]["test"]
    assert all(not each["test"] & (each["train"] | each["validation"]) for each in parts)
    assert parts[0]["validation"] != parts[1]["validation"] != parts[2]["validation"]
    assert {len(each["validation"]) for each in parts} == {len(parts[0]["validation"])}
    assert all(trial.figures["num_val"] == 100 for trial in study.trials)
    assert all("test_accuracy" in trial.figures for trial in fresh)


@pytest.mark.slow
def test_an_exported_model_of_other_validation_images_says_which(tmp_path: Path) -> None:
    keys = {**KEYS, "confirm": "{top: 1, seeds: 1, resplit: true}"}
    run_study(sweep_from_text(sweep_in(tmp_path, **keys)), InlineExecutor())
    storage = f"sqlite:///{tmp_path}/fast.db"
    assert (
        export("fast", storage=storage, wanted=1, configuration=None, formats="keras", output=str(tmp_path / "exported"), trust=True) == 0
    )
    fresh = read_study(storage, "fast").trials[-1]
    config = TrainConfig(**yaml.safe_load((tmp_path / "exported" / "config.yaml").read_text()))
    assert config.data.split.validation_seed == fresh.validation_seed is not None
    validation = load_data(config.data).validation
    predicted = keras.saving.load_model(tmp_path / "exported" / "model.keras").predict(validation.images.astype("float32"), verbose=0)
    assert float((predicted.argmax(1) == validation.labels).mean()) == pytest.approx(fresh.figures["exported_val_accuracy"], abs=1e-6)


def test_a_source_with_validation_images_of_its_own_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    parts = {f"{kind}_{part}": value for part in ("train", "val") for kind, value in (
        ("x", generator.integers(0, 255, (40, 8, 8, 1), dtype=np.uint8)), ("y", np.arange(40) % 2))}  # fmt: skip
    np.savez(tmp_path / "images.npz", **parts)
    sweep = sweep_from_text(sweep_in(tmp_path, **{**KEYS, "data": f"{{source: {tmp_path}/images.npz}}", "confirm": "{resplit: true}"}))
    with pytest.raises(SweepInputError, match=r"confirm\.resplit: .*images\.npz says itself which images validate.*Leave resplit out"):
        check_resplit(sweep, load_data(sweep.data))


@pytest.mark.slow
def test_confirmations_read_the_activations_of_the_search_and_give_what_they_give_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frozen_plan, "PAYS_FROM", 0.0)  # the tiny network's activations are as quick to compute as to read
    keras.utils.set_random_seed(0)
    settings = {"backbone": "small_resnet", "options": {"filters": [4], "blocks": 1}, "frozen_layers": "all"}
    save_backbone(build_backbone(ModelConfig(**settings), (8, 8, 1)), tmp_path / "tiny.weights.h5")
    model = yaml.safe_dump({**settings, "weights": str(tmp_path / "tiny.weights.h5")}, default_flow_style=True).strip()
    data = KEYS["data"].replace("}}", f"}}, cache_path: {tmp_path / 'cache'}}}")
    curves = []
    for name, sharing in (("together", True), ("apart", False)):
        (tmp_path / name).mkdir()
        text = sweep_in(tmp_path / name, **{**KEYS, "model": model, "data": data})
        assert run_study(sweep_from_text(text), InlineExecutor(), options=StudyOptions(sharing=sharing)).reason == "done"
        trials = read_study(f"sqlite:///{tmp_path}/{name}/fast.db", "fast").trials
        assert [trial.role for trial in trials] == ["search", "search", "confirmation", "confirmation"]
        curves.append([trial.curves["val_loss"].tolist() for trial in trials])
        if sharing:
            assert [trial.figures["features_computed"] for trial in trials] == [2, 0, 0, 0]
            assert [trial.figures["features_read"] for trial in trials] == [0, 2, 2, 2]
    assert curves[0] == curves[1]
