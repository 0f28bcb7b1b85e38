"""KerasTuner and SMAC3 on a replayed sweep: their own oracles and facade, asked and told, with their defaults.

KerasTuner scores a trial by the mean of its executions' best epochs (`keras_tuner.Tuner.run_trial` returns their histories, `convert_to_metrics_dict`
takes each one's best epoch), names the highest score as the best trial and prints it. Its Hyperband goes on with a trial's training; in the replay
with the same curve. It also draws no configuration twice and would end early on a grid of 48, hence a number beside the grid that changes nothing and stands
for the settings of a larger space. SMAC3 minimises one minus the last epoch's accuracy; the incumbent's mean cost over its seeds, three at most, is what it prints.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import math
import tempfile
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from replay import Choice, Contender
from scipy.linalg import solve_triangular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from replay import Floats, Sweep, Training

OBJECTIVE = "val_accuracy"
IDLE = "idle"
"""Name of the number that changes nothing."""
MOST_SEEDS = 3
"""Of a configuration, SMAC3's default."""
CHALLENGERS = 500
"""Random configurations that SMAC3 compares for each proposal, ten times as many as there are; its default of 10,000 finds the same ones."""


def keras_tuner_bayesian(executions: int) -> Callable[[Sweep], Choice]:
    """`BayesianOptimization`: as many trials as the budget holds."""

    def choose(sweep: Sweep) -> Choice:
        trials = sweep.trainings // executions
        with _oracle("BayesianOptimizationOracle", sweep, max_trials=trials) as oracle:
            oracle.gpr.__class__ = quick_predictions(type(oracle.gpr))
            while (trial := oracle.create_trial("tuner0")).status == "RUNNING":
                place = sweep.place(trial.hyperparameters.values)
                curves = [sweep.begin(place).run() for _ in range(executions)]
                _end(oracle, trial, sum(float(curve.max()) for curve in curves) / executions)
            return _best(oracle, sweep)

    return choose


def keras_tuner_hyperband(executions: int) -> Callable[[Sweep], Choice]:
    """`Hyperband` over and over until the budget is spent or it finds no new configuration."""

    def choose(sweep: Sweep) -> Choice:
        trainings: dict[str, list[Training]] = {}
        with _oracle("HyperbandOracle", sweep, max_epochs=sweep.table.num_epochs, hyperband_iterations=None) as oracle:
            oracle.hyperparameters.Int(IDLE, 0, 9_999)
            while (trial := oracle.create_trial("tuner0")).status == "RUNNING":
                values = trial.hyperparameters.values
                begin, end = values["tuner/initial_epoch"], values["tuner/epochs"]
                if sweep.left < (end - begin) * executions:
                    break
                if "tuner/trial_id" in values:
                    trainings[trial.trial_id] = trainings[values["tuner/trial_id"]]
                else:
                    trainings[trial.trial_id] = [sweep.begin(sweep.place(values)) for _ in range(executions)]
                curves = [each.run(end)[begin:end] for each in trainings[trial.trial_id]]
                _end(oracle, trial, sum(float(curve.max()) for curve in curves) / executions)
            return _best(oracle, sweep)

    return choose


@lru_cache(maxsize=1)
def quick_predictions(regressor: type[Any]) -> type[Any]:
    """The regressor class with the same predictions in a twentieth of the time: without checks of each point's type and shape.

    KerasTuner asks for thousands of single points a proposal. Its kernel is a Matern of 5/2 with one length (Rasmussen and Williams 2006, eq. 4.17).
    """

    class Quick(regressor):  # type: ignore[misc]  # a class known at run time
        def predict(self, X: Floats, return_std: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002, N803 - scikit-learn's signature
            distance = np.sqrt(((X[:, None] - self.X_train_[None]) ** 2).sum(axis=2)) * (math.sqrt(5.0) / self.kernel_.length_scale)
            kernel = (1.0 + distance + distance**2 / 3.0) * np.exp(-distance)
            mean = self._y_train_std * (kernel @ self.alpha_) + self._y_train_mean
            if not return_std:
                return mean
            explained = solve_triangular(self.L_, kernel.T, lower=True, check_finite=False)
            return mean, np.sqrt(np.maximum(1.0 - (explained**2).sum(axis=0), 0.0) * self._y_train_std**2)

    return Quick


@contextlib.contextmanager
def _oracle(kind: str, sweep: Sweep, **options: Any) -> Iterator[Any]:  # noqa: ANN401 - KerasTuner's own arguments
    """An oracle of KerasTuner over the sweep's grid that prints and writes nothing."""
    import keras_tuner

    space = keras_tuner.HyperParameters()
    for name, values in sweep.table.grid.items():
        space.Choice(name, values)
    objective = keras_tuner.Objective(OBJECTIVE, direction="max")
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that did not converge, a deprecated name of a thread
        oracle = getattr(keras_tuner.oracles, kind)(objective=objective, hyperparameters=space, seed=sweep.seed(5), **options)
        oracle._set_project_dir(folder, "replay")  # noqa: SLF001 - what a tuner does first
        oracle.save = oracle._save_trial = lambda *_: None  # noqa: SLF001 - files that nobody reads
        yield oracle


def _end(oracle: Any, trial: Any, score: float) -> None:  # noqa: ANN401 - KerasTuner has no types
    """Report a trial's score as `keras_tuner.Tuner` does."""
    oracle.update_trial(trial.trial_id, {OBJECTIVE: score})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)


