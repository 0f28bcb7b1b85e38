"""How much each parameter matters for stable accuracy and for oscillation: fANOVA by Optuna, above 200 configurations PED-ANOVA."""

from __future__ import annotations

import contextlib
import itertools
import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from optuna.distributions import BaseDistribution

    from reports.ranking import RankedConfiguration, Ranking
    from reports.records import ParameterRecord, ParameterValue, StudyRecord

    Array = NDArray[np.float64]
    Params = Mapping[str, ParameterValue]
    Columns = Sequence[tuple[ParameterRecord, Sequence[ParameterValue]]]

Target = Literal["stable", "oscillation"]
SMALLEST_STUDY = 8
"""Finished configurations below which importances are not computed: a forest on fewer describes its own splits."""
FOREST_LIMIT = 200
"""Configurations up to which fANOVA's forest is grown (a second or two, and scikit-learn's import); PED-ANOVA beyond, which takes
milliseconds and needs many."""
FOREST_SEED = 0
FOREST_TREES = 16
FOREST_DEPTH = 8
"""A quarter of Optuna's trees, less deep: the order of parameters is the same and a report does not wait."""
TOP_SHARE = 0.1
"""Share of configurations that count as good."""
GRID = 50
"""Points at most on which densities are estimated."""
PRIOR_WEIGHT = 1.0
FLOOR = 1e-12
"""Added to densities so that none is 0."""
SMALLEST_BANDWIDTH = 0.5 / 1.64
"""Grid steps: 90 % of the narrowest kernel lie within its own point."""


@dataclass(frozen=True)
class ParameterImportance:
    """One parameter's importance for one target.

    Attributes:
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
        target: see `StudyImportance`.
    """
    finished = [c for c in ranking.configurations if c.state == "finished" and c.stable is not None]
    values = np.array([_target(c, target) for c in finished], dtype=np.float64)
    note = ""
    if len(finished) < SMALLEST_STUDY:
        note = f"{len(finished)} finished configurations; importances need {SMALLEST_STUDY}"
    elif float(np.ptp(values)) == 0.0:
        note = "no configuration was flagged oscillating" if target == "oscillation" else "all configurations hold the same"
    maximize = study.maximize or target == "oscillation"
    shares, evaluator = ({}, "") if note else _importances(study.parameters, finished, values, maximize=maximize)
    parameters = [
        ParameterImportance(p.name, shares.get(p.name), sum(p.name in c.params for c in finished) / max(1, len(finished)))
        for p in study.parameters
    ]
    parameters.sort(key=lambda p: -(p.importance if p.importance is not None else -1.0))
    return StudyImportance(target, tuple(parameters), len(finished), evaluator, note)


def _target(configuration: RankedConfiguration, target: Target) -> float:
    if target == "stable":
        return configuration.stable or 0.0
    for flag in configuration.flags:
        if flag.name == "oscillating" and not flag.cannot_tell:
            amplitude = flag.example.evidence.get("amplitude")
            size = float(amplitude) if isinstance(amplitude, int | float) else 1.0
            return size * len(flag.flagged) / flag.trials
    return 0.0


def _importances(
    parameters: Sequence[ParameterRecord], finished: Sequence[RankedConfiguration], values: Array, *, maximize: bool
) -> tuple[dict[str, float], str]:
    """Evaluate parameters active everywhere together, then each conditional one within the configurations that have it."""
    always = [p for p in parameters if all(p.name in c.params for c in finished)]
    with warnings.catch_warnings(), contextlib.suppress(ImportError):
        warnings.simplefilter("ignore")
        shares, evaluator = _evaluate(always, [c.params for c in finished], values, maximize=maximize)
        for parameter in parameters:
            having = np.array([parameter.name in c.params for c in finished])
            if parameter not in always and having.sum() >= SMALLEST_STUDY:
                inside = [c.params for c in itertools.compress(finished, having)]
                alone, _ = _evaluate([*always, parameter], inside, values[having], maximize=maximize)
                shares |= {name: share for name, share in alone.items() if name == parameter.name}
        return shares, evaluator
    return {}, ""


