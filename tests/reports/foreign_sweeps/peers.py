"""Runs a small sweep with another tool, as its users do: ``python peers.py ray|optuna|keras_tuner|mlflow FOLDER``."""

import math
import os
import sys
from pathlib import Path

RATES = (0.0004, 0.002, 0.05)
EPOCHS = 12


def accuracy(rate: float, epoch: int) -> float:
    """A learning curve: the high rate is best at every other epoch and swings by 12 points."""
    swing = 0.06 * (-1) ** epoch if rate > 0.01 else 0.0
    return 0.88 - 0.4 * math.exp(-(epoch + 1) / 3) - 0.01 * abs(math.log10(rate) + 2.7) + swing


def optuna_sweeps(folder: Path) -> None:
    import optuna
    from optuna.storages.journal import JournalFileBackend

    def objective(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
        trial.suggest_categorical("optimizer", ["adam", "sgd"])
        for epoch in range(EPOCHS):
            trial.report(accuracy(rate, epoch), epoch)
            if trial.number == 2 and epoch == 4:
                raise optuna.TrialPruned
        return accuracy(rate, EPOCHS - 1)

    for storage in (f"sqlite:///{folder}/optuna.db", optuna.storages.JournalStorage(JournalFileBackend(str(folder / "optuna.journal")))):
        study = optuna.create_study(study_name="cnn", storage=storage, direction="maximize")
        for number, rate in enumerate((*RATES, 0.003)):
            study.enqueue_trial({"lr": rate, "optimizer": "adam" if number % 2 else "sgd"})
        study.optimize(objective, n_trials=4)
    final = optuna.create_study(study_name="final", storage=f"sqlite:///{folder}/final.db", direction="maximize")
    final.optimize(lambda trial: trial.suggest_float("lr", 0.1, 0.2), n_trials=3)


def ray_sweep(folder: Path) -> None:
    import ray
    from ray import tune

    def train(config: dict) -> None:
        for epoch in range(EPOCHS):
            if config["lr"] == RATES[0] and epoch == 5:
                raise RuntimeError("out of luck")
            tune.report({"val_accuracy": accuracy(config["lr"], epoch), "loss": 1 - accuracy(config["lr"], epoch)})

    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    tune.Tuner(
        train,
        param_space={"lr": tune.grid_search(list(RATES)), "model": {"units": 8}},
        run_config=tune.RunConfig(name="experiment", storage_path=str(folder), verbose=0),
    ).fit()
    ray.shutdown()


def keras_tuner_sweep(folder: Path) -> None:
    import keras
    import keras_tuner
    import numpy as np

    images = np.random.default_rng(0).normal(size=(96, 4)).astype("float32")
    labels = (images[:, 0] > 0).astype("int32")

    def build(hp: keras_tuner.HyperParameters) -> keras.Model:
        model = keras.Sequential(
            [keras.layers.Input((4,)), keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(2, activation="softmax")]
        )
        rate = hp.Float("lr", 1e-3, 1e-1, sampling="log")
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    tuner = keras_tuner.RandomSearch(
        build, objective="val_accuracy", max_trials=2, seed=1, directory=str(folder / "logged"), project_name="project"
    )
    callbacks = [
        keras.callbacks.TensorBoard(str(folder / "logged" / "tensorboard")),
        keras.callbacks.CSVLogger(str(folder / "log.csv"), append=True),
    ]
    tuner.search(images, labels, validation_split=0.5, epochs=6, verbose=2, callbacks=callbacks)


def mlflow_runs(folder: Path) -> None:
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    import mlflow

    for address in (f"file:{folder}/mlruns", f"sqlite:///{folder}/mlflow.db"):
        mlflow.set_tracking_uri(address)
        mlflow.set_experiment("cnn")
        for number, rate in enumerate(RATES):
            with mlflow.start_run(run_name=f"run {number}"):
                mlflow.log_params({"lr": rate, "optimizer": "adam"})
                for epoch in range(EPOCHS):
                    mlflow.log_metrics({"val_accuracy": accuracy(rate, epoch), "loss": 1 - accuracy(rate, epoch)}, step=epoch)


if __name__ == "__main__":
    {"ray": ray_sweep, "optuna": optuna_sweeps, "keras_tuner": keras_tuner_sweep, "mlflow": mlflow_runs}[sys.argv[1]](Path(sys.argv[2]))
