"""The benchmarks of pruning and of choosing, and the program that makes curves for the former, run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(program: str, *words: str) -> str:
    done = subprocess.run([sys.executable, str(BENCHMARKS / program), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pruning_is_replayed_on_at_least_two_hundred_curves(tmp_path: Path) -> None:
    printed = run("pruning.py", "--smoke", "--json", str(tmp_path / "figures.json"))
    assert int(printed.split(" full curves")[0]) >= 200
    figures = json.loads((tmp_path / "figures.json").read_text())["figures"]
    for rules in figures.values():
        assert {"asha on level (ours)", "median on level (ours)", "random stopping", "1 epoch, as many epochs as asha"} <= rules.keys()
        assert all(0 <= rule["regret"][0] <= 100 and 0 <= rule["saved"] < 1 for rule in rules.values())


def test_every_figure_stops_trainings_of_the_tabular_study(tmp_path: Path) -> None:
    run("stopping.py", "--smoke", "--json", str(tmp_path / "figures.json"))
    written = json.loads((tmp_path / "figures.json").read_text())
    assert {"level", "stable", "mean of last 5", "last epoch"} <= set(written["figures"])
    saved = np.array(written["early saved"])
    assert (np.diff(saved, axis=1) <= 0).all()  # more patience saves less
    assert saved[:, 0].min() > 0
    assert (np.array(written["asha saved"]) > 0.3).all()
    last, best = (written["figures"].index(name) for name in ("last epoch", "best epoch"))
    assert (saved[last] == saved[best]).all()  # a new best epoch is what either waits for


@pytest.mark.slow
def test_curves_are_made_anew(tmp_path: Path) -> None:
    run("make_curves.py", "convolutions", "--configurations", "2", "--epochs", "2", "--output", str(tmp_path))
    made = json.loads((tmp_path / "convolutions.json").read_text())
    assert (made["epochs"], len(made["runs"])) == (2, 2)
    assert all(0 <= correct <= made["num_val"] for each in made["runs"] for correct in each["correct"])


def test_selection_replays_sweeps_of_ours_and_of_peers(tmp_path: Path) -> None:
    printed = run("selection.py", "--smoke", "--spaces", "few_shot", "--json", str(tmp_path / "figures.json"))
    figures = json.loads((tmp_path / "figures.json").read_text())
    ours, peers = figures["unseen"]["contenders"]["Steadysweep"], figures["unseen"]["contenders"]
    assert {"Optuna TPE, best epoch", "Ray Tune ASHA + OptunaSearch", "KerasTuner Hyperband", "1 epoch, keep the top"} <= peers.keys()
    assert ours["coverage"][0] > 50
    assert ours["trainings"] <= 28
    assert {"best, chosen", "near, chosen"} <= figures["calibration"]["Steadysweep"].keys()
    assert all(each["epochs"] <= 28 * 30 for name, each in peers.items() if "1/.6" not in name)  # nobody spends more than the others
    assert "| Steadysweep | 2 |" in printed


def test_class_weights_are_tried_on_thinned_classes() -> None:
    printed = run("small_classes.py", "--seeds", "2", "--epochs", "2", "--sizes", "3")
    rows = [line for line in printed.splitlines() if line.startswith(("| digits", "| breast"))]
    assert len(rows) == 6
    thinned, weighted, others = (float(cell) for cell in printed.splitlines()[-1].strip("| ").split(" | ")[1:])
    assert thinned < weighted < others <= 100
