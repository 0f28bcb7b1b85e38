"""Run every suite of the project and print what each took against its budget; exit 1 when one fails.

Two run at a time where there are two cores. Each one's output is printed whole when it ends. A suite that takes two and a half times its budget
hangs: it is ended, and where it was is printed. Processes that a suite leaves behind are ended and named.
`--at-once 1` runs one after the other; `--quick` runs what takes less than three minutes, for the daily loop.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
ENVIRONMENT = {
    "NO_MKDOCS_2_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "RAY_worker_niceness": "0",  # of Ray's own 15, workers starve beside another suite
    "PYTHONDONTWRITEBYTECODE": "",  # each of the hundreds of processes would compile the sources anew
}


@dataclass(frozen=True)
class Suite:
    """Commands that belong together, and the seconds they may take on two cores, another suite beside them."""

    name: str
    budget: int
    commands: tuple[tuple[str, ...], ...]


def _pytest(name: str, budget: int, *paths: str) -> Suite:
    return Suite(name, budget, ((str(BIN / "pytest"), "-q", "--durations=6", *paths),))


LINT = (
    (str(BIN / "ruff"), "check", "."),
    (str(BIN / "ruff"), "format", "--check", "."),
    (str(BIN / "mypy"),),
    (str(BIN / "lint-imports"), "--no-logo"),
)
SUITES = (  # the longest first, so that none is left to run alone at the end
    _pytest("trainer", 1200, "tests/trainer"),
    _pytest("cli", 1000, "tests/launch", "tests/cli"),
    _pytest("record", 1000, "tests/record", "tests/search", "tests/study"),
    _pytest("clinics", 600, "tests/clinics"),
    _pytest("executor", 480, "tests/executor"),
    _pytest("reports", 480, "tests/reports"),
    _pytest("cluster", 480, "tests/cluster"),
    _pytest("docs", 360, "tests/docs"),
    _pytest("spaces", 200, "tests/search_spaces", "tests/sweep_file", "tests/house"),
    _pytest("places", 90, "tests/places"),
    Suite("lint", 150, (*LINT, (str(BIN / "mkdocs"), "build", "--strict", "--quiet"))),
)
WHOLE_BUDGET = 1500
"""Seconds by the clock."""

QUICK_SUITES = (  # no TensorFlow, no Ray, no browser
    _pytest(
        "fast tests",
        150,
        "tests/search_spaces",
        "tests/sweep_file",
        *(f"tests/reports/{name}" for name in ("stability", "flags", "verdict", "ranking", "exports", "logs")),
        "tests/cli/test_help.py",
    ),
    Suite("lint", 120, LINT),
)
QUICK_BUDGET = 180
"""Seconds by the clock."""

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


PATIENCE = 2.5
"""Times its budget that a suite may take before it counts as hanging."""


def _left_behind(session: int) -> dict[int, str]:
    """The processes of a session whose leader has ended, with their commands."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        state, its_session = fields[0], int(fields[3])
        if its_session == session and state != "Z":
            found[int(entry.name)] = command
    return found


def _run(command: tuple[str, ...], patience: float) -> tuple[bool, str]:
    """One command in a session of its own, its output in a file: a process that it leaves behind keeps no pipe open for us to wait on."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **ENVIRONMENT}, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        remarks = []
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            remarks.append(f"ended: it took more than {patience:.0f} s")
            for sent in (signal.SIGINT, signal.SIGABRT, signal.SIGKILL):  # pytest's own summary; else the stack of every thread
                process.send_signal(sent)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(30)
                    break
        for pid, left in _left_behind(process.pid).items():
            remarks.append(f"left behind, ended now: {pid} {left[:200]}")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        output.seek(0)
        return process.returncode == 0, output.read().decode(errors="replace") + "".join(f"{remark}\n" for remark in remarks)


def run_suite(suite: Suite) -> tuple[Suite, bool, float, str]:
    """Run the commands of one suite to the end, whatever fails; returns it with success, seconds and output."""
    print(f"... {suite.name} began", flush=True)
    began = time.monotonic()
    passed, output = True, ""
    for command in suite.commands:
        succeeded, printed = _run(command, PATIENCE * suite.budget)
        passed &= succeeded
        output += printed
    return suite, passed, time.monotonic() - began, output


def main() -> int:
    """Run the chosen suites and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[suite.name for suite in (*SUITES, GPU_SUITE)], help="run only these suites")
    parser.add_argument("--quick", action="store_true", help="lint, types, import rules and the fastest tests alone")
    parser.add_argument("--at-once", type=int, default=min(2, os.cpu_count() or 1), help="suites at a time (default: %(default)s)")
    arguments = parser.parse_args()
    gpu = has_gpu()
    suites = QUICK_SUITES if arguments.quick else (*SUITES, GPU_SUITE) if gpu or GPU_SUITE.name in (arguments.only or ()) else SUITES
    began = time.monotonic()
    rows = []
    with ThreadPoolExecutor(arguments.at_once) as pool:
        for ended in as_completed(
            [pool.submit(run_suite, suite) for suite in suites if arguments.only is None or suite.name in arguments.only]
        ):
            suite, passed, seconds, output = ended.result()
            rows.append((suite, passed, seconds))
            print(
                f"\n=== {suite.name}: {'passed' if passed else 'FAILED'} in {seconds:.0f} s (budget {suite.budget} s)\n{output}", flush=True
            )
    print(f"\n{'suite':<12}{'result':<10}{'seconds':>8}{'budget':>8}")
    for suite, passed, seconds in rows:
        print(
            f"{suite.name:<12}{'passed' if passed else 'FAILED':<10}{seconds:>8.0f}{suite.budget:>8}{'  over' if seconds > suite.budget else ''}"
        )
    if not gpu and arguments.only is None and not arguments.quick:
        print(f"{'gpu':<12}not run   no GPU here: {gpu_tests()} gpu tests not run")
    print(f"{'all, by the clock':<22}{time.monotonic() - began:>8.0f}{QUICK_BUDGET if arguments.quick else WHOLE_BUDGET:>8}")
    failed = [suite.name for suite, passed, _ in rows if not passed]
    print(f"{len(rows) - len(failed)} passed, {len(failed)} failed" + (f": {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
