"""Parameters: a card each, with importance beside chance, and what the script's plots of finished configurations need: axes, effects and a map of each pair."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from reports import wording
from reports.page.drawing import scale_over
from reports.page.effects import effects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reports.ranking import RankedConfiguration
    from reports.records import ParameterRecord
    from reports.verdict import ReportData
    from reports.verdict.importance import ParameterImportance, StudyImportance

    Places = NDArray[np.int64]

MOST_PLOTS = 24
"""Parameters that are plotted, one by one and in pairs."""
MOST_LABELS, LONGEST_LABEL = 7, 11
BINS = 6
TARGETS = {"stable": "what is held", "oscillation": "oscillation"}
MOST_DECADES, CLOSEST = 4, 0.12
"""Round labels between the ends of a logarithmic axis, and how close to an end they may stand."""
CLIPPED_SHARE = 2.0
"""Per cent of the finished configurations that may lie below the axis of what is held: one that collapsed does not flatten all others."""
FAINTEST, STRONGEST = 6, 40
"""Per cent of colour in the heat map's worst and best cell."""
MOST_CARDS = 12
"""Cards in sight; further parameters stand behind a fold."""


@dataclass(frozen=True)
class ImportanceBar:
    """One parameter; `width` and `chance` (where shuffled configurations reach) in percent of the whole."""

    name: str
    width: float
    chance: float
    text: str
    chance_text: str
    stands_out: bool
    note: str


@dataclass(frozen=True)
class ImportanceView:
    """Bars for one target, or a note why there are none."""

    target: Literal["stable", "oscillation"]
    title: str
    bars: tuple[ImportanceBar, ...]
    note: str


def importance_view(item: StudyImportance) -> ImportanceView:
    """The figure of one target."""
    what = TARGETS[item.target]
    known = [each for each in item.parameters if each.importance is not None]
    if not known:
        note = item.note or "no parameter varies"
        return ImportanceView(item.target, f"What goes with {what}", (), f"{note[:1].upper()}{note[1:]}.")
    return ImportanceView(item.target, importance_title(item), tuple(_bar(each) for each in known), "")


def importance_how(items: Sequence[StudyImportance]) -> str:
    """What the bars and their bands are; empty where there are none."""
    known = [item for item in items if any(each.importance is not None for each in item.parameters)]
    if not known:
        return ""
    levels = " and ".join(f"{100 * item.level:g}{wording.PERCENT} ({TARGETS[item.target]})" for item in known)
    return (
        f"A bar is how much of the order of {wording.count(known[0].configurations, 'finished configuration')} goes with one parameter alone "
        f"({known[0].evaluator}). The pale band is chance: shuffled, a parameter reaches beyond its band in {levels} of studies."
    )


@dataclass(frozen=True)
class ParameterCard:
    """One parameter on the page.

    Attributes:
        place: among the report's parameters.
        name: of it.
        condition: when it is active, or empty.
        bars: what goes with it, each with its label: what is held, oscillation; none where too few configurations have it.
        effects: what each stretch of it holds, in words.
    """

    place: int
    name: str
    condition: str
    bars: tuple[tuple[str, ImportanceBar], ...]
    effects: tuple[str, ...]


def parameter_cards(data: ReportData) -> tuple[ParameterCard, ...]:
    """Cards in the order of importance: what stands out first, then by the share that goes with what is held."""
    bars: dict[str, list[tuple[str, ImportanceBar]]] = {}
    for item in data.importance:
        for bar in importance_view(item).bars:
            bars.setdefault(bar.name, []).append((f"with {TARGETS[item.target]}", bar))
    finished = _finished(data)
    return tuple(
        ParameterCard(
            place,
            data.parameters[place].name,
            data.parameters[place].condition or "",
            tuple(bars.get(data.parameters[place].name, ())),
            tuple(effect.text for effect in effects(data.parameters[place], finished, data.study.metric)),
        )
        for place in parameter_order(data)
    )


def parameter_order(data: ReportData) -> list[int]:
    """Places of the parameters, those that matter most first; in the order of the space where nothing is known."""
    ranks: dict[str, tuple[bool, float]] = {}
    for item in data.importance:
        for each in item.parameters:
            known = ranks.get(each.parameter, (False, 0.0))
            share = (each.importance or 0.0) if item.target == "stable" else 0.0
            ranks[each.parameter] = (known[0] or each.stands_out, max(known[1], share))
    nothing = (False, 0.0)
    return sorted(range(len(data.parameters)), key=lambda place: tuple(-value for value in ranks.get(data.parameters[place].name, nothing)))


def _finished(data: ReportData) -> list[RankedConfiguration]:
    """Configurations that hold something; what others have reached is no figure of a complete training."""
    return [row for row in data.ranked if row.state == "finished"]


def importance_title(item: StudyImportance) -> str:
    """What stands out from chance, or that nothing does."""
    what = TARGETS[item.target]
    names = [each.parameter for each in item.standing_out]
    if not names:
        return f"Nothing stands out with {wording.count(item.configurations, 'run')}: chance explains what goes with {what}"
    return f"{wording.listing(names)} {'goes' if len(names) == 1 else 'go'} with {what} more than chance explains"


def _bar(each: ParameterImportance) -> ImportanceBar:
    share, chance = each.importance or 0.0, each.chance or 0.0
    within = "" if each.active_share >= 1 else f"within the {100 * each.active_share:.0f}{wording.PERCENT} that have it"
    return ImportanceBar(
        each.parameter,
        round(100 * share, 1),
        round(100 * chance, 1),
        f"{100 * share:.0f}{wording.PERCENT}",
        f"chance to {100 * chance:.0f}{wording.PERCENT}",
        each.stands_out,
        within,
    )


