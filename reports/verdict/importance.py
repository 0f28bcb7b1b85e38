"""How much each parameter goes with what configurations hold and with oscillation, beside what chance gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reports.ranking import RankedConfiguration, Ranking
    from reports.records import ParameterRecord, ParameterValue, StudyRecord

    Array = NDArray[np.float64]

Target = Literal["stable", "oscillation"]
SMALLEST_STUDY = 8
"""Finished configurations, or ones in which a conditional parameter is active, below which nothing is computed: too few to tell anything from chance."""
LEVELS: dict[Target, float] = {"stable": 0.04, "oscillation": 0.01}
"""Chance that any parameter of a study stands out for each target when none matters: 5 % over both. What is held is what one asks first."""
PERMUTATIONS = 1_999
PERMUTATIONS_A_PARAMETER = 100
"""Many parameters need rarer extremes: some times 1/level permutations each, up to `MOST_PERMUTATIONS`."""
MOST_PERMUTATIONS = 9_999
SEED = 20_180_117
"""Of the permutations: the same study gives the same report."""
CHUNK = 2_000_000
"""Values permuted at once, to bound memory."""
ROUNDING = 1e-9
EVALUATOR = "variance of ranks"


@dataclass(frozen=True)
class ParameterImportance:
    """One parameter's importance for one target.

    Attributes:
        importance: share of the variance of the target's ranks that goes with the parameter alone, in [0, 1]; None where it could not be evaluated.
        active_share: share of the configurations in which it is active; below 1 it was evaluated within these alone.
        chance: what the share has to reach to stand out: shuffled configurations reach it with any parameter in `LEVELS` of studies; None without a share.
        p_adjusted: how often shuffled configurations make any parameter as surprising; None without a share.
        stands_out: whether it goes with the target more than chance explains.
    """

    parameter: str
    importance: float | None
    active_share: float
    chance: float | None = None
    p_adjusted: float | None = None
    stands_out: bool = False


@dataclass(frozen=True)
class StudyImportance:
    """Importances of a study's parameters for one target, the most important first.

    Attributes:
        target: ``stable`` (accuracy held) or ``oscillation`` (amplitude of flagged swings, 0 where not flagged).
        parameters: every parameter of the space; those that stand out come first.
        configurations: finished configurations that entered.
        evaluator: how a share was found, or empty.
        note: why there are no importances, or empty.
    """

    target: Target
    parameters: tuple[ParameterImportance, ...]
    configurations: int
    evaluator: str
    note: str = ""

    @property
    def level(self) -> float:
        """Chance that any parameter stands out when none matters."""
        return LEVELS[self.target]

    @property
    def standing_out(self) -> tuple[ParameterImportance, ...]:
        """The parameters that go with the target more than chance explains."""
        return tuple(each for each in self.parameters if each.stands_out)


def find_importance(study: StudyRecord, ranking: Ranking, target: Target = "stable") -> StudyImportance:
    """Importance of every parameter over the finished configurations of a ranking.

    The target's ranks are regressed on each parameter alone: on its labels where it is a choice, else on a line and a parabola in its own ranks
    (an ordered parameter rises, falls or bends once). Ranks, because a single collapsed run would otherwise be most of the variance. The same
    is done with the target shuffled over the configurations; a parameter stands out where its share is rarer than what the most surprising
    parameter of all but a few shuffled studies reaches (`LEVELS`). Shares of several parameters do not add up to anything: what is left is seeds,
    parameters that matter only together, and chance.

    Args:
        study: the record, for its parameters.
        ranking: of that study; its pruned, running and provisional configurations do not enter.
        target: see `StudyImportance`.

    Source: Westfall & Young, Resampling-Based Multiple Testing (1993), algorithm 2.8 (single-step min P).
    """
    finished = [c for c in ranking.configurations if c.state == "finished" and c.stable is not None]
    values = np.array([_target(c, target) for c in finished], dtype=np.float64)
    note = ""
    if len(finished) < SMALLEST_STUDY:
        note = f"{len(finished)} finished configurations; importances need {SMALLEST_STUDY}"
    elif float(np.ptp(values)) == 0.0:
        note = "no configuration was flagged oscillating" if target == "oscillation" else "all configurations hold the same"
    parameters = [
        ParameterImportance(p.name, None, sum(p.name in c.params for c in finished) / max(1, len(finished))) for p in study.parameters
    ]
    if note:
        return StudyImportance(target, tuple(parameters), len(finished), "", note)
    designs = {place: design for place, p in enumerate(study.parameters) if (design := _design(p, finished)) is not None}
    for place, (share, chance, p_adjusted) in zip(
        designs, _against_chance(list(designs.values()), midranks(values), LEVELS[target]), strict=True
    ):
        parameters[place] = replace(
            parameters[place], importance=share, chance=chance, p_adjusted=p_adjusted, stands_out=p_adjusted <= LEVELS[target]
        )
    parameters.sort(key=lambda p: (p.importance is None, not p.stands_out, -(p.importance or 0.0)))
    return StudyImportance(target, tuple(parameters), len(finished), EVALUATOR if designs else "")


def _target(configuration: RankedConfiguration, target: Target) -> float:
    if target == "stable":
        return configuration.stable or 0.0
    for flag in configuration.flags:
        if flag.name == "oscillating" and not flag.cannot_tell:
            amplitude = flag.example.evidence.get("amplitude")
            size = float(amplitude) if isinstance(amplitude, int | float) else 1.0
            return size * len(flag.flagged) / flag.trials
    return 0.0


def midranks(values: Array) -> Array:
    """Rank of each value, counted from 1; equal values share the mean of theirs, ``(num_values,)``."""
    _, member, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Array = (np.cumsum(counts) - (counts - 1) / 2.0)[member]
    return ranks


@dataclass(frozen=True)
class _Design:
    """What a parameter can explain: an orthonormal basis ``(num_active, num_columns)``, each column summing to 0, over the configurations that have it."""

    active: NDArray[np.int64]
    basis: Array

    def shares(self, targets: Array) -> Array:
        """Share of the variance of each row of `targets`, ``(num_rows, num_configurations)``, that the basis explains within the active configurations."""
        inside = targets if self.active.size == targets.shape[1] else targets[:, self.active]
        sums = inside.sum(axis=1)
        total = np.einsum("ij,ij->i", inside, inside) - sums**2 / self.active.size
        explained = ((inside @ self.basis) ** 2).sum(axis=1)
        shares: Array = np.divide(explained, total, out=np.zeros_like(total), where=total > ROUNDING * self.active.size)
        return shares


def _design(parameter: ParameterRecord, finished: Sequence[RankedConfiguration]) -> _Design | None:
    """None where too few configurations have the parameter, or all have one value."""
    active = np.array([i for i, c in enumerate(finished) if parameter.name in c.params], dtype=np.int64)
    if active.size < SMALLEST_STUDY:
        return None
    codes = value_codes(parameter, [finished[i].params[parameter.name] for i in active])
    if parameter.kind == "choice":
        labels, member = np.unique(codes, return_inverse=True)
        columns = np.eye(labels.size)[member]
    else:
        ranks = midranks(codes) / active.size - 0.5
        columns = np.column_stack([ranks, ranks**2])
    vectors, sizes, _ = np.linalg.svd(columns - columns.mean(axis=0), full_matrices=False)
    basis = vectors[:, sizes > ROUNDING * active.size]
    return _Design(active, basis) if basis.shape[1] else None


def value_codes(parameter: ParameterRecord, values: Sequence[ParameterValue]) -> Array:
    """A parameter's values as numbers in their order: of labels the place, NaN for what is no number, ``(num_values,)``."""
    if parameter.labelled:
        labels = {label: float(place) for place, label in enumerate(parameter.all_labels(values))}
        return np.array([labels[str(value)] for value in values], dtype=np.float64)
    return np.array([float(value) if isinstance(value, int | float | str) else np.nan for value in values], dtype=np.float64)


