"""The programs that `benchmarks/faults.py` kills: one study of the same trials by each contender, begun or continued, in the current folder.

``python faults_contenders.py CONTENDER TRIALS EPOCHS SECONDS``; an epoch sleeps, writes a checkpoint and a line into ``epochs.log``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sweeps.executor.protocol import Outcome, Reporter, TrialTask
    from sweeps.sweep_file import SweepFile

SETTINGS = "FAULTS_SETTINGS"
"""Variable that holds folder and seconds of an epoch, for worker processes."""
CONCURRENT = 2
SEED = 1


def value_of(rate: float, epoch: int) -> float:
    """Validation accuracy after an epoch, from 0."""
    return 1.0 - 1.0 / (2 + epoch) - abs(rate - 0.3) / 10


def compute(trial: str, epoch: int) -> None:
    """One epoch, counted from 1: it takes its time, then it is on the log."""
    folder, seconds = json.loads(os.environ[SETTINGS])
    time.sleep(seconds)
    with (Path(folder) / "epochs.log").open("a") as log:
        log.write(f"{json.dumps([trial, epoch, time.time()])}\n")


def write_whole(path: Path, content: object) -> None:
    """A checkpoint that is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(content))
    partial.replace(path)


def train(task: TrialTask, reporter: Reporter) -> Outcome:
    """A trainable of ours."""
    from sweeps.executor.protocol import Outcome

    rate, epochs = task.config["training"]["learning_rate"], task.config["training"]["epochs"]
    checkpoint = Path(task.checkpoint_dir) / "epoch-00001" / "run.json"
    done = json.loads(checkpoint.read_text()) if checkpoint.exists() else 0
    for epoch in range(task.recorded_epochs + 1, done + 1):
        reporter.epoch(epoch, {"val_accuracy": value_of(rate, epoch)}, str(checkpoint))
    for epoch in range(done + 1, epochs + 1):
        compute(str(task.trial), epoch)
        write_whole(checkpoint, epoch)
        if reporter.epoch(epoch, {"val_accuracy": value_of(rate, epoch)}, str(checkpoint)):
            break
    return Outcome()


def sweep_of(trials: int, epochs: int, concurrent: int, cpu: float = 0.5, folder: Path = Path()) -> SweepFile:
    """The study of ours, with all that it keeps in a folder."""
    from sweeps.sweep_file import SweepFile

    return SweepFile(
        study="faults",
        storage=f"sqlite:///{folder / 'faults.db'}",
        storage_path=str(folder / "runs"),
        data={"source": "digits"},
        training={"epochs": epochs},
        space={"learning_rate": {"float": [0.01, 1.0]}},
        search={"trials": trials, "sampler": "random", "pruner": "none", "seed": SEED},
        confirm="off",
        resources={"cpu": cpu, "concurrent": concurrent},
    )


def ours(executor: str, trials: int, epochs: int) -> dict[str, int]:
    """Our engine: study, record and executor. Returns each finished trial's number with its epochs on record."""
    from sweeps.executor.factory import ExecutorRequest, make_executor
    from sweeps.record import read_study
    from sweeps.study.running import run_study

    sweep = sweep_of(trials, epochs, CONCURRENT if executor != "inline" else 1)
    run_study(sweep, make_executor(ExecutorRequest(sweep.resources), executor), trainable="faults_contenders:train")
    record = read_study("sqlite:///faults.db", "faults")
    return {str(trial.number): trial.num_epochs for trial in record.trials if trial.state == "COMPLETE"}


def ray_tune(trials: int, epochs: int) -> dict[str, int]:
    """Ray Tune as its documentation shows it: a checkpoint an epoch, and `Tuner.restore` where there is an experiment."""
    import ray
    from ray import tune

    ray.init(
        address="local",
        num_cpus=CONCURRENT,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=100_000_000,
        logging_level="ERROR",
    )

    def train(config: dict[str, float]) -> None:
        import tempfile

        from faults_contenders import compute, value_of

        checkpoint = tune.get_checkpoint()
        done = 0
        if checkpoint:
            with checkpoint.as_directory() as folder:
                done = json.loads((Path(folder) / "run.json").read_text())
        for epoch in range(done + 1, epochs + 1):
            compute(tune.get_context().get_trial_id(), epoch)
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "run.json").write_text(json.dumps(epoch))
                figures = {"val_accuracy": value_of(config["learning_rate"], epoch), "epoch": epoch}
                tune.report(figures, checkpoint=tune.Checkpoint.from_directory(folder))

    place = str(Path.cwd() / "tune")
    if tune.Tuner.can_restore(f"{place}/faults"):
        tuner = tune.Tuner.restore(f"{place}/faults", trainable=train, resume_unfinished=True, resume_errored=True)
    else:
        tuner = tune.Tuner(
            train,
            param_space={"learning_rate": tune.uniform(0.01, 1.0)},
            tune_config=tune.TuneConfig(num_samples=trials),
            run_config=tune.RunConfig(name="faults", storage_path=place, verbose=0, failure_config=tune.FailureConfig(max_failures=-1)),
        )
    results = tuner.fit()
    return {result.metrics["trial_id"]: int(result.metrics["epoch"]) for result in results if result.metrics and "epoch" in result.metrics}


def keras_tuner(trials: int, epochs: int) -> dict[str, int]:
    """KerasTuner as its documentation shows it: the same project again continues the search."""
    import keras_tuner

    class Tuner(keras_tuner.RandomSearch):  # type: ignore[misc]
        def run_trial(self, trial: Any, *_: Any, **__: Any) -> dict[str, float]:  # noqa: ANN401 - KerasTuner's signature
            rate = trial.hyperparameters.Float("learning_rate", 0.01, 1.0)
            for epoch in range(1, epochs + 1):
                compute(trial.trial_id, epoch)
            return {"val_accuracy": value_of(rate, epochs)}

    objective = keras_tuner.Objective("val_accuracy", "max")
    tuner = Tuner(objective=objective, max_trials=trials, directory=".", project_name="faults", seed=SEED, overwrite=False)
    tuner.search(verbose=0)
    return {name: epochs for name, trial in tuner.oracle.trials.items() if trial.status == "COMPLETED"}


def main(contender: str, trials: int, epochs: int, seconds: float) -> None:
    """Run one contender to its end and write ``result.json``."""
    os.environ[SETTINGS] = json.dumps([str(Path.cwd()), seconds])
    if contender.startswith("ours"):
        finished = ours(contender.removeprefix("ours, "), trials, epochs)
    else:
        finished = {"ray tune": ray_tune, "keras-tuner": keras_tuner}[contender](trials, epochs)
    write_whole(Path("result.json"), finished)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
