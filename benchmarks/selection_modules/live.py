"""Real sweeps of the peers: their own drivers call real trainings of the tabular study's spaces. They show whether the replay stands for them.

The trainings have seeds that the table does not have, so that all of the table's trainings of a chosen configuration are the truth about it.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from measures import figures
from outcomes import Outcome
from replay import Choice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from measures import Truth
    from numpy.typing import NDArray
    from study import Table

FIRST_SEED = 1_000
"""Seeds of live trainings begin here; the table's are below."""
ACCURACY = "val_accuracy"
HERE = Path(__file__).resolve().parent
SPACES = ("few_shot", "transfer", "swinging")
CONCURRENT = 2
RUNGS = (1, 4, 16, 40)
"""Epochs at which Ray Tune's scheduler judges by default."""


def curve(space: str, configuration: int, seed: int, epochs: int | None = None) -> NDArray[np.float64]:
    """Train a configuration of a space now, to its end or for fewer epochs; its validation accuracy by epoch."""
    program, spaces = importlib.import_module("program"), importlib.import_module("spaces")
    of = spaces.space(space)
    trained = program.train(of, [configuration], seed, epochs=epochs)
    images = spaces.split(of, seed)
    return np.asarray((trained.val_classes[0] == images.labels[images.val]).mean(axis=1))


@dataclass
class Live:
    """A live sweep while it runs.

    Attributes:
        table: its space.
        number: of the sweep; another one draws other seeds.
        trainings: budget.
        begun: trainings so far.
        epochs: asked for so far.
    """

    table: Table
    number: int
    trainings: int
    begun: int = 0
    epochs: int = 0

    def train(self, point: Mapping[str, Any]) -> NDArray[np.float64]:
        """Train a point to its end with a new seed."""
        place = place_of(self.table.grid, point)
        seed = FIRST_SEED * (self.number + 1) + self.begun
        self.begun, self.epochs = self.begun + 1, self.epochs + self.table.num_epochs
        return curve(self.table.name, place, seed)


def place_of(grid: Mapping[str, Sequence[Any]], point: Mapping[str, Any]) -> int:
    """Place in the grid of a point."""
    return int(
        np.ravel_multi_index([list(values).index(point[name]) for name, values in grid.items()], [len(each) for each in grid.values()])
    )


