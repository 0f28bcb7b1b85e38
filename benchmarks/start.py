"""The start of a run after a kill, stage by stage: ``python benchmarks/start.py`` (`--executor inline`).

A small study (digits, a plain network) is begun, killed with SIGKILL after its first epoch, and the same command is typed again; the second start is timed, in the
driver by its own calls: from the command to the first epoch that this start has trained. Stages are shown in wall seconds and in processor seconds of the driver, which a
busy machine changes less. What a worker does between taking the trial and its first epoch is taken apart by `trial_costs.py` ("first in a process").
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
MARKS = "START_MARKS"
"""Variable that holds the file of the driver's marks."""
SWEEP = """
study: start
data: {source: digits}
model: {backbone: plain_cnn, options: {filters: [8], kernel: 3, dropout: 0.0}}
training: {epochs: 200, batch_size: 50}
space: {learning_rate: {float: [0.001, 0.1], log: true}}
search: {trials: 1, sampler: random, pruner: none}
confirm: off
resources: {cpu: 1, concurrent: 1}
"""
STAGES = {
    "command line": "Python starts, the command is parsed, its modules are imported",
    "study": "the storage is opened and the study compared with the sweep file",
    "checks": "data is read, findings looked for; the first time, a process of its own imports TensorFlow and builds the model",
    "Ray": "a local Ray is started (of `ray-core`)",
    "worker": "the record is opened, a worker process is started and takes the trial",
    "first epoch": "TensorFlow in the worker, data, model, checkpoint, first trace, first epoch",
}
"""Stage to what happens in it, in order; each ends where the next begins."""


def timed() -> None:
    """Run ``steadysweep run`` in this process and note when each stage ends."""
    began, marks = float(os.environ["START_BEGAN"]), Path(os.environ[MARKS])
    ended: list[tuple[str, float, float]] = []

    def end(stage: str) -> None:
        if stage not in [each for each, _, _ in ended]:
            ended.append((stage, time.time() - began, time.process_time()))
            marks.write_text(json.dumps(ended))

    def ends(stage: str, place: Any, name: str, *, after: bool = True) -> None:  # noqa: ANN401 - a module or class
        inner: Callable[..., Any] = getattr(place, name)

        @wraps(inner)
        def outer(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it takes and returns
            if not after:
                end(stage)
            result = inner(*given, **named)
            if after:
                end(stage)
            return result

        setattr(place, name, outer)

    import sweeps.launch.launch  # noqa: F401 - the package has a function of this name
    from sweeps.cli.main import main
    from sweeps.study.driver import StudyDriver

    launching = sys.modules["sweeps.launch.launch"]
    end("command line")
    ends("study", launching, "_checked", after=False)
    ends("checks", launching, "_checked")
    ends("Ray", launching, "_executor")
    ends("worker", StudyDriver, "_on_started")
    ends("first epoch", StudyDriver, "_on_epoch")
    from trainer.fit import process

    ends("TensorFlow in the driver", process, "import_tensorflow_quietly")
    code = main(["run", "sweep.yaml", "--quiet", "--executor", sys.argv[2]])
    raise SystemExit(code)


def start(folder: Path, executor: str) -> list[tuple[str, float, float]]:
    """Start the command, kill it after the first epoch that it trains, and return its marks."""
    marks = folder / "marks.json"
    marks.unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), MARKS: str(marks), "START_BEGAN": str(time.time()), "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen([sys.executable, __file__, "--timed", executor], cwd=folder, env=environment, start_new_session=True)
    try:
        while True:
            read = json.loads(marks.read_text() or "[]") if marks.exists() else []
            if process.poll() is not None or (read and read[-1][0] == "first epoch"):
                return [(stage, wall, cpu) for stage, wall, cpu in read]
            time.sleep(0.1)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def main() -> None:
    """Begin, kill, begin again, print."""
    if sys.argv[1:2] == ["--timed"]:
        timed()
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executor", choices=("ray-core", "inline"), default="ray-core")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="start-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "sweep.yaml").write_text(SWEEP)
        start(Path(folder), given.executor)
        marks = start(Path(folder), given.executor)
    before = (0.0, 0.0)
    print(f"{'stage':26} {'wall s':>7} {'CPU s':>7}  (load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores)")
    for stage, wall, cpu in marks:
        print(f"{stage:26} {wall - before[0]:7.1f} {cpu - before[1]:7.1f}  {STAGES[stage]}")
        before = wall, cpu
    print(f"{'command to first epoch':26} {before[0]:7.1f} {before[1]:7.1f}")
    if given.json:
        given.json.write_text(json.dumps(marks) + "\n")


if __name__ == "__main__":
    main()
