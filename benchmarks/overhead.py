"""What an engine costs around its trials: the same trials through ours (two executors), plain Ray Tune with OptunaSearch, and KerasTuner.

    python benchmarks/overhead.py [--no-op 40] [--keras 12] [--concurrent 2] [--smoke] [--json FILE]

Two kinds of trials: a no-op, and a small Keras training (digits 8x8, two convolutions with BatchNorm, 5 epochs). Ours and Ray Tune use Optuna's TPE with an
SQLite file. Each contender runs in a process of its own; seconds are counted from the first trial's proposal to the last trial's result, so with the start of
worker processes and without that of Ray. KerasTuner runs trials one at a time in its own process, as it does.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MODULES = HERE / "overhead_modules"
"""What workers import. Not this folder itself (hence ``python -P``): its programs are named as our packages are."""
CONTENDERS = ("ours, ray-core", "ours, ray-tune", "ray tune", "ray tune, reuse_actors", "keras-tuner")
AIMS = {  # workload -> contender that is compared against -> times its rate
    "no-op": {"ray tune": 5.0, "ray tune, reuse_actors": 1.0},
    "keras": {"ray tune": 4.0, "ray tune, reuse_actors": 2.0},
}
SAMPLER_SEED = 0


def main() -> None:
    """Run all contenders one after another and print trials per second and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-op", type=int, default=40, help="no-op trials")
    parser.add_argument("--keras", type=int, default=12, help="Keras trials")
    parser.add_argument("--concurrent", type=int, default=2, help="trials at a time")
    parser.add_argument("--smoke", action="store_true", help="a few no-op trials of our engine alone: does it run?")
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--one", nargs=3, metavar=("CONTENDER", "WORKLOAD", "TRIALS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(run_here(given.one[0], given.one[1], int(given.one[2]), given.concurrent)))
        return
    workloads = {"no-op": given.no_op, "keras": given.keras}
    contenders = given.contenders
    if given.smoke:
        workloads, contenders = {"no-op": 4}, ["ours, ray-core"]
    figures: dict[str, dict[str, float]] = {}
    for workload, trials in workloads.items():
        figures[workload] = {}
        for contender in contenders if trials else ():
            figures[workload][contender] = run_apart(contender, workload, trials, given.concurrent)
            print(
                f"{workload:6} {contender:24} {trials} trials in {figures[workload][contender]:6.1f} s, {rate(figures, workload, contender, trials)}",
                flush=True,
            )
        print_ratios(workload, figures[workload])
    if given.json:
        given.json.write_text(json.dumps({"trials": workloads, "concurrent": given.concurrent, "seconds": figures}, indent=2) + "\n")


def rate(figures: dict[str, dict[str, float]], workload: str, contender: str, trials: int) -> str:
    """Seconds a trial and trials a second."""
    seconds = figures[workload][contender]
    return f"{seconds / trials:.2f} s a trial, {trials / seconds:.2f} a second"


def print_ratios(workload: str, seconds: dict[str, float]) -> None:
    """How many times faster ours is."""
    for ours in (name for name in seconds if name.startswith("ours")):
        for other in (name for name in seconds if not name.startswith("ours")):
            aim = AIMS[workload].get(other)
            print(
                f"{workload:6} {ours} is {seconds[other] / seconds[ours]:.1f} x {other}" + (f" (aim: {aim:g} x)" if aim else ""), flush=True
            )


