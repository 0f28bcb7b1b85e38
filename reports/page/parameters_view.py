"""Parameters: importance as bars, and what the script's plots of finished configurations need: axes, ticks and a heat map of each pair, with their texts."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from reports import wording
from reports.page.drawing import scale_over

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
FAINTEST, STRONGEST = 6, 40
"""Per cent of colour in the heat map's worst and best cell."""
MOST_BARS = 12


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
    how: str
    bars: tuple[ImportanceBar, ...]
    note: str


def importance_view(item: StudyImportance) -> ImportanceView:
    """The figure of one target."""
    what = "what is held" if item.target == "stable" else "oscillation"
    known = [each for each in item.parameters if each.importance is not None]
    if not known:
        note = item.note or "no parameter varies"
        return ImportanceView(item.target, f"What goes with {what}", "", (), f"{note[:1].upper()}{note[1:]}.")
    how = (
        f"How much of the order of {wording.count(item.configurations, 'finished configuration')} goes with each parameter alone ({item.evaluator}). "
        f"The pale band is chance: shuffled, a parameter reaches beyond its band in {100 * item.level:g}{wording.PERCENT} of studies."
    )
    left_out = f"{len(known) - MOST_BARS} more parameters show less. " if len(known) > MOST_BARS else ""
    return ImportanceView(item.target, importance_title(item), how, tuple(_bar(each) for each in known[:MOST_BARS]), left_out)


def importance_title(item: StudyImportance) -> str:
    """What stands out from chance, or that nothing does."""
    what = "what is held" if item.target == "stable" else "oscillation"
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
    """What the script draws of finished configurations: the axis of what is held, and of each pair of parameters the cells that hold any."""
    metric, parameters = data.study.metric, data.parameters[:MOST_PLOTS]
    ranked = [row for row in data.ranked if row.trial_state == "COMPLETE"]  # what others have reached is no figure of a complete training
    held = np.array([row.stable for row in ranked], dtype=np.float64)
    oscillates = np.array([row.oscillates for row in ranked], dtype=bool)
    scale = scale_over(held.tolist(), margin=0.05)
    ends = (float(held.min()), float(held.max())) if held.size else (0.0, 1.0)
    bins = [_bins(parameter) for parameter in parameters]
    places = [_places(parameter, ranked) for parameter in parameters]
    return {
        "most": MOST_PLOTS,
        "low": scale.low,
        "high": scale.high,
        "ticks": [(tick.value, tick.text) for tick in scale.ticks(5, metric)],
        "ends": ends,
        "end_texts": [wording.score(end, metric, unit=False) for end in ends],
        "bins": bins,
        "pairs": [
            _cells(places[down], places[across], len(bins[across]), held, oscillates, data)
            for down, across in itertools.combinations(range(len(parameters)), 2)
        ],
    }


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
    middle = (low * high) ** 0.5 if parameter.log and low > 0 else (low + high) / 2
    return [(0.0, wording.parameter(low)), (0.5, wording.parameter(middle)), (1.0, wording.parameter(high))]


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