def _against_chance(designs: Sequence[_Design], target: Array, level: float) -> list[tuple[float, float, float]]:
    """Of each design its share, the share from which it stands out, and its family-wise p-value."""
    if not designs:
        return []
    number = min(MOST_PERMUTATIONS, max(PERMUTATIONS, PERMUTATIONS_A_PARAMETER * len(designs)))
    rng = np.random.default_rng(SEED)
    shares = np.empty((len(designs), number + 1))  # the study itself first: it is one of the orders that chance could have given
    rows = max(1, CHUNK // target.size)
    for start in range(0, number + 1, rows):
        stop = min(number + 1, start + rows)
        shuffled = np.tile(target, (stop - start, 1))
        rng.permuted(shuffled[not start :], axis=1, out=shuffled[not start :])
        for place, design in enumerate(designs):
            shares[place, start:stop] = design.shares(shuffled)
    shares = shares.round(9)  # what ties must not be told apart by rounding
    ordered = np.sort(shares, axis=1)
    p_values = np.stack([1.0 - np.searchsorted(line, of) / line.size for line, of in zip(ordered, shares, strict=True)])
    smallest = np.sort(p_values.min(axis=0))
    adjusted = np.searchsorted(smallest, p_values[:, 0] + ROUNDING) / smallest.size
    rare = np.unique(smallest)
    rare = rare[np.searchsorted(smallest, rare + ROUNDING) / smallest.size <= level]
    limit = float(rare[-1]) if rare.size else 0.0
    edges = [float(of[p <= limit + ROUNDING].min(initial=1.0)) for of, p in zip(shares, p_values, strict=True)]
    return [(float(of[0]), edge, float(p)) for of, edge, p in zip(shares, edges, adjusted, strict=True)]
