"""The benchmark programs run to their end at their smallest size; what they measure there means nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


def figures(tmp_path: Path, program: str, *arguments: str, codes: tuple[int, ...] = (0,)) -> dict[str, dict[str, dict[str, float]]]:
    written = tmp_path / "figures.json"
    command = [sys.executable, str(BENCHMARKS / program), *arguments, "--json", str(written)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode in codes, done.stderr
    found: dict[str, dict[str, dict[str, float]]] = json.loads(written.read_text())
    return found


def test_input_pipeline(tmp_path: Path) -> None:
    found = figures(tmp_path, "input_pipeline.py", "--images", "64", "--side", "16", "--repeats", "1", codes=(0, 1))
    assert len(found["results"]) == 6
    assert all(speed["images_per_second"] > 0 for speed in found["results"].values())


def test_trainer(tmp_path: Path) -> None:
    [case] = figures(tmp_path, "trainer.py", "--smoke").values()
    assert {"speed", "overhead", "first_start", "second_start"} <= set(case)
    assert 0 < case["second_start"] < case["first_start"]  # type: ignore[operator]


def test_trial_costs(tmp_path: Path) -> None:
    found = figures(tmp_path, "trial_costs.py", "--smoke")
    assert set(found) == {"first in a process", "nothing kept", "as in a study", "whole model written"}
    assert found["as in a study"]["kilobytes left"] < found["whole model written"]["kilobytes left"] / 10  # type: ignore[operator]


@pytest.mark.slow
def test_sharing(tmp_path: Path) -> None:
    [case] = figures(tmp_path, "sharing.py", "--smoke").values()
    assert set(case["contenders"]) == {"plain Keras", "ours, --no-sharing", "ours"}
    assert all(ratio > 0 for ratio in case["ratios"]["plain Keras"].values())  # type: ignore[attr-defined]
    assert case["equal"] == [2, 2], "the trials that both trained"
    assert 1 < case["ceiling, all counted"] < case["ceiling"]  # type: ignore[operator]
