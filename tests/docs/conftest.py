"""A folder in which the documentation's commands and snippets run in order, as a reader would type them."""

from __future__ import annotations

import csv
import json
import os
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.folders import digit_folders
from tests.docs.pages import ROOT
from tests.reports.logs.event_files import event, simple, write

SMALL = (
    ("epochs: 30", "epochs: 2"),
    ("{trials: 40}", "{trials: 2}"),
    ("confirm: auto", "confirm: {top: 1, seeds: 1}"),
    ("backbone: small_resnet", "options: {filters: [4, 8]}\n  backbone: small_resnet"),
    ("resources: {cpu: 1}", "resources: {cpu: 1, concurrent: 1}"),
)
"""What makes the sweep file that `init` wrote small enough for a test."""
METRICS = ("loss", "acc", "val_loss", "val_acc")


@dataclass(frozen=True)
class Reader:
    """A person with a folder of images, some logs, and a shell."""

    folder: Path

    def bash(self, line: str) -> subprocess.CompletedProcess[str]:
        """Type one line."""
        path = f"{self.folder / '.bin'}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=self.folder,
            env={**os.environ, "PATH": path, "COLUMNS": "160"},
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )

    def make_small(self) -> None:
        """Edit the sweep file that `init` wrote, as a person with little time would."""
        for written, smaller in SMALL:
            self.edit(written, smaller)

    def edit(self, written: str, wanted: str) -> None:
        """Change what the sweep file says."""
        file = self.folder / "sweep.yaml"
        text = file.read_text()
        assert written in text, f"there is no {written!r} in the sweep file any more"
        file.write_text(text.replace(written, wanted, 1))


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """With `images/flowers`, a training's logs in several formats, and our program on the PATH."""
    folder = tmp_path_factory.mktemp("reader")
    digit_folders(folder / "images" / "flowers", ("daisy", "rose", "tulip"), 30)
    (folder / "sweeps").mkdir()
    _logs(folder)
    _sweeps_made_elsewhere(folder)
    programs = folder / ".bin"
    programs.mkdir()
    for name, arguments in (("steadysweep", "-m sweeps.cli "), ("python", "")):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}"$@"\n')
        (programs / name).chmod(stat.S_IRWXU)
    return Reader(folder)


def _sweeps_made_elsewhere(folder: Path) -> None:
    """The folder that Ray Tune would have written, and an Optuna study."""
    import optuna

    curves = {rate: [0.9 - 0.5 / (epoch + 1) - rate for epoch in range(10)] for rate in (0.01, 0.02, 0.05)}
    for number, (rate, values) in enumerate(curves.items()):
        trial = folder / "ray_results" / "digits" / f"train_ab12c_{number:05d}_{number}_lr={rate}"
        trial.mkdir(parents=True)
        (trial / "params.json").write_text(json.dumps({"lr": rate}))
        lines = [json.dumps({"val_accuracy": value, "training_iteration": epoch, "trial_id": f"ab12c_{number:05d}"}) for epoch, value in enumerate(values, 1)]
        (trial / "result.json").write_text("\n".join(lines) + "\n")
    study = optuna.create_study(study_name="digits", storage=f"sqlite:///{folder / 'optuna.sqlite3'}", direction="maximize")
    distribution = optuna.distributions.FloatDistribution(0.001, 0.1)
    for rate, values in curves.items():
        study.add_trial(
            optuna.trial.create_trial(
                params={"lr": rate}, distributions={"lr": distribution}, value=values[-1], intermediate_values=dict(enumerate(values))
            )
        )


def _logs(folder: Path) -> None:
    """One training as a console log, CSV, notebook and event folder, and a program that prints it."""
    source = ROOT / "tests" / "data" / "alternating_plain_cnn.csv"
    shutil.copy(source, folder / "run1.csv")
    shutil.copy(source, folder / "run2.csv")
    with source.open() as file:
        rows = list(csv.DictReader(file))
    lines = []
    for number, row in enumerate(rows, start=1):
        lines += [f"Epoch {number}/{len(rows)}", "10/10 - 1s - " + " - ".join(f"{name}: {float(row[name]):.4f}" for name in METRICS)]
    text = "\n".join(lines) + "\n"
    (folder / "train.log").write_text(text)
    (folder / "train.py").write_text(f"print({text!r})\n")
    output = {"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)}
    cell = {"cell_type": "code", "source": ["model.fit()"], "metadata": {}, "execution_count": 1, "outputs": [output]}
    (folder / "run2.ipynb").write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    (folder / "logs" / "validation").mkdir(parents=True)
    events = [event(step, simple("epoch_accuracy", float(row["val_acc"]))) for step, row in enumerate(rows)]
    write(folder / "logs" / "validation" / "events.out.tfevents.1", *events)