def _evaluate(
    parameters: Sequence[ParameterRecord], params: Sequence[Params], values: Array, *, maximize: bool
) -> tuple[dict[str, float], str]:
    """Importances by name, summing to 1, and the evaluator's name; all `parameters` are active in every configuration.

    Parameters that hold one value alone are left out; nothing is evaluated for a constant target.

    Source: Hutter et al., ICML 2014 (fANOVA); Watanabe et al., IJCAI 2023 (PED-ANOVA).
    """
    varying = [p for p in parameters if len({str(of[p.name]) for of in params}) > 1]
    if not varying or float(np.ptp(values)) == 0.0:
        return {}, ""
    columns = [(p, [of[p.name] for of in params]) for p in varying]
    method, evaluator = (_forest, "fANOVA") if len(params) <= FOREST_LIMIT else (ped_anova, "PED-ANOVA")
    shares = method(columns, values, maximize=maximize)
    return {name: float(share) for name, share in shares.items() if np.isfinite(share)}, evaluator


def _forest(columns: Columns, values: Array, *, maximize: bool) -> dict[str, float]:
    """Optuna's fANOVA of a study made of the configurations."""
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    distributions = {p.name: distribution(p, of) for p, of in columns}
    settings = ({p.name: internal_value(p, of[i]) for p, of in columns} for i in range(values.size))
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study(direction="maximize" if maximize else "minimize")
        study.add_trials(
            optuna.trial.create_trial(params=params, distributions=distributions, value=float(value))
            for params, value in zip(settings, values, strict=True)
        )
        evaluator = FanovaImportanceEvaluator(n_trees=FOREST_TREES, max_depth=FOREST_DEPTH, seed=FOREST_SEED)
        return get_param_importances(study, evaluator=evaluator)
    finally:
        optuna.logging.set_verbosity(level)


def distribution(parameter: ParameterRecord, values: Sequence[ParameterValue]) -> BaseDistribution:
    """The parameter's distribution, widened to what the configurations hold."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if parameter.labelled:
        return CategoricalDistribution(tuple(dict.fromkeys(parameter.all_labels(values))))
    numbers = [float(value) for value in values if isinstance(value, int | float | str)]
    low, high = _range(parameter, numbers)
    log = parameter.log and low > 0.0
    return IntDistribution(int(low), int(high), log=log) if parameter.kind == "int" else FloatDistribution(low, high, log=log)


def _range(parameter: ParameterRecord, numbers: Iterable[float]) -> tuple[float, float]:
    """The parameter's range, widened to what there is."""
    ends = [*numbers, *(end for end in (parameter.low, parameter.high) if end is not None)]
    return min(ends), max(ends)


def internal_value(parameter: ParameterRecord, value: ParameterValue) -> str | float | int:
    """A value as `distribution` holds it."""
    if parameter.labelled:
        return str(value)
    return int(float(str(value))) if parameter.kind == "int" else float(str(value))


def ped_anova(columns: Columns, values: Array, *, maximize: bool) -> dict[str, float]:
    """Importance of each parameter for belonging to the best tenth, summing to 1.

    The Pearson divergence between a parameter's density among the good configurations and among all of them. The figures are those of
    `optuna.importance.PedAnovaImportanceEvaluator` (a test compares them), without building a trial object a configuration and without
    its module's import of scikit-learn, which alone takes longer than a report may.

    Args:
        columns: each parameter with its value in each configuration; not all values alike.
        values: what is explained, ``(num_configurations,)``, finite.
        maximize: whether more is better.

    Source: Watanabe, Bansal & Hutter, IJCAI 2023, eqs. 13-16; bandwidth by Scott, Multivariate Density Estimation (1992), ch. 6.
    """
    loss = -values if maximize else values
    cutoff = np.partition(loss, place := math.ceil(TOP_SHARE * loss.size) - 1)[place]
    good = loss <= cutoff
    divergences = {parameter.name: _divergence(parameter, of, good) for parameter, of in columns}
    total = sum(divergences.values())
    return {name: divergence / total if total > 0.0 else 1.0 / len(divergences) for name, divergence in divergences.items()}


