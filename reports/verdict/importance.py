"""How much each parameter matters for stable accuracy and for oscillation: fANOVA by Optuna, above 200 configurations PED-ANOVA."""

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
    from reports.records import ParameterRecord, StudyRecord


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
    """

    parameter: str
    importance: float | None
    active_share: float


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
    """Importance of every parameter over the finished configurations of a ranking.

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
    parameters = [
        ParameterImportance(p.name, shares.get(p.name), sum(p.name in c.params for c in finished) / max(1, len(finished)))
        for p in study.parameters
    ]
    parameters.sort(key=lambda p: -(p.importance if p.importance is not None else -1.0))
    return StudyImportance(target, tuple(parameters), len(finished), evaluator, note)


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
