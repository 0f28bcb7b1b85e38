"""The memory of a warm worker stays flat over small trials of five architectures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "worker_memory.py"


def test_a_warm_worker_does_not_grow_by_its_trials(tmp_path: Path) -> None:
    command = [sys.executable, str(PROGRAM), "--trials", "40", "--json", str(tmp_path / "figures.json")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert len(figures["megabytes"]) == 40
    assert figures["growth_a_trial"] < 5.0, "a trial of other tools leaves some 135 MB behind; clear_session gives little of it back"
