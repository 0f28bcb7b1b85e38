"""What a configuration's network costs whoever runs it: weights, file size, latency; the limits that a search may set on them; and the frontier of what is held.

A training's worker measures its network before the first epoch (`trainer.network.costs`); the figures stand with the trial under the names here.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from reports.records import StudySettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord, TrialRecord

Item = TypeVar("Item")

INFEASIBLE: Final = "infeasible"
"""The fact of a trial that broke a limit, with its reason; also how its recorded cause begins."""
DEVICE: Final = "latency_device"
"""The fact that says on what latency was measured."""
OTHERS: Final = "latency_others"
"""The figure that says which share of the processors other work had meanwhile."""
ARCHITECTURE: Final = "architecture"
"""The fact that is equal for trials whose networks cost the same."""
BUSY: Final = 0.1
"""Share of the processors from which on a latency is one beside other work."""


@dataclass(frozen=True)
class Cost:
    """A kind of cost.

    Attributes:
        key: its figure, and its name in ``search.limits`` and ``search.cost``.
        label: in words, for an axis.
        text: a value in words, with its unit.
    """

    key: str
    label: str
    text: Callable[[float], str]


def _milliseconds(value: float) -> str:
    return f"{value:.3g} ms"


COSTS: Final[Mapping[str, Cost]] = {
    each.key: each
    for each in (
        Cost("latency_ms", "latency of one image, ms", _milliseconds),
        Cost("latency_ms_32", "latency of 32 images, ms", _milliseconds),
        Cost("parameters", "parameters", "{:,.0f} parameters".format),
        Cost("file_mb", "model file, MB", "{:.3g} MB".format),
    )
}
LATENCIES: Final = ("latency_ms", "latency_ms_32")


def costs_in(figures: Mapping[str, float]) -> dict[str, float]:
    """The costs among a trial's figures, and what belongs to them: quartiles of latencies, other work."""
    names = [*COSTS, *(f"{name}_{end}" for name in LATENCIES for end in ("low", "high")), OTHERS]
    return {name: figures[name] for name in names if name in figures}


def broken_limits(figures: Mapping[str, float], limits: Mapping[str, float]) -> str:
    """Which limits known costs break, in words; empty where none, or none that is known yet."""
    return "; ".join(
        f"{name} is {_plain(figures[name])}, the limit is {_plain(limit)}"
        for name, limit in limits.items()
        if name in figures and figures[name] > limit
    )


def violations(figures: Mapping[str, float], limits: Mapping[str, float]) -> dict[str, float]:
    """Limit to how far its cost is above it, as a share of the limit; negative where it is kept, no entry where the cost is not known."""
    return {name: figures[name] / limit - 1.0 for name, limit in limits.items() if name in figures}


def _plain(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


@dataclass(frozen=True)
class Infeasible:
    """Configurations that were refused for one reason before an epoch was trained.

    Attributes:
        reason: which limits, with figures.
        configurations: their IDs.
    """

    reason: str
    configurations: tuple[str, ...]


def infeasible(trials: Iterable[TrialRecord]) -> tuple[Infeasible, ...]:
    """The refused configurations of a study by reason, the most frequent first."""
    reasons: dict[str, dict[str, None]] = {}
    for trial in trials:
        if trial.infeasible:
            reasons.setdefault(trial.infeasible, {})[trial.configuration] = None
    return tuple(sorted((Infeasible(reason, tuple(ids)) for reason, ids in reasons.items()), key=lambda each: -len(each.configurations)))


def cost_of(row: RankedConfiguration, name: str) -> float | None:
    """A cost of a configuration's network; None where it is not on record."""
    return next((trial.figures[name] for trial in row.trials if name in trial.figures), None)


def spread_of(row: RankedConfiguration, name: str) -> tuple[float, float] | None:
    """Quartiles of the repeated predictions behind a latency, ms; None for other costs."""
    low, high = cost_of(row, f"{name}_low"), cost_of(row, f"{name}_high")
    return None if low is None or high is None else (low, high)


def measured_on(rows: Iterable[RankedConfiguration]) -> str:
    """On what the latencies of a study were measured, and beside how much other work; empty where there are none."""
    trials = [trial for row in rows for trial in row.trials if any(name in trial.figures for name in LATENCIES)]
    if not trials:
        return ""
    devices = Counter(trial.facts.get(DEVICE, "an unknown device") for trial in trials)
    worst = max(trial.figures.get(OTHERS, 0.0) for trial in trials)
    where = " and ".join(sorted(devices))
    beside = f" beside other work, which had up to {100 * worst:.0f} % of the processors" if worst > BUSY else ""
    return f"Latency: median of repeated predictions on {where}, measured before training{beside}"


def cost_of_study(study: StudyRecord) -> str:
    """The cost of ``search.cost``, or empty."""
    name = StudySettings(study).section("search").get("cost")
    return name if isinstance(name, str) and name in COSTS else ""


@dataclass(frozen=True)
class Frontier:
    """The configurations of a study that no cheaper one equals.

    Attributes:
        cost: which cost.
        rows: on the frontier, the cheapest first.
    """

    cost: Cost
    rows: tuple[RankedConfiguration, ...]


def frontier(rows: Sequence[RankedConfiguration], name: str, *, maximize: bool) -> Frontier:
    """The frontier of what finished, usable configurations hold against one cost: each holds more than everything that costs no more."""
    sign = 1.0 if maximize else -1.0
    known = [
        (cost, sign * row.stable, row)
        for row in rows
        if row.state == "finished" and not row.unusable and row.stable is not None and (cost := cost_of(row, name)) is not None
    ]
    return Frontier(COSTS[name], tuple(each.item for each in efficient(known)))


@dataclass(frozen=True)
class Efficient(Generic[Item]):
    """What nothing cheaper equals.

    Attributes:
        item: which it is.
        lead: how much more it holds than the next cheaper one; infinite for the cheapest.
    """

    item: Item
    lead: float


def efficient(known: Iterable[tuple[float, float, Item]]) -> list[Efficient[Item]]:
    """Those that hold more than everything that costs no more, the cheapest first.

    Args:
        known: cost, what is held (more is better), and whose they are.
    """
    best, members = -math.inf, []
    for _, held, item in sorted(known, key=lambda each: (each[0], -each[1])):
        if held > best:
            members.append(Efficient(item, held - best))
            best = held
    return members
