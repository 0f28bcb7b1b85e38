"""A study of many trials: memory of its driver, trial after trial, and what the engine adds to trials of one second.

    python benchmarks/many_trials.py memory [--trials 10000]
    python benchmarks/many_trials.py page [--trials 200] [--concurrent 16] [--seconds 1]

`memory` runs trials that do nothing in the driver's own process and prints resident memory and milliseconds a trial as the study grows. What stays of a trial is its
parameters, figures and curves of 5 epochs, which pruner and report read. `page` is the 10,000 x 1 s trials of Ray's release tests at the size that two cores allow:
trials that sleep, each on a share of a CPU, in Ray workers; overhead is what the study takes beyond trials x seconds / concurrent, with and without the start of Ray
and of its workers.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
MODULES = HERE / "overhead_modules"
if TYPE_CHECKING:
    from sweeps.executor.protocol import Executor

EPOCHS = 5
POINTS = 10
"""Lines that `memory` prints."""


def sweep_of(trials: int, concurrent: int, epochs: int) -> Any:  # noqa: ANN401 - a SweepFile
    """The same study for both parts."""
    from overhead_trials import DROPOUTS, RATES

    from sweeps.sweep_file import SweepFile

    return SweepFile(
        study="many",
        storage="sqlite:///many.db",
        storage_path="runs",
        data={"source": "digits"},
        training={"epochs": epochs},
        space={"learning_rate": {"float": list(RATES), "log": True}, "dropout": {"float": list(DROPOUTS)}},
        search={"trials": trials, "sampler": "random", "pruner": "none", "seed": 0},
        confirm="off",
        resources={"cpu": 1.0 / concurrent, "concurrent": concurrent, "slots": 1},
    )


def driver_memory(trials: int) -> dict[str, Any]:
    """Resident megabytes and processor seconds after each tenth of the trials."""
    import psutil

    from sweeps.executor.inline import InlineExecutor
    from sweeps.study.running import run_study

    process, began = psutil.Process(), time.process_time()
    told: list[tuple[int, float, float]] = []

    class Watch:
        finished = 0

        def on_finished(self, _trial: object) -> None:
            self.finished += 1
            if self.finished % max(1, trials // POINTS) == 0:
                gc.collect()
                told.append((self.finished, process.memory_info().rss / 1e6, time.process_time()))
                number, megabytes, seconds = told[-1]
                before, low, earlier = told[-2] if len(told) > 1 else (0, megabytes, began)
                each = number - before
                growth, cost = 1e3 * (megabytes - low) / each, 1e3 * (seconds - earlier) / each
                print(
                    f"after {number:6} trials: {megabytes:7.1f} MB, {growth:6.2f} KB and {cost:6.1f} ms of processor time a trial",
                    flush=True,
                )

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - an observer's methods
            if name.startswith("on_"):
                return lambda *_: None
            raise AttributeError(name)

    outcome = run_study(sweep_of(trials, 1, EPOCHS), InlineExecutor(), trainable="overhead_trials:curve", observers=[Watch()])
    if outcome.snapshot.complete != trials:
        raise SystemExit(f"{outcome.snapshot}")
    (number, low, _), (_, high, _) = told[1 if len(told) > 1 else 0], told[-1]
    growth = 1e3 * (high - low) / max(1, told[-1][0] - number)
    print(f"{growth:.2f} KB a trial after the first {number} trials")
    return {"points": told, "kilobytes_a_trial": growth}


def one_second_trials(trials: int, concurrent: int, seconds: float) -> dict[str, float]:
    """Wall and processor seconds of a study of trials that sleep."""
    from sweeps.executor.factory import ExecutorRequest, make_executor
    from sweeps.study.running import run_study

    os.environ["OVERHEAD_SECONDS"] = str(seconds)
    sweep = sweep_of(trials, concurrent, 1)
    executor: Executor = make_executor(ExecutorRequest(sweep.resources), "ray-core")
    ends: list[float] = []

    class Watch:
        def on_finished(self, _trial: object) -> None:
            ends.append(time.monotonic())

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - an observer's methods
            if name.startswith("on_"):
                return lambda *_: None
            raise AttributeError(name)

    began, cpu = time.monotonic(), time.process_time()
    outcome = run_study(sweep, executor, trainable="overhead_trials:sleeping", observers=[Watch()])
    if outcome.snapshot.complete != trials:
        raise SystemExit(f"{outcome.snapshot}")
    whole, driver = time.monotonic() - began, time.process_time() - cpu
    settled = min(2 * concurrent, len(ends) - 1)  # each worker has begun its second trial
    warm = (ends[-1] - ends[settled]) / (trials - 1 - settled) * concurrent / seconds - 1
    ideal = -(-trials // concurrent) * seconds
    print(f"{trials} trials of {seconds:g} s, {concurrent} at a time: {whole:.1f} s, ideal {ideal:.1f} s")
    print(f"overhead {100 * (whole / ideal - 1):.0f} % with the start of Ray and workers, {100 * warm:.0f} % once {concurrent} workers run")
    print(f"{1e3 * driver / trials:.1f} ms of the driver's processor time a trial")
    return {"seconds": whole, "ideal": ideal, "warm_overhead": warm, "driver_milliseconds": 1e3 * driver / trials}


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("memory", "page"))
    parser.add_argument("--trials", type=int)
    parser.add_argument("--concurrent", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    paths = [str(MODULES), str(HERE.parent)]
    sys.path[:0] = paths
    os.environ["PYTHONPATH"] = os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")])  # of the workers
    with tempfile.TemporaryDirectory(prefix="many-trials-") as folder:
        os.chdir(folder)
        if given.part == "memory":
            figures: dict[str, Any] = driver_memory(given.trials or 10_000)
        else:
            figures = one_second_trials(given.trials or 200, given.concurrent, given.seconds)
    if given.json:
        given.json.write_text(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
