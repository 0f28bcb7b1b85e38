from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_benchmark_prints_agreement_for_any_file_in_the_format(tmp_path: Path) -> None:
    curves = json.loads((ROOT / "tests" / "data" / "labelled_curves.json").read_text())[:60]
    file = tmp_path / "curves.json"
    file.write_text(json.dumps(curves))
    command = [sys.executable, str(ROOT / "benchmarks" / "flags.py"), str(file), "--choose", "--simulations", "1", "--bootstrap", "20"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    )
    assert "60 curves" in done.stdout
    nested, in_sample = done.stdout.split("IN SAMPLE")
    assert "oscillating" in nested
    for line in ("oscillating (borderlines excluded)", "AUTOTRAINER's published rule", "direction changes", "holds", "10000 images"):
        assert line in in_sample
    for line in ("WITHOUT READERS", "tabular study, 853 of 3072", "rule chosen for it", "Condition(figure='excess "):
        assert line in done.stdout
