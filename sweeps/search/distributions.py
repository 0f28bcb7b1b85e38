"""Parameters as Optuna's distributions: one form for the record, frozen at creation, and one for the sampler's view, which sees order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution, distribution_to_json

from search_spaces.parameters import ChoiceParameter, FloatParameter, IntParameter, OrdinalParameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

    from search_spaces.parameters import Parameter, PointValue
    from search_spaces.space import SearchSpace


def record_distributions(space: SearchSpace) -> dict[str, str]:
    """Name to Optuna's JSON, for the record: choices and ordinals by their labels, so that Optuna's tools show them."""
    return {name: distribution_to_json(_recorded(parameter)) for name, parameter in space.parameters.items()}


def seen_distribution(parameter: Parameter) -> BaseDistribution:
    """The distribution that a sampler draws from: an ordinal is its index, so that neighbours are neighbours."""
    if isinstance(parameter, OrdinalParameter):
        return IntDistribution(0, len(parameter.labels) - 1)
    return _recorded(parameter)


def seen_value(parameter: Parameter, value: PointValue) -> PointValue:
    """A point's value as the sampler sees it."""
    return parameter.labels.index(str(value)) if isinstance(parameter, OrdinalParameter) else value


def suggest(trial: Trial, parameter: Parameter) -> PointValue:
    """Let the sampler choose a value of `parameter`; returns it as a point's value."""
    if isinstance(parameter, FloatParameter):
        return trial.suggest_float(parameter.name, parameter.low, parameter.high, log=parameter.log, step=parameter.step)
    if isinstance(parameter, IntParameter):
        return trial.suggest_int(parameter.name, parameter.low, parameter.high, log=parameter.log, step=parameter.step)
    if isinstance(parameter, OrdinalParameter):
        return parameter.labels[trial.suggest_int(parameter.name, 0, len(parameter.labels) - 1)]
    return str(trial.suggest_categorical(parameter.name, parameter.labels))


def plain(point: Mapping[str, PointValue]) -> dict[str, PointValue]:
    """A point whose numbers are Python's own, as JSON and hashes need them."""
    return {
        name: value if isinstance(value, str) else int(value) if isinstance(value, int) else float(value) for name, value in point.items()
    }


def _recorded(parameter: Parameter) -> BaseDistribution:
    if isinstance(parameter, FloatParameter):
        return FloatDistribution(parameter.low, parameter.high, log=parameter.log, step=parameter.step)
    if isinstance(parameter, IntParameter):
        return IntDistribution(parameter.low, parameter.high, log=parameter.log, step=parameter.step)
    if isinstance(parameter, (ChoiceParameter, OrdinalParameter)):
        return CategoricalDistribution(parameter.labels)
    raise TypeError(f"a search parameter is a {type(parameter).__name__}; expected a float, an int, a choice or an ordinal")
