"""Optuna, Ray Tune, random search and "one epoch, keep the top k" on a replayed sweep, each by its own rule of choosing.

Optuna is its own study by ask and tell. Ray Tune is its own scheduler and searcher, driven without a cluster: they are asked in the order in which
trials that take turns, one epoch each, would report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from replay import Choice, Contender

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from replay import Sweep, Training

    Floats = NDArray[np.float64]
    Figure = Callable[[Floats], float]

CONCURRENT = 4
"""Trials that Ray Tune trains side by side."""
ACCURACY = "val_accuracy"


def last(curve: Floats) -> float:
    """The last epoch's value."""
    return float(curve[-1])


def best(curve: Floats) -> float:
    """The best epoch's value."""
    return float(curve.max())


def random_search(figure: Figure) -> Callable[[Sweep], Choice]:
    """Configurations in a random order, each once before any is repeated; the highest figure wins."""

    def choose(sweep: Sweep) -> Choice:
        draw = sweep.generator(1)
        order: list[int] = []
        values: dict[Training, float] = {}
        while sweep.affords_training:
            order = order or draw.permutation(len(sweep.table.configurations)).tolist()
            training = sweep.begin(order.pop())
            values[training] = figure(training.run())
        return highest(values)

    return choose


def optuna_tpe(figure: Figure) -> Callable[[Sweep], Choice]:
    """Optuna's TPE with its defaults; `Study.best_trial` wins and `Study.best_value` is reported."""

    def choose(sweep: Sweep) -> Choice:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=sweep.seed(2)))
        while sweep.affords_training:
            trial = study.ask()
            point = {name: trial.suggest_categorical(name, values) for name, values in sweep.table.grid.items()}
            study.tell(trial, figure(sweep.begin(sweep.place(point)).run()))
        return Choice(sweep.place(study.best_trial.params), study.best_value)

    return choose


@dataclass(frozen=True)
class _Trial:
    """What Ray Tune's scheduler reads of a trial."""

    trial_id: str
    training: Training


def ray_tune(sweep: Sweep) -> Choice:
    """`ASHAScheduler` and `OptunaSearch` with their defaults; `ResultGrid.get_best_result` takes the highest last value, of stopped trials as well."""
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search.optuna import OptunaSearch

    epochs = sweep.table.num_epochs
    scheduler = ASHAScheduler(metric=ACCURACY, mode="max", max_t=epochs)
    space = OptunaSearch.convert_search_space({name: tune.choice(values) for name, values in sweep.table.grid.items()})
    searcher = OptunaSearch(space, metric=ACCURACY, mode="max", seed=sweep.seed(3))
    running: list[_Trial] = []
    values: dict[Training, float] = {}
    while sweep.left:
        while len(running) < CONCURRENT:
            name = f"trial_{len(sweep.started)}"
            point = searcher.suggest(name)
            trial = _Trial(name, sweep.begin(sweep.place(point)))
            scheduler.on_trial_add(None, trial)
            running.append(trial)
        for trial in list(running):
            if not sweep.left:
                break
            curve = trial.training.run(trial.training.curve.size + 1)
            result: dict[str, Any] = {ACCURACY: float(curve[-1]), "training_iteration": curve.size}
            values[trial.training] = result[ACCURACY]
            if scheduler.on_trial_result(None, trial, result) == scheduler.CONTINUE:
                searcher.on_trial_result(trial.trial_id, result)
            else:
                scheduler.on_trial_remove(None, trial)
                searcher.on_trial_complete(trial.trial_id, result)
                running.remove(trial)
    return highest(values)


def first_epoch(sweep: Sweep) -> Choice:
    """All configurations of the grid for one epoch, as many as the budget allows of the best to the end (arXiv 2307.15422); the highest last value wins."""
    trainings = [sweep.begin(each) for each in sweep.generator(4).permutation(len(sweep.table.configurations)).tolist()]
    first = {each: last(each.run(1)) for each in trainings}
    top = sweep.left // (sweep.table.num_epochs - 1)
    kept = sorted(trainings, key=lambda each: -first[each])[:top]
    return highest({each: last(each.run()) for each in kept})


def highest(values: dict[Training, float]) -> Choice:
    """The configuration of the training with the highest value, the earlier of equals, and that value."""
    winner = max(values, key=lambda each: values[each])
    return Choice(winner.configuration, values[winner])


CONTENDERS: Sequence[Contender] = (
    Contender("random, last epoch", random_search(last)),
    Contender("random, best epoch", random_search(best)),
    Contender("1 epoch, keep the top", first_epoch),
    Contender("Optuna TPE, last epoch", optuna_tpe(last)),
    Contender("Optuna TPE, best epoch", optuna_tpe(best)),
    Contender("Ray Tune ASHA + OptunaSearch", ray_tune),
)