def _best(oracle: Any, sweep: Sweep) -> Choice:  # noqa: ANN401 - as above
    winner = oracle.get_best_trials(1)[0]
    return Choice(sweep.place(winner.hyperparameters.values), float(winner.score))


def smac(sweep: Sweep) -> Choice:
    """`HyperparameterOptimizationFacade`: a random forest, and intensification of incumbents over up to three seeds."""
    import ConfigSpace
    from smac import HyperparameterOptimizationFacade, Scenario
    from smac.runhistory.dataclasses import TrialValue

    logging.disable(logging.WARNING)
    space = ConfigSpace.ConfigurationSpace(seed=sweep.seed(6))
    for name, values in sweep.table.grid.items():
        ordered = len(values) > 1 and not isinstance(values[0], (str, bool))
        space.add((ConfigSpace.OrdinalHyperparameter if ordered else ConfigSpace.CategoricalHyperparameter)(name, values))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scenario = Scenario(space, n_trials=sweep.trainings, deterministic=False, seed=sweep.seed(7) % 1000, output_directory=Path(folder))
        facade = HyperparameterOptimizationFacade(
            scenario,
            lambda config, seed: 0.0,  # noqa: ARG005 - never called: the facade is asked and told
            intensifier=HyperparameterOptimizationFacade.get_intensifier(scenario, max_config_calls=MOST_SEEDS),
            acquisition_maximizer=HyperparameterOptimizationFacade.get_acquisition_maximizer(scenario, challengers=CHALLENGERS),
            logging_level=False,
            overwrite=True,
        )
        while sweep.affords_training:
            try:
                info = facade.ask()
            except StopIteration:
                break
            cost = 1.0 - float(sweep.begin(sweep.place(dict(info.config))).run()[-1])
            facade.tell(info, TrialValue(cost=cost), save=False)
        incumbent = facade.intensifier.get_incumbent()
        return Choice(sweep.place(dict(incumbent)), 1.0 - float(facade.runhistory.average_cost(incumbent)))


SLOW = 4
"""Each so-manieth sweep is replayed where a proposal takes a second."""
CONTENDERS: Sequence[Contender] = (
    Contender("KerasTuner Bayesian", keras_tuner_bayesian(1), every=SLOW),
    Contender("KerasTuner Bayesian, 3 executions", keras_tuner_bayesian(3)),
    Contender("KerasTuner Hyperband", keras_tuner_hyperband(1)),
    Contender("KerasTuner Hyperband, 3 executions", keras_tuner_hyperband(3)),
    Contender("KerasTuner Bayesian, 3 executions, 1/.6 of the epochs", keras_tuner_bayesian(3), share=1.0 / 0.6, every=SLOW),
    Contender("KerasTuner Hyperband, 3 executions, 1/.6 of the epochs", keras_tuner_hyperband(3), share=1.0 / 0.6),
)
SMAC = Contender("SMAC3, up to 3 seeds", smac, every=SLOW)


def modelled() -> list[Contender]:
    """KerasTuner, and SMAC3 where it is installed."""
    if importlib.util.find_spec("smac") is None:
        print("SMAC3 is left out: it is not installed (pip install smac).")
        return list(CONTENDERS)
    return [*CONTENDERS, SMAC]
