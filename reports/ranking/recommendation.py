"""Which configuration to take for now, and why: the belief first, then what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.ranking.ranked import Recommendation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reports.ranking.ranked import RankedConfiguration, RecommendationReason

AS_LIKELY = 0.02
"""Members of a tie whose probability of being near the best differs by less than this are chosen among by cost."""
CHEAPER = 0.8
"""Share of another's time per epoch, or parameters, from which a configuration is cheaper: times differ by less between runs of one."""


def recommend(rows: Sequence[RankedConfiguration]) -> Recommendation | None:
    """Choose among the first usable configuration and those that are tied with it.

    Args:
        rows: by rank.

    Returns:
        None while no usable configuration is finished.
    """
    usable = [row for row in rows if row.state == "finished" and not row.unusable]
    if not usable:
        return None
    leader = usable[0]
    members = [leader, *(row for row in usable[1:] if row.configuration in leader.tied_with)]
    likely = max(row.probability_near or 0.0 for row in members)
    equals = sorted(
        (row for row in members if (row.probability_near or 0.0) >= likely - AS_LIKELY),
        key=lambda row: (-(row.probability_near or 0.0), row.rank),
    )
    choice = equals[0]
    reason: RecommendationReason = "only" if len(members) == 1 else "near"
    for name, cost in _COSTS:
        cheapest = _cheapest(equals, cost)
        if cheapest is not None and cheapest is not choice:
            choice, reason = cheapest, name
            break
    return Recommendation(
        choice.configuration,
        reason,
        tuple(row.configuration for row in members if row is not choice),
        seconds_per_epoch(choice),
        num_parameters(choice),
    )


def _cheapest(equals: Sequence[RankedConfiguration], cost: Callable[[RankedConfiguration], float | None]) -> RankedConfiguration | None:
    """The cheapest where all costs are known and it costs clearly less than the first."""
    costs = [cost(row) for row in equals]
    if any(each is None for each in costs):
        return None
    known = [each or 0.0 for each in costs]
    place = int(np.argmin(known))
    return equals[place] if known[place] <= CHEAPER * known[0] else None


def seconds_per_epoch(row: RankedConfiguration) -> float | None:
    """Median seconds of an epoch of its complete trainings, the first of each (which compiles) left out; None where not on record."""
    runs = [
        np.asarray(trial.curves["seconds"], dtype=np.float64)[1:]
        for trial in row.trials
        if trial.state == "COMPLETE" and "seconds" in trial.curves
    ]
    epochs = np.concatenate(runs) if runs else np.zeros(0)
    epochs = epochs[np.isfinite(epochs)]
    return float(np.median(epochs)) if epochs.size else None


def num_parameters(row: RankedConfiguration) -> int | None:
    """Parameters of its network; None where not on record."""
    figures = (trial.figures["parameters"] for trial in row.trials if "parameters" in trial.figures)
    return next((int(each) for each in figures), None)


def peak_memory_mb(row: RankedConfiguration) -> float | None:
    """Peak memory of its trainings, MB; None where not on record."""
    curves = [np.asarray(trial.curves.get("peak_memory_mb", ()), dtype=np.float64) for trial in row.trials]
    return max((float(curve[np.isfinite(curve)].max()) for curve in curves if np.isfinite(curve).any()), default=None)


_COSTS: tuple[tuple[RecommendationReason, Callable[[RankedConfiguration], float | None]], ...] = (
    ("time", seconds_per_epoch),
    ("parameters", num_parameters),
)
