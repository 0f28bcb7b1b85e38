"""What the installed Keras really prints and writes, read back and compared with its `History`."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import printed_logs as printed

from reports.logs import read_log, read_text

if TYPE_CHECKING:
    from pathlib import Path

    from reports.logs import LoggedRun

METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")


def histories(folder: Path) -> dict[str, list[dict[str, list[float]]]]:
    return json.loads((folder / "histories.json").read_text())


def assert_printed(run: LoggedRun, history: dict[str, list[float]], names: tuple[str, ...] = METRICS) -> None:
    for name in names:
        assert run.curves[name].tolist() == [printed.read_back(value) for value in history[name]], name


def test_progress_bar_with_checkpoint_and_plateau_messages(real_fits: Path) -> None:
    (run,) = read_log(real_fits / "verbose1.txt")

    (history,) = histories(real_fits)["verbose1"]
    assert_printed(run, history, (*METRICS, "learning_rate"))
    assert (run.num_epochs, run.planned_epochs) == (4, 4)
    assert run.parameters["learning_rate"] == 0.5


def test_verbose_2_with_two_fits(real_fits: Path) -> None:
    runs = read_log(real_fits / "verbose2.txt")

    for run, history in zip(runs, histories(real_fits)["verbose2"], strict=True):
        assert_printed(run, history)


def test_a_fit_without_validation(real_fits: Path) -> None:
    (run,) = read_log(real_fits / "no_validation.txt")

    assert_printed(run, histories(real_fits)["no_validation"][0], ("loss", "accuracy"))
    assert "val_accuracy" not in run.curves


def test_a_loss_beyond_all_numbers(real_fits: Path) -> None:
    (run,) = read_log(real_fits / "not_finite.txt")

    assert not any(math.isfinite(value) for value in run.curves["loss"])
    assert all(math.isfinite(value) for value in run.curves["accuracy"])


def test_two_outputs(real_fits: Path) -> None:
    runs = read_log(real_fits / "two_outputs.txt")

    (history,) = histories(real_fits)["two_outputs"]
    assert [run.name for run in runs] == ["fit 1, output color", "fit 1, output shape"]
    for run, output in zip(runs, ("color", "shape"), strict=True):
        assert run.curves["val_accuracy"].tolist() == [printed.read_back(value) for value in history[f"val_{output}_accuracy"]]
        assert run.curves["loss"].tolist() == [printed.read_back(value) for value in history[f"{output}_loss"]]


def test_csv_logger_to_the_last_digit(real_fits: Path) -> None:
    (run,) = read_log(real_fits / "logger.csv")

    (history,) = histories(real_fits)["verbose1"]
    assert all(run.curves[name].tolist() == history[name] for name in METRICS)
    assert run.first_epoch == 0


def test_csv_logger_that_appends(real_fits: Path) -> None:
    runs = read_log(real_fits / "appended.csv")

    for run, history in zip(runs, histories(real_fits)["verbose2"], strict=True):
        assert all(run.curves[name].tolist() == history[name] for name in METRICS)


def test_history_as_json(real_fits: Path) -> None:
    (run,) = read_log(real_fits / "history.json")

    (history,) = histories(real_fits)["verbose1"]
    assert all(run.curves[name].tolist() == history[name] for name in METRICS)


def test_tensorboard_callback_joins_train_and_validation(real_fits: Path) -> None:
    (history,) = histories(real_fits)["verbose1"]
    folder = real_fits / "board"
    one_file = next((folder / "validation").iterdir())

    for source in (folder, one_file):
        (run,) = read_log(source)
        for name in (*METRICS, "learning_rate"):
            assert run.curves[name].tolist() == [float(np.float32(value)) for value in history[name]], name


def test_a_notebook_with_such_outputs(real_fits: Path) -> None:
    bars = (real_fits / "verbose1.txt").read_text(encoding="utf-8")
    cells = [
        {"cell_type": "markdown", "source": ["# Training"]},
        {"cell_type": "code", "outputs": [{"output_type": "stream", "name": "stdout", "text": bars.splitlines(keepends=True)}]},
    ]

    (run,) = read_text(json.dumps({"nbformat": 4, "cells": cells}))

    assert_printed(run, histories(real_fits)["verbose1"][0])
    assert run.name == "cell 2"