def parameter_plots(data: ReportData) -> dict[str, object]:
    """What the script draws of finished configurations: axes, the effect of each parameter, and of each pair the cells that hold any."""
    metric, order = data.study.metric, parameter_order(data)
    paired = [data.parameters[place] for place in order[:MOST_PLOTS]]
    finished = _finished(data)
    held = np.array([row.stable for row in finished], dtype=np.float64)
    oscillates = np.array([row.oscillates for row in finished], dtype=bool)
    ends = (float(held.min()), float(held.max())) if held.size else (0.0, 1.0)
    bins = [_bins(parameter) for parameter in paired]
    places = [_places(parameter, finished) for parameter in paired]
    return {
        "order": order,
        "effects": [
            [(each.start, each.end, each.median, *(each.band or (None, None))) for each in effects(parameter, finished, metric)]
            for parameter in data.parameters
        ],
        "ends": ends,
        "end_texts": [wording.score(end, metric, unit=False) for end in ends],
        "paired": [parameter.name for parameter in paired],
        "bins": bins,
        "pairs": [
            _cells(places[down], places[across], len(bins[across]), held, oscillates, data)
            for down, across in itertools.combinations(range(len(paired)), 2)
        ],
    }


def held_axis(data: ReportData) -> dict[str, object] | None:
    """The axis of what finished configurations hold: its ends and ticks; None while nothing holds anything."""
    held = [row.stable for row in _finished(data) if row.stable is not None]
    if not held:
        return None
    low, high = np.percentile(held, [CLIPPED_SHARE, 100.0])
    scale = scale_over([float(low), float(high)] if data.study.maximize else held, margin=0.05)
    return {"low": scale.low, "high": scale.high, "ticks": [(tick.value, tick.text) for tick in scale.ticks(5, data.study.metric)]}


def axis_labels(parameter: ParameterRecord) -> list[tuple[float, str]]:
    """Labels along a parameter's axis: position from 0 to 1, and text."""
    if parameter.labels:
        number = len(parameter.labels)
        places = range(number) if number <= MOST_LABELS else np.linspace(0, number - 1, MOST_LABELS).round().astype(int).tolist()
        return [((index + 0.5) / number, _shortened(parameter.labels[index])) for index in places]
    low, high = parameter.low, parameter.high
    if low is None or high is None:
        return []
    if high <= low:
        return [(0.5, wording.parameter(low))]
    ends = [(0.0, wording.parameter(low)), (1.0, wording.parameter(high))]
    if not parameter.log or low <= 0:
        return [ends[0], (0.5, wording.parameter((low + high) / 2)), ends[1]]
    powers = range(int(np.ceil(np.log10(low))), int(np.floor(np.log10(high))) + 1)
    every = -(-len(powers) // MOST_DECADES)
    decades = [(float(np.log(10.0**power / low) / np.log(high / low)), f"1e{power}") for power in list(powers)[::every]]
    return [ends[0], *(each for each in decades if CLOSEST < each[0] < 1 - CLOSEST), ends[1]]


def _shortened(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"


def _edges(parameter: ParameterRecord) -> NDArray[np.float64]:
    """Edges of a numeric parameter's bins, ``(num_bins + 1,)``."""
    low = 0.0 if parameter.low is None else float(parameter.low)
    high = 1.0 if parameter.high is None else float(parameter.high)
    if high <= low:
        return np.array([low, high])
    return np.geomspace(low, high, BINS + 1) if parameter.log and low > 0 else np.linspace(low, high, BINS + 1)


def _bins(parameter: ParameterRecord) -> list[str]:
    """Names of the heat map's rows or columns for a parameter."""
    if parameter.labels:
        return list(parameter.labels)
    texts = [wording.parameter(edge) for edge in _edges(parameter).tolist()]
    return [f"{start} to {end}" for start, end in itertools.pairwise(texts)]


def _places(parameter: ParameterRecord, rows: Sequence[RankedConfiguration]) -> Places:
    """Bin of each configuration, ``(num_configurations,)``; -1 where it has no value in any."""
    if parameter.labels:
        index = {label: place for place, label in reversed(list(enumerate(parameter.labels)))}
        return np.array([index.get(str(row.params[parameter.name]), -1) if parameter.name in row.params else -1 for row in rows])
    edges = _edges(parameter)
    found = (row.params.get(parameter.name) for row in rows)
    values = np.array([float(value) if isinstance(value, int | float) else np.nan for value in found])
    places = np.searchsorted(edges[1:-1], values, side="right")
    return np.where((values >= edges[0]) & (values <= edges[-1]), places, -1)


def _cells(
    down: Places, across: Places, columns: int, held: NDArray[np.float64], oscillates: NDArray[np.bool_], data: ReportData
) -> list[tuple[object, ...]]:
    """Of each cell with configurations: row, column, how many they are and how many oscillate, text of their mean, colour in per cent."""
    inside = (down >= 0) & (across >= 0)
    cells, member = np.unique((down * columns + across)[inside], return_inverse=True)
    if not cells.size:
        return []
    counts = np.bincount(member)
    means = np.bincount(member, weights=held[inside]) / counts
    unsteady = np.bincount(member, weights=oscillates[inside]).astype(int)
    share = (means - means.min()) / np.ptp(means) if np.ptp(means) > 0 else np.ones(means.size)
    colour = FAINTEST + (STRONGEST - FAINTEST) * (share if data.study.maximize else 1 - share)
    texts = [wording.score(mean, data.study.metric, unit=False) for mean in means.tolist()]
    numbers = (part.tolist() for part in (cells // columns, cells % columns, counts, unsteady))
    return list(zip(*numbers, texts, colour.round().astype(int).tolist(), strict=True))
