"""The sampler's view: trials in Optuna's form, derived from the record for each proposal.

The record itself never reaches a sampler: pruned trials would be ranked by their last raw value, a narrowed range would raise or empty the joint space, and ten thousand
trials would make a proposal slow (measured: TPE 2.5 to 69 ms from 100 to 10,000 trials). `SearchHistory` chooses which trials are shown.

Parameters have two forms in Optuna: one for the record, frozen at creation, and one for the sampler's view, which sees order.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution, distribution_to_json
from optuna.trial import FrozenTrial, TrialState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

    from search_spaces.conditions import PointValue
    from search_spaces.parameters import Parameter
    from search_spaces.space import SearchSpace


@dataclass(frozen=True, eq=False)
class SeenTrial:
    """A search trial as the view holds it; compared by identity.

    Attributes:
        number: its number in the study: the view keeps the order.
        configuration: ID; the view holds each once.
        state: finished with a result, pruned, or still going.
        point: its active parameters.
        score: stable accuracy of a complete training, of a pruned one its level when it was stopped; None while there is none.
        epochs: how many the score rests on.
        memory: what the sampler wrote at its proposal.
        shorter: from another study with fewer epochs: its score is that of a shorter training.
        cost: of its network, where the study asks for a frontier; None where it is not known.
        violations: limit to how far its cost is above it, as a share of the limit; negative where it is kept.
    """

    number: int
    configuration: str
    state: Literal["COMPLETE", "PRUNED", "RUNNING"]
    point: Mapping[str, PointValue]
    score: float | None
    epochs: int
    memory: Mapping[str, Any] = field(default_factory=dict)
    shorter: bool = False
    cost: float | None = None
    violations: Mapping[str, float] = field(default_factory=dict)

    @property
    def infeasible(self) -> bool:
        """Whether it breaks a limit, so that it was not trained."""
        return any(violation > 0 for violation in self.violations.values())


def pruned_below(bound: Literal["worst", "median"], trials: Sequence[SeenTrial], *, maximize: bool) -> list[SeenTrial]:
    """`trials` with no pruned one scored better than a bound that the finished ones set, for samplers that take a score so far for a result.

    Args:
        bound: the ``worst`` finished score, so that none ranks above a finished one; or the ``median``, for models of the scores themselves, which one
            collapsed training must not pull down everywhere.
        trials: as a sampler is shown them.
        maximize: whether more is better.
    """
    complete = [trial for trial in trials if trial.state == "COMPLETE" and not trial.shorter]
    finished = [trial.score for trial in complete if trial.score is not None and math.isfinite(trial.score)]
    if not finished:
        return list(trials)
    limit = median(finished) if bound == "median" else min(finished) if maximize else max(finished)

    def is_better(trial: SeenTrial) -> bool:
        return trial.state == "PRUNED" and trial.score is not None and (trial.score > limit if maximize else trial.score < limit)

    return [replace(trial, score=limit) if is_better(trial) else trial for trial in trials]


def record_distributions(space: SearchSpace) -> dict[str, str]:
    """Name to Optuna's JSON, for the record: choices and ordinals by their labels, so that Optuna's tools show them."""
    return {
        name: distribution_to_json(CategoricalDistribution(parameter.labels) if parameter.labels else seen_distribution(parameter))
        for name, parameter in space.parameters.items()
    }


def seen_distribution(parameter: Parameter) -> BaseDistribution:
    """The distribution that a sampler draws from: an ordinal is its rank, so that neighbours are neighbours."""
    scale = parameter.scale
    if scale is None:
        return CategoricalDistribution(parameter.labels)
    if scale.whole:
        return IntDistribution(scale.low, scale.high, log=scale.log, step=scale.step)
    return FloatDistribution(scale.low, scale.high, log=scale.log, step=scale.step)


def suggest(trial: Trial, parameter: Parameter) -> PointValue:
    """Let the sampler choose a value of `parameter`; returns it as a point's value."""
    scale = parameter.scale
    if scale is None:
        return str(trial.suggest_categorical(parameter.name, parameter.labels))
    draw = trial.suggest_int if scale.whole else trial.suggest_float
    return parameter.from_scale(draw(parameter.name, scale.low, scale.high, log=scale.log, step=scale.step))


def plain(point: Mapping[str, PointValue]) -> dict[str, PointValue]:
    """A point whose numbers are Python's own, as JSON and hashes need them."""
    return {
        name: value if isinstance(value, str) else int(value) if isinstance(value, int) else float(value) for name, value in point.items()
    }


CONSTRAINT = "constraints"
"""Optuna reads a trial's constraints from system attributes ``constraints:NAME``; above 0 is broken (``FrozenTrial.set_constraint``)."""


def frozen_trial(number: int, state: TrialState, *, values: Sequence[float] | None = None, **known: Any) -> FrozenTrial:  # noqa: ANN401 - dictionaries of FrozenTrial
    """A trial in Optuna's form, without times and user attributes; the dictionaries that are not given are empty."""
    given = {name: known.get(name, {}) for name in ("params", "distributions", "system_attrs", "intermediate_values")}
    times: dict[str, Any] = {"datetime_start": None, "datetime_complete": None}
    return FrozenTrial(number=number, trial_id=number, state=state, value=None, values=values, user_attrs={}, **times, **given)


_LARGEST_CACHE = 4_000


