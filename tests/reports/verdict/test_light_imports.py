from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAVY = ("tensorflow", "keras", "ray", "sklearn", "scipy", "pandas", "optuna")
PROGRAM = f"""
import sys
import synthetic_studies
from dataclasses import replace
from reports.verdict import build_report_data
study = synthetic_studies.many(40, 12)
again = [replace(trial, number=300 + 4 * seed + trial.number, seed=seed, role="confirmation") for trial in study.trials[:4] for seed in (7, 8)]
data = build_report_data(replace(study, trials=study.trials + tuple(again)))
assert data.configurations[0].stable_interval is not None
assert data.importance[0].parameters[0].importance is not None
print([name for name in {HEAVY!r} if name in sys.modules])
"""


def test_statistics_of_a_study_load_no_heavy_library() -> None:
    tests = Path(__file__).resolve().parents[1]
    environment = {"PYTHONPATH": f"{tests.parents[1]}:{tests}"}
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, check=False)
    assert ended.stdout.strip() == "[]", ended.stderr
