"""How much each parameter matters for stable accuracy and for oscillation: fANOVA by Optuna, above 200 configurations PED-ANOVA.

Marginal effects: the mean of a target along one parameter.
"""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from reports.verdict.anova import evaluate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reports.ranking import RankedConfiguration, Ranking
    from reports.records import ParameterRecord, ParameterValue, StudyRecord


BINS = 6
"""Bins of a numeric parameter, of about equally many configurations each."""
SMALLEST_BIN = 3
"""Configurations a bin of a numeric parameter holds at least, where there are as many."""


@dataclass(frozen=True)
class EffectBin:
    """The target over one value or range of a parameter.

    Attributes:
        label: the choice, or the range in words.
        low: smallest value in the bin, None for choices.
        high: largest value in the bin, None for choices.
        mean: mean of the target there.
        sd: standard deviation of the target there, 0 for one configuration.
        configurations: how many.
    """

    label: str
    low: float | None
    high: float | None
    mean: float
    sd: float
    configurations: int


def marginal_effects(parameter: ParameterRecord, values: Sequence[ParameterValue], target: NDArray[np.float64]) -> tuple[EffectBin, ...]:
    """Mean of a target by label, or over ranges of a numeric parameter.

    Args:
        parameter: whose effect.
        values: its value in each configuration.
        target: ``(num_configurations,)``.
    """
    if parameter.kind in {"choice", "ordinal"}:
        texts = np.array([str(value) for value in values])
        labels = [*parameter.labels, *sorted(set(texts.tolist()) - set(parameter.labels))]
        return tuple(_bin(label, None, None, target[texts == label]) for label in labels if (texts == label).any())
    numbers = np.array([float(value) for value in values if isinstance(value, int | float | str)])
    if numbers.size == 0:
        return ()
    bins = max(1, min(BINS, numbers.size // SMALLEST_BIN))
    edges = np.unique(np.quantile(numbers, np.linspace(0.0, 1.0, bins + 1)))
    place = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, max(0, edges.size - 2))
    found = []
    for k in range(max(1, edges.size - 1)):
        inside = place == k
        if inside.any():
            low, high = float(numbers[inside].min()), float(numbers[inside].max())
            found.append(_bin(f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}", low, high, target[inside]))
    return tuple(found)


def _bin(label: str, low: float | None, high: float | None, target: NDArray[np.float64]) -> EffectBin:
    return EffectBin(label, low, high, float(target.mean()), float(target.std(ddof=1)) if target.size > 1 else 0.0, int(target.size))


Target = Literal["stable", "oscillation"]
SMALLEST_STUDY = 8
"""Finished configurations below which importances are not computed: a forest on fewer describes its own splits."""


@dataclass(frozen=True)
class ParameterImportance:
    """One parameter's importance for one target.

    Attributes:
        parameter: its name.
        importance: share of the target's variance that goes with it, alone or together with others, among the parameters evaluated with
            it; None where it could not be evaluated.
        active_share: share of the configurations in which it is active; below 1 it was evaluated within these alone.
        effects: the target along the parameter.
    """

    parameter: str
    importance: float | None
    active_share: float
    effects: tuple[EffectBin, ...]


@dataclass(frozen=True)
class StudyImportance:
    """Importances of a study's parameters for one target, the most important first.

    Attributes:
        target: ``stable`` (accuracy held) or ``oscillation`` (amplitude of flagged swings, 0 where not flagged).
        parameters: every parameter of the space.
        configurations: finished configurations that entered.
        evaluator: ``fANOVA``, ``PED-ANOVA``, or empty.
        note: why there are no importances, or empty.
    """

    target: Target
    parameters: tuple[ParameterImportance, ...]
    configurations: int
    evaluator: str
    note: str = ""


def find_importance(study: StudyRecord, ranking: Ranking, target: Target = "stable") -> StudyImportance:
    """Importance and marginal effects of every parameter over the finished configurations of a ranking.

    Args:
        study: the record, for its parameters.
        ranking: of that study.
        target: what is explained.
    """
    finished = [c for c in ranking.configurations if c.state == "finished" and c.stable is not None]
    values = np.array([_target(c, target) for c in finished], dtype=np.float64)
    note = ""
    if len(finished) < SMALLEST_STUDY:
        note = f"{len(finished)} finished configurations; importances need {SMALLEST_STUDY}"
    elif float(np.ptp(values)) == 0.0:
        note = "no configuration was flagged oscillating" if target == "oscillation" else "all configurations hold the same"
    shares, evaluator = (
        ({}, "") if note else _importances(study.parameters, finished, values, maximize=study.maximize or target == "oscillation")
    )
    found = [_parameter(parameter, finished, values, shares.get(parameter.name)) for parameter in study.parameters]
    found.sort(key=lambda p: -(p.importance if p.importance is not None else -1.0))
    return StudyImportance(target, tuple(found), len(finished), evaluator, note)


def _target(configuration: RankedConfiguration, target: Target) -> float:
    if target == "stable":
        return configuration.stable if configuration.stable is not None else 0.0
    for flag in configuration.flags:
        if flag.name == "oscillating":
            amplitude = flag.example.evidence.get("amplitude")
            size = float(amplitude) if isinstance(amplitude, int | float) else 1.0
            return size * len(flag.flagged) / flag.trials
    return 0.0


def _importances(
    parameters: Sequence[ParameterRecord], finished: Sequence[RankedConfiguration], values: NDArray[np.float64], *, maximize: bool
) -> tuple[dict[str, float], str]:
    """Evaluate parameters active everywhere together, then each conditional one within the configurations that have it."""
    always = [p for p in parameters if all(p.name in c.params for c in finished)]
    with warnings.catch_warnings(), contextlib.suppress(ImportError):
        warnings.simplefilter("ignore")
        shares, evaluator = evaluate(always, [c.params for c in finished], values, maximize=maximize)
        for parameter in parameters:
            having = np.array([parameter.name in c.params for c in finished])
            if parameter in always or having.sum() < SMALLEST_STUDY:
                continue
            inside = [c.params for c, has in zip(finished, having, strict=True) if has]
            alone, _ = evaluate([*always, parameter], inside, values[having], maximize=maximize)
            if parameter.name in alone:
                shares[parameter.name] = alone[parameter.name]
        return shares, evaluator
    return {}, ""


def _parameter(
    parameter: ParameterRecord, finished: Sequence[RankedConfiguration], values: NDArray[np.float64], share: float | None
) -> ParameterImportance:
    having = np.array([parameter.name in c.params for c in finished], dtype=bool)
    inside = [c.params[parameter.name] for c in finished if parameter.name in c.params]
    effects = marginal_effects(parameter, inside, values[having]) if inside else ()
    return ParameterImportance(parameter.name, share, float(having.mean()) if having.size else 0.0, effects)
