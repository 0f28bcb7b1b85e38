"""The benchmark of large studies runs to its end at its smallest size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "large_study.py"


def test_the_benchmark_of_large_studies_runs(tmp_path: Path) -> None:
    written = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--trials", "10", "20", "--ledgers", "500", "--json", str(written)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(written.read_text())
    assert set(found) == {"10", "20"}
    assert all(jobs["report"]["errs"] > 0 for jobs in found.values())
    assert all(figures["megabytes"] > 0 for jobs in found.values() for figures in jobs.values())
    assert all(jobs[job]["next"] > 0 for jobs in found.values() for job in ("driver", "optuna"))