def optuna_tpe(live: Live) -> Choice:
    """`Study.optimize` with TPE; the objective is the best epoch."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=live.number))

    def objective(trial: optuna.Trial) -> float:
        return float(live.train({name: trial.suggest_categorical(name, values) for name, values in live.table.grid.items()}).max())

    study.optimize(objective, n_trials=live.trainings)
    return Choice(place_of(live.table.grid, study.best_trial.params), study.best_value)


def keras_tuner_bayesian(live: Live) -> Choice:
    """`BayesianOptimization.search` with one execution a trial; `get_best_hyperparameters` chooses."""
    import keras
    import keras_tuner

    class Tuner(keras_tuner.BayesianOptimization):  # type: ignore[misc]  # KerasTuner has no types
        def run_trial(self, trial: Any, *_: Any, **__: Any) -> list[Any]:  # noqa: ANN401 - KerasTuner's signature
            history = keras.callbacks.History()
            history.history = {ACCURACY: live.train(trial.hyperparameters.values).tolist()}
            return [history]

    space = keras_tuner.HyperParameters()
    for name, values in live.table.grid.items():
        space.Choice(name, values)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tuner = Tuner(
            objective=keras_tuner.Objective(ACCURACY, direction="max"),
            max_trials=live.trainings,
            seed=live.number,
            hyperparameters=space,
            directory=folder,
            project_name="live",
        )
        tuner.search()
        winner = tuner.oracle.get_best_trials(1)[0]
        return Choice(place_of(live.table.grid, winner.hyperparameters.values), float(winner.score))


class Program:
    """Trains for all trials of Ray Tune in one process of its own: each trial has a new one, which need not load TensorFlow then."""

    def curve(self, space: str, configuration: int, seed: int, epochs: int) -> NDArray[np.float64]:
        """As the function of that name; no more epochs than the space has."""
        return curve(space, configuration, seed, min(epochs, importlib.import_module("spaces").space(space).epochs))


def report_epochs(config: dict[str, Any], program: Any, space: str, first_seed: int) -> None:  # noqa: ANN401 - a handle of Ray
    """What Ray Tune runs for a trial: a training reported epoch by epoch.

    The program has no way to go on with a training, so that it begins again at each rung; the same seed gives the same epochs.
    """
    import zlib

    import ray
    from ray import tune

    grid = dict(config)
    place, reported = grid.pop("place")(grid), 0
    seed = first_seed + zlib.crc32(tune.get_context().get_trial_id().encode()) % FIRST_SEED
    for rung in RUNGS:
        values = ray.get(program.curve.remote(space, place, seed, rung))
        for value in values[reported:]:
            tune.report({ACCURACY: float(value)})
        reported = values.size


def ray_tune(live: Live) -> Choice:
    """`Tuner.fit` with `ASHAScheduler` and `OptunaSearch` until all epochs are reported; `get_best_result` chooses."""
    import ray
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search.optuna import OptunaSearch

    budget = live.trainings * live.table.num_epochs

    class Budget(tune.Stopper):  # type: ignore[misc]  # Ray's own class
        def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:  # noqa: ARG002 - Ray's signature
            live.epochs += 1
            return self.stop_all()

        def stop_all(self) -> bool:
            return live.epochs >= budget

    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(HERE), str(HERE.parent / "tabular"), str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
    )
    grid = {name: list(values) for name, values in live.table.grid.items()}
    with tempfile.TemporaryDirectory() as folder:
        ray.init(address="local", num_cpus=CONCURRENT, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        try:
            program = ray.remote(num_cpus=0)(Program).remote()
            result = tune.Tuner(
                tune.with_parameters(report_epochs, program=program, space=live.table.name, first_seed=FIRST_SEED * (live.number + 1)),
                param_space={**{name: tune.choice(values) for name, values in grid.items()}, "place": lambda point: place_of(grid, point)},
                tune_config=tune.TuneConfig(
                    metric=ACCURACY,
                    mode="max",
                    num_samples=-1,
                    max_concurrent_trials=CONCURRENT,
                    scheduler=ASHAScheduler(max_t=live.table.num_epochs),
                    search_alg=OptunaSearch(seed=live.number),
                ),
                run_config=tune.RunConfig(storage_path=folder, stop=Budget(), verbose=0),
            ).fit()
            winner, live.begun = result.get_best_result(), len(result)
        finally:
            ray.shutdown()
        return Choice(place_of(grid, winner.config), float(winner.metrics[ACCURACY]))


PEERS: dict[str, Callable[[Live], Choice]] = {
    "Optuna TPE, best epoch": optuna_tpe,
    "KerasTuner Bayesian": keras_tuner_bayesian,
    "Ray Tune ASHA + OptunaSearch": ray_tune,
}
"""By the name of the contender that stands for them in the replay."""


def compare(
    truths: Mapping[str, Truth], replayed: Mapping[str, Sequence[Outcome]], trainings: int, names: Sequence[str]
) -> list[dict[str, Any]]:
    """Run a live sweep of each of these peers in each of three spaces; print it beside the replayed sweeps of that peer and space.

    Args:
        truths: by space.
        replayed: outcomes by contender.
        trainings: budget.
        names: of peers.
    """
    print(
        "| peer | space | winner | printed | optimism | replayed [5 %, 95 %] | regret | replayed [5 %, 95 %] | epochs | s |\n|"
        + "---|" * 10
    )
    rows = []
    for number, space in enumerate(SPACES):
        for name in names:
            began = time.monotonic()
            live = Live(truths[space].table, number, trainings)
            choice = PEERS[name](live)
            outcome = Outcome(space, number, choice, live.begun, live.epochs, (), ())
            beside = {figure: beside_replay(outcome, replayed[name], truths[space], figure) for figure in ("optimism", "val regret")}
            cells = [f"{own:.2f} | {mean:.2f} [{low:.2f}, {high:.2f}]" for own, mean, low, high in beside.values()]
            seconds = time.monotonic() - began
            print(
                f"| {name} | {space} | {choice.configuration} | {100 * choice.reported:.1f} | {' | '.join(cells)} | {live.epochs} | {seconds:.0f} |",
                flush=True,
            )
            rows.append({"peer": name, "space": space, "winner": choice.configuration, "printed": choice.reported, **beside})
    return rows


def beside_replay(outcome: Outcome, replayed: Sequence[Outcome], truth: Truth, figure: str) -> tuple[float, float, float, float]:
    """A figure of a live sweep, and the mean and the ends of the middle 90 % of the replayed sweeps of that space."""
    values = [figures(each, truth)[figure] for each in replayed if each.space == outcome.space]
    low, high = np.quantile(values, (0.05, 0.95))
    return figures(outcome, truth)[figure], float(np.mean(values)), float(low), float(high)
