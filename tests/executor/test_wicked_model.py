"""A model function that changes the policy, the seed, the epsilon, forks and writes megabytes: the next trial of the warm worker is as in a fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("wicked_model.py")
ROOT = Path(__file__).parents[2]


def trials(folder: Path, *names: str) -> dict[str, Any]:
    command = [sys.executable, str(PROGRAM), str(folder), *names]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=500, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def test_the_trial_after_a_wicked_model_equals_one_in_a_fresh_process(tmp_path: Path) -> None:
    after = trials(tmp_path / "warm", "wicked", "plain")
    alone = trials(tmp_path / "fresh", "plain")
    assert after["wicked"]["cause"] == "completed", after["wicked"]["error"]
    assert after["plain"]["cause"] == "completed", after["plain"]["error"]
    assert after["plain"]["curves"] == alone["plain"]["curves"]
