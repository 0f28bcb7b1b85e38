"""A person's own modules: a ``trainer.py`` or folder ``reports`` beside the sweep file stands in for none of our packages; modules of other names are found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
from shadows import OURS, ROOT, plant

from sweeps.import_order import child_command
from sweeps.record import read_study

SWEEP = """\
study: shadowed
data: {source: "my_stuff:load"}
model: {backbone: "my_stuff:net"}
training: {epochs: 1, batch_size: 40}
space: {learning_rate: {choice: [0.01]}}
search: {trials: 1, sampler: grid, pruner: none}
resources: {cpu: 1, concurrent: 1}
"""

MY_STUFF = """\
import numpy as np


def load():
    generator = np.random.default_rng(0)
    labels = np.arange(120) % 2
    images = generator.integers(0, 120, (120, 8, 8, 1)) + 100 * labels[:, None, None, None]
    return images.astype(np.uint8), labels


def net(input_shape):
    import keras

    image = keras.Input(input_shape)
    return keras.Model(image, keras.layers.Conv2D(4, 3)(image))
"""

EVERYTHING = """\
study: everything
data: {source: [shards, more, "everything_own:load"]}
training:
  epochs: 3
  batch_size: 16
  learning_rate: 0.05
  metrics: [val_auc]
  loss: everything_own:softened
  loss_options: {power: 2.0}
  callbacks: [everything_own:Diary]
space: {model.backbone: {choice: [net.keras, "everything_own:net"]}}
search: {trials: 2, sampler: grid, pruner: none, metric: "everything_own:euros", direction: minimize}
confirm: off
resources: {cpu: 1, concurrent: 1}
"""

KINDS: tuple[Literal["file", "folder"], ...] = ("file", "folder")
FILES: dict[str, Literal["file", "folder"]] = dict.fromkeys(OURS, "file")
MIXED: dict[str, Literal["file", "folder"]] = {"sweeps": "file", "trainer": "folder", "reports": "file", "search_spaces": "folder"}
REST: dict[str, Literal["file", "folder"]] = {name: "folder" if kind == "file" else "file" for name, kind in MIXED.items()}
"""Between the two, each name once as a file and once as a folder."""

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
"""The product as it is found where it is installed: by its place on the path, not by the current folder."""

NOTEBOOK = """
from sweeps import Sweep
from sweeps.launch import LaunchOptions

Sweep.from_yaml("sweep.yaml").run(LaunchOptions(executor="inline", quiet=True))
"""


def folder_with(folder: Path) -> Path:
    (folder / "sweep.yaml").write_text(SWEEP)
    (folder / "my_stuff.py").write_text(MY_STUFF)
    return folder


def python(folder: Path, *words: str) -> None:
    done = subprocess.run([sys.executable, *words], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr


def assert_ran(folder: Path) -> None:
    (trial,) = read_study(f"sqlite:///{folder}/shadowed.db", "shadowed").trials
    assert trial.state == "COMPLETE", trial.error


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OURS)
def test_a_child_process_runs_our_module(tmp_path: Path, name: str, kind: Literal["file", "folder"]) -> None:
    plant(tmp_path, {name: kind})
    command = child_command("sweeps.cli", "spaces")
    command[3] = os.pathsep.join([str(tmp_path), command[3]])
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(tmp_path)}
    )
    assert done.returncode == 0, done.stderr
    assert "quick" in done.stdout


def test_check_names_no_clash(tmp_path: Path) -> None:
    plant(folder_with(tmp_path), MIXED)
    python(tmp_path, "-P", "-m", "sweeps.cli", "check", "sweep.yaml")


def test_a_sweep_runs_under_ray_tune(tmp_path: Path) -> None:
    plant(folder_with(tmp_path), REST)
    python(tmp_path, "-P", "-m", "sweeps.cli", "run", "sweep.yaml", "--executor", "ray-tune")
    assert_ran(tmp_path)


def test_all_that_a_person_may_bring_runs_under_ray_together(tmp_path: Path) -> None:
    plant(tmp_path, MIXED)
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "everything.yaml").write_text(EVERYTHING)
    (tmp_path / "sweep" / "everything_own.py").write_text((Path(__file__).parent / "everything_own.py").read_text())
    python(tmp_path, "sweep/everything_own.py")
    python(tmp_path, "-P", "-m", "sweeps.cli", "run", "sweep/everything.yaml", "--executor", "ray-core")
    trials = read_study(f"sqlite:///{tmp_path}/everything.db", "everything").trials
    assert sorted(str(trial.params["model.backbone"]) for trial in trials) == ["everything_own:net", "net.keras"]
    for trial in trials:
        assert trial.state == "COMPLETE", trial.error
        assert trial.curves["val_euros"][-1] == 0.0, "classes of all sources are the same two"
        assert trial.curves["val_auc"][-1] == 1.0
    assert len((tmp_path / "diary.txt").read_text().splitlines()) == 6


def test_a_notebook_which_has_its_folder_first_on_the_path(tmp_path: Path) -> None:
    plant(folder_with(tmp_path), {name: kind for name, kind in FILES.items() if name != "sweeps"})
    python(tmp_path, "-c", NOTEBOOK)
    assert_ran(tmp_path)


def test_a_module_of_our_name_that_was_imported_before_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "trainer.py").touch()
    done = subprocess.run(
        [sys.executable, "-c", "import trainer, sweeps"], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert f"the module 'trainer' was imported from {tmp_path}/trainer.py, and Steadysweep has a package of this name" in done.stderr
    assert "rename yours, e.g. my_trainer" in done.stderr
