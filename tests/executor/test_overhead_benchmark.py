"""The benchmark of the engine's overhead runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "overhead.py"


@pytest.mark.slow
def test_the_overhead_benchmark_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--smoke", "--json", str(tmp_path / "figures.json")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "figures.json").read_text())["seconds"]["no-op"]["ours, ray-core"] > 0