class View:
    """Turns seen trials into Optuna's; those that are over are turned once.

    Args:
        pruned_as_complete: for samplers that ignore pruned trials: show them as finished with their score so far; imported ones of shorter trainings not at all.
    """

    def __init__(self, *, pruned_as_complete: bool) -> None:
        self._pruned_as_complete = pruned_as_complete
        self._with_cost = False
        self._space: SearchSpace | None = None
        self._known: dict[int, tuple[SeenTrial, FrozenTrial]] = {}

    def of(self, trials: Sequence[SeenTrial], space: SearchSpace, *, with_cost: bool = False) -> list[FrozenTrial]:
        """The trials as Optuna's samplers read them, in the same order; `with_cost`: each has its score and its cost as values."""
        self._with_cost = with_cost
        if space is not self._space or len(self._known) > _LARGEST_CACHE:
            self._space, self._known = space, {}
            self._distributions = {name: seen_distribution(parameter) for name, parameter in space.parameters.items()}
        return [self._frozen(trial, space) for trial in trials if not (trial.shorter and self._pruned_as_complete)]

    def _frozen(self, trial: SeenTrial, space: SearchSpace) -> FrozenTrial:
        known = self._known.get(trial.number)
        if known is not None and known[0] is trial:
            return known[1]
        score = trial.score if trial.score is not None and math.isfinite(trial.score) else None
        state = self._state(trial, score)
        values: list[float] = []
        if state is TrialState.COMPLETE and score is not None:
            values = [score] if trial.cost is None or not self._with_cost else [score, trial.cost]
        frozen = frozen_trial(
            trial.number,
            state,
            values=values or None,
            params={name: space.parameters[name].to_scale(value) for name, value in trial.point.items()},
            distributions={name: self._distributions[name] for name in trial.point},
            system_attrs={**trial.memory, **{f"{CONSTRAINT}:{name}": value for name, value in trial.violations.items()}},
            intermediate_values={trial.epochs: score} if state is TrialState.PRUNED and score is not None else {},
        )
        if state.is_finished():
            self._known[trial.number] = (trial, frozen)
        return frozen

    def _state(self, trial: SeenTrial, score: float | None) -> TrialState:
        if trial.state == "RUNNING":
            return TrialState.RUNNING
        if trial.infeasible and not self._pruned_as_complete:
            return TrialState.PRUNED  # TPE looks at its constraints before anything else
        if score is None or (self._with_cost and trial.cost is None):
            return TrialState.FAIL
        return TrialState.COMPLETE if self._pruned_as_complete else TrialState[trial.state]


BEST = 25  # TPE's good group never exceeds 25 trials (optuna.samplers._tpe.default_gamma)
OTHERS = 1_000


class SearchHistory:
    """Holds one trial a configuration: the one with most epochs, the earlier of equals.

    Args:
        space: the space as it is now; trials outside are left out (a narrowed space changes what samplers see, not the record).
        maximize: whether more is better.
    """

    def __init__(self, space: SearchSpace, *, maximize: bool) -> None:
        self._space = space
        self._sign = -1.0 if maximize else 1.0
        self._trials: dict[int, SeenTrial] = {}
        self._by_configuration: dict[str, int] = {}
        self._numbers: list[int] = []
        self._ranked: list[tuple[float, int]] = []

    def add(self, trial: SeenTrial) -> None:
        """Keep a trial that is over."""
        if not inside(trial.point, self._space):
            return
        other = self._by_configuration.get(trial.configuration)
        if other is not None:
            if not _better_known(trial, self._trials[other]):
                return
            self._forget(other)
        self._trials[trial.number] = trial
        self._by_configuration[trial.configuration] = trial.number
        insort(self._numbers, trial.number)
        if trial.state == "COMPLETE" and trial.score is not None and math.isfinite(trial.score):
            insort(self._ranked, (self._sign * trial.score, trial.number))

    def shown(self, running: Iterable[SeenTrial] = ()) -> list[SeenTrial]:
        """What a sampler is shown, by number: the best, the newest thousand of the others, and what runs."""
        best = {number for _, number in self._ranked[:BEST]}
        others: list[int] = []
        for number in reversed(self._numbers):
            if len(others) == OTHERS:
                break
            if number not in best:
                others.append(number)
        chosen = [self._trials[number] for number in sorted([*best, *others])]
        live = [trial for trial in running if trial.configuration not in self._by_configuration and inside(trial.point, self._space)]
        return sorted([*chosen, *live], key=lambda trial: trial.number) if live else chosen

    def _forget(self, number: int) -> None:
        trial = self._trials.pop(number)
        del self._numbers[bisect_left(self._numbers, number)]
        if trial.state == "COMPLETE" and trial.score is not None:
            self._ranked = [entry for entry in self._ranked if entry[1] != number]


def inside(point: Mapping[str, PointValue], space: SearchSpace) -> bool:
    """Whether `point` is one of `space`."""
    for name, value in point.items():
        parameter = space.parameters.get(name)
        if parameter is None or not parameter.contains(value):
            return False
    return all(name in point or not (parameter.when is None or parameter.when.holds(point)) for name, parameter in space.parameters.items())


def _better_known(trial: SeenTrial, other: SeenTrial) -> bool:
    """Whether `trial` says more about their configuration."""
    return (trial.score is not None, trial.epochs, -trial.number) > (other.score is not None, other.epochs, -other.number)
