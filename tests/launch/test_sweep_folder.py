"""A study finds the modules that lie beside its sweep file from any folder, and says plainly where they went."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import pytest

from sweeps.cli import main
from sweeps.launch import model_probe
from sweeps.record.study_record import read_study_facts

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """\
import numpy as np

def load():
    draw = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = draw.integers(0, 60, (60, 8, 8, 1)) + 120 * labels[:, None, None, None]
    return images.astype(np.uint8), labels

def net(input_shape):
    import keras

    inputs = keras.Input(input_shape)
    return keras.Model(inputs, keras.layers.Conv2D(2, 3, activation="relu")(inputs))

def far_off(labels, probabilities):
    return float(np.abs(labels - probabilities.argmax(axis=1)).mean())
"""
SWEEP = """\
study: folders
data: {source: "beside_it:load"}
model: {backbone: "beside_it:net"}
training: {epochs: 2, metrics: ["beside_it:far_off"]}
space: {learning_rate: {float: [0.01, 0.1]}}
search: {trials: 1}
confirm: off
report: {images: false}
"""


def forget() -> None:
    """Another process would not know the module."""
    sys.modules.pop("beside_it", None)


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A study that was run from another folder than its file's; words that name it from anywhere."""
    monkeypatch.setattr(model_probe, "_asked", model_probe.answer)  # in this process, which has TensorFlow
    monkeypatch.setattr(importlib.import_module("sweeps.launch.launch"), "complete_leaders", lambda *_: None)
    for name in ("mine", "here", "there"):
        (tmp_path / name).mkdir()
    (tmp_path / "mine" / "beside_it.py").write_text(MODULE)
    (tmp_path / "mine" / "sweep.yaml").write_text(SWEEP)
    monkeypatch.chdir(tmp_path / "here")
    words = ["--storage", f"sqlite:///{tmp_path}/folders.db", "--quiet"]
    places = ["--set", f"storage_path={tmp_path}/runs", "--set", f"report.path={tmp_path}/folders.html"]
    forget()
    assert main(["run", "../mine/sweep.yaml", *words, *places, "--executor", "inline"]) == 0
    monkeypatch.chdir(tmp_path / "there")
    forget()
    return words


def test_resume_and_export_find_them_from_a_third_folder(study: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resume", "folders", *study, "--trials", "+1", "--executor", "inline"]) == 0, capsys.readouterr().err
    forget()
    for model in (tmp_path / "runs").rglob("model.keras"):
        model.unlink()
    assert main(["export", "folders", *study[:2], "--retrain", "-o", "model"]) == 0, capsys.readouterr().err
    assert (tmp_path / "there" / "model" / "validation.npz").is_file(), "the data's function was found too"
    forget()
    # moved: said before anything is started, with a remedy that the program accepts
    (tmp_path / "mine").rename(tmp_path / "moved")
    capsys.readouterr()
    assert main(["resume", "folders", *study, "--trials", "+1", "--executor", "inline"]) == 2
    said = capsys.readouterr().err
    assert f"beside_it.py lay beside the sweep file in {tmp_path}/mine and cannot be found: that folder was moved" in said
    assert "--set runtime.working_dir=FOLDER" in said
    forget()
    again = ["--set", f"runtime.working_dir={tmp_path}/moved", "--trials", "+1", "--executor", "inline", "--trust"]
    assert main(["resume", "folders", *study, *again]) == 0, capsys.readouterr().err
    forget()
    # the file is run again where it lies now: from then on that is its folder
    moved = [
        "run",
        "../moved/sweep.yaml",
        *study,
        "--set",
        f"storage_path={tmp_path}/runs",
        "--set",
        f"report.path={tmp_path}/folders.html",
    ]
    assert main([*moved, "--set", "search.trials=5", "--executor", "inline"]) == 0, capsys.readouterr().err
    assert read_study_facts(study[1], "folders").facts["sweep_folder"] == str(tmp_path / "moved")


def test_a_study_without_modules_of_ones_own_keeps_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sweeps.launch import LaunchOptions
    from sweeps.launch.launch import SWEEP_FOLDER
    from sweeps.sweep_file import sweep_from_text
    from sweeps.trust import own_references

    del tmp_path, monkeypatch
    assert not LaunchOptions().folder
    assert SWEEP_FOLDER == "sweep_folder"
    sweep = sweep_from_text("study: a\ndata: {source: 'hf:beans'}\nspace: {backbone: {choice: [small_resnet, 'nets:mine']}}\n")
    assert own_references(sweep) == [("nets:mine", "model.backbone")]