def _divergence(parameter: ParameterRecord, values: Sequence[ParameterValue], good: NDArray[np.bool_]) -> float:
    """Pearson divergence of the good configurations' density from that of all."""
    if parameter.labelled:
        texts = [str(value) for value in values]
        places = {label: place for place, label in enumerate(dict.fromkeys([*parameter.labels, *texts]))}
        cells, size = np.array([places[text] for text in texts]), len(places)
        density = _label_density
    else:
        cells, size = _on_grid(parameter, np.array([float(str(value)) for value in values]))
        density = _number_density
    best = density(np.bincount(cells[good], minlength=size)) + FLOOR
    every = density(np.bincount(cells, minlength=size)) + FLOOR
    return float(every @ (best / every - 1.0) ** 2)


def _on_grid(parameter: ParameterRecord, numbers: Array) -> tuple[NDArray[np.int64], int]:
    """Grid point of each value over the parameter's range, and how many points there are."""
    low, high = _range(parameter, numbers.tolist())
    log = parameter.log and low > 0.0
    size = GRID
    if parameter.kind == "int":
        numbers, low, high = np.trunc(numbers), float(int(low)), float(int(high))
        size = min(GRID, math.ceil(math.log2(high - low + 1.0)) + 1 if log else round(high - low) + 1)
    if log:
        numbers, low, high = np.log(numbers), math.log(low), math.log(high)
    cells = np.ceil((numbers - low) / ((high - low) / (size - 1)) - 0.5).astype(np.int64)
    return np.clip(cells, 0, size - 1), size


def _label_density(counts: NDArray[np.int64]) -> Array:
    """Density over labels: each observed label a kernel weighted by its count, and a uniform prior, ``(num_labels,)``."""
    observed = np.flatnonzero(counts)
    kernels = np.full((observed.size + 1, counts.size), PRIOR_WEIGHT / (observed.size + 1))
    kernels[np.arange(observed.size), observed] += 1.0
    kernels /= kernels.sum(axis=1, keepdims=True)
    return _mixture(counts[observed], kernels)


def _number_density(counts: NDArray[np.int64]) -> Array:
    """Density over grid points: truncated normal kernels of one bandwidth, and a wide prior, ``(num_points,)``."""
    observed = np.flatnonzero(counts)
    weights = counts[observed]
    total = int(weights.sum())
    mean = float(observed @ weights) / total
    sd = math.sqrt(float((observed - mean) ** 2 @ weights) / max(1, total - 1))
    below = np.cumsum(weights)
    quarter = np.searchsorted(below, total // 4, side="left")
    three_quarters = min(observed.size - 1, int(np.searchsorted(below, total * 3 // 4, side="right")))
    range_sd = float(observed[three_quarters] - observed[quarter]) / 1.34
    bandwidth = max(1.059 * min(range_sd, sd) * total**-0.2, SMALLEST_BANDWIDTH)
    centres = np.append(observed, (counts.size - 1) / 2.0)
    widths = np.append(np.full(observed.size, bandwidth), float(counts.size))
    edges = np.arange(counts.size + 1) - 0.5
    below_edge = _normal((edges - centres[:, None]) / widths[:, None])
    return _mixture(weights, np.diff(below_edge, axis=1) / (below_edge[:, -1:] - below_edge[:, :1]))


def _normal(z: Array) -> Array:
    """Standard normal distribution function; of a grid's few thousand points."""
    return np.array([0.5 * math.erfc(-value / math.sqrt(2.0)) for value in z.ravel().tolist()]).reshape(z.shape)


def _mixture(weights: NDArray[np.int64], kernels: Array) -> Array:
    """Kernels (the prior last) weighted by their counts, normalised."""
    shares = np.append(weights.astype(np.float64), PRIOR_WEIGHT)
    mixed: Array = shares @ kernels / shares.sum()
    return mixed