def run_apart(contender: str, workload: str, trials: int, concurrent: int) -> float:
    """Seconds of one contender, measured in a process of its own."""
    command = [sys.executable, "-P", __file__, "--concurrent", str(concurrent), "--one", contender, workload, str(trials)]
    paths = os.pathsep.join([str(MODULES), str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{contender}, {workload}: failed\n{done.stderr[-4000:]}")
    return float(json.loads(done.stdout.splitlines()[-1]))


def run_here(contender: str, workload: str, trials: int, concurrent: int) -> float:
    """Run one contender; seconds."""
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        os.chdir(folder)
        if contender.startswith("ours"):
            kind = contender.removeprefix("ours, ")
            return ours(kind, workload, trials, concurrent)
        if contender == "keras-tuner":
            return keras_tuner(workload, trials)
        return ray_tune(workload, trials, concurrent, reuse=contender.endswith("reuse_actors"))


def ours(kind: Any, workload: str, trials: int, concurrent: int) -> float:  # noqa: ANN401 - an executor's name
    """Our engine: study, record and executor."""
    import optuna
    from overhead_trials import BATCH, DROPOUTS, EPOCHS, IMAGES, RATES

    from sweeps.executor.factory import ExecutorRequest, make_executor
    from sweeps.study.running import run_study
    from sweeps.sweep_file import SweepFile

    sweep = SweepFile(
        study="overhead",
        storage="sqlite:///overhead.db",
        data={"source": "digits", "split": {"train": IMAGES, "validation": IMAGES, "test": 0}},
        model={"backbone": "overhead_trials:two_convolutions"},
        training={"epochs": EPOCHS if workload == "keras" else 1, "batch_size": BATCH},
        space={
            "learning_rate": {"float": list(RATES), "log": True},
            "dropout": {"float": list(DROPOUTS)},
        },
        search={"trials": trials, "pruner": "none", "seed": SAMPLER_SEED},
        confirm="off",
        resources={"cpu": 1, "concurrent": concurrent},
    )
    optuna.storages.RDBStorage("sqlite:///overhead.db").engine.dispose()  # the tables are there when the clock starts, for Ray Tune too
    executor = make_executor(ExecutorRequest(sweep.resources), kind)
    began = time.monotonic()
    trainable = {"trainable": "overhead_trials:no_op"} if workload == "no-op" else {}
    outcome = run_study(sweep, executor, **trainable)
    seconds = time.monotonic() - began
    if outcome.snapshot.complete != trials:
        raise SystemExit(f"{outcome.snapshot}")
    return seconds


def ray_tune(workload: str, trials: int, concurrent: int, *, reuse: bool) -> float:
    """Ray Tune as its documentation shows it: a function trainable, OptunaSearch, an SQLite storage."""
    import optuna
    import ray
    from overhead_trials import DROPOUTS, RATES
    from ray import tune
    from ray.tune.search.optuna import OptunaSearch

    ray.init(include_dashboard=False, log_to_driver=False, object_store_memory=100_000_000, logging_level="WARNING")

    def train(config: dict[str, float]) -> None:
        from overhead_trials import keras_training, value_of

        if workload == "no-op":
            tune.report({"val_accuracy": value_of(config["learning_rate"], config["dropout"])})
            return
        for value in keras_training(config["learning_rate"], config["dropout"]):
            tune.report({"val_accuracy": value})

    storage = optuna.storages.RDBStorage("sqlite:///overhead.db")
    search = OptunaSearch(metric="val_accuracy", mode="max", sampler=optuna.samplers.TPESampler(seed=SAMPLER_SEED), storage=storage)
    tuner = tune.Tuner(
        tune.with_resources(train, {"cpu": 1}),
        param_space={"learning_rate": tune.loguniform(*RATES), "dropout": tune.uniform(*DROPOUTS)},
        tune_config=tune.TuneConfig(search_alg=search, num_samples=trials, max_concurrent_trials=concurrent, reuse_actors=reuse),
        run_config=tune.RunConfig(name="overhead", storage_path=str(Path.cwd()), verbose=0),
    )
    began = time.monotonic()
    results = tuner.fit()
    seconds = time.monotonic() - began
    if len(results) != trials or results.num_errors:
        raise SystemExit(f"{len(results)} trials, {results.num_errors} errors")
    return seconds


def keras_tuner(workload: str, trials: int) -> float:
    """KerasTuner's random search (its cheapest), in one process."""
    import keras_tuner
    from overhead_trials import DROPOUTS, RATES, keras_training, value_of

    class Tuner(keras_tuner.RandomSearch):  # type: ignore[misc]
        def run_trial(self, trial: Any, *_: Any, **__: Any) -> dict[str, float]:  # noqa: ANN401 - KerasTuner's signature
            rate = trial.hyperparameters.Float("learning_rate", *RATES, sampling="log")
            dropout = trial.hyperparameters.Float("dropout", *DROPOUTS)
            return {"val_accuracy": value_of(rate, dropout) if workload == "no-op" else max(keras_training(rate, dropout))}

    objective = keras_tuner.Objective("val_accuracy", "max")
    tuner = Tuner(objective=objective, max_trials=trials, directory=".", project_name="overhead", seed=SAMPLER_SEED, overwrite=True)
    began = time.monotonic()
    tuner.search(verbose=0)
    seconds = time.monotonic() - began
    if len(tuner.oracle.trials) != trials:
        raise SystemExit(f"{len(tuner.oracle.trials)} trials")
    return seconds


if __name__ == "__main__":
    main()
