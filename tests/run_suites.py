"""Run every suite of the project in turn and print what each took against its budget; exit 1 when one fails."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
ENVIRONMENT = {"NO_MKDOCS_2_WARNING": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}


@dataclass(frozen=True)
class Suite:
    """Commands that belong together, and the seconds they may take on two cores."""

    name: str
    budget: int
    commands: tuple[tuple[str, ...], ...]


def _pytest(name: str, budget: int, *paths: str) -> Suite:
    return Suite(name, budget, ((str(BIN / "pytest"), "-q", *paths),))


SUITES = (
    Suite(
        "lint",
        120,
        (
            (str(BIN / "ruff"), "check", "."),
            (str(BIN / "ruff"), "format", "--check", "."),
            (str(BIN / "mypy"),),
            (str(BIN / "lint-imports"), "--no-logo"),
            (str(BIN / "mkdocs"), "build", "--strict", "--quiet"),
        ),
    ),
    _pytest("spaces", 60, "tests/search_spaces", "tests/sweep_file"),
    _pytest("places", 60, "tests/places"),
    _pytest("trainer", 360, "tests/trainer"),
    _pytest("reports", 240, "tests/reports"),
    _pytest("record", 330, "tests/record", "tests/search", "tests/study"),
    _pytest("executor", 300, "tests/executor"),
    _pytest("cluster", 360, "tests/cluster"),
    _pytest("cli", 360, "tests/launch", "tests/cli"),
    _pytest("clinics", 240, "tests/clinics"),
    _pytest("docs", 300, "tests/docs"),
)


GPU_SUITE = _pytest("gpu", 300, "-m", "gpu", "tests/gpu")


def has_gpu() -> bool:
    """Whether the GPU driver's tool lists one."""
    tool = shutil.which("nvidia-smi")
    return tool is not None and subprocess.run([tool, "--list-gpus"], check=False, capture_output=True).returncode == 0


def gpu_tests() -> int:
    """How many tests need one."""
    command = [str(BIN / "pytest"), "--collect-only", "-q", "-m", "gpu", "tests/gpu"]
    listed = subprocess.run(command, cwd=ROOT, check=False, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True).stdout
    return sum("::" in line for line in listed.splitlines())


def run_suite(suite: Suite) -> tuple[bool, float]:
    """Run the commands of one suite to the end, whatever fails; returns success and seconds."""
    print(f"\n=== {suite.name} (budget {suite.budget} s)", flush=True)
    began = time.monotonic()
    passed = True
    for command in suite.commands:
        passed &= subprocess.run(command, cwd=ROOT, check=False, env={**os.environ, **ENVIRONMENT}).returncode == 0
    return passed, time.monotonic() - began


def main() -> int:
    """Run the chosen suites and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[suite.name for suite in (*SUITES, GPU_SUITE)], help="run only these suites")
    chosen = parser.parse_args().only
    gpu = has_gpu()
    suites = (*SUITES, GPU_SUITE) if gpu or (chosen and GPU_SUITE.name in chosen) else SUITES
    rows = [(suite, *run_suite(suite)) for suite in suites if chosen is None or suite.name in chosen]
    print(f"\n{'suite':<12}{'result':<10}{'seconds':>8}{'budget':>8}")
    for suite, passed, seconds in rows:
        print(
            f"{suite.name:<12}{'passed' if passed else 'FAILED':<10}{seconds:>8.0f}{suite.budget:>8}{'  over' if seconds > suite.budget else ''}"
        )
    if not gpu and chosen is None:
        print(f"{'gpu':<12}not run   no GPU here: {gpu_tests()} gpu tests not run")
    print(f"{'all':<22}{sum(seconds for *_, seconds in rows):>8.0f}{sum(suite.budget for suite, *_ in rows):>8}")
    failed = [suite.name for suite, passed, _ in rows if not passed]
    print(f"{len(rows) - len(failed)} passed, {len(failed)} failed" + (f": {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
