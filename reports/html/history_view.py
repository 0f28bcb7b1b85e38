"""Trials of another study that a study began with: shown apart, never ranked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.data import wording
from reports.stability import stability

if TYPE_CHECKING:
    from reports.data import ReportData
    from reports.records import TrialRecord
    from reports.stability import StabilityScore

MOST_ROWS = 12


@dataclass(frozen=True)
class HistoryRow:
    """One imported trial."""

    origin: str
    holds: str
    epochs: str
    state: str
    params: str


@dataclass(frozen=True)
class HistoryView:
    """What the sweep's section shows of them."""

    sentence: str
    rows: tuple[HistoryRow, ...]


def history_view(data: ReportData) -> HistoryView | None:
    """The imported trials that held most, or None where there are none."""
    study = data.study
    if not study.history:
        return None
    sign = 1.0 if study.maximize else -1.0
    scored = [
        (score.stable, trial) for trial in study.history if (score := _score(trial, study.metric, maximize=study.maximize)) is not None
    ]
    scored.sort(key=lambda pair: -sign * pair[0])
    shorter = sum(trial.planned_epochs < _planned(data) for trial in study.history)
    parts = [
        f"This study began with {wording.count(len(study.history), 'trial')} of {study.history_source}.",
        "They guided the search; they are not ranked, counted or tested here.",
    ]
    if shorter:
        parts.append(
            f"{wording.count(shorter, 'of them was a shorter training', 'of them were shorter trainings')}: what they hold is not what a full one would."
        )
    if len(scored) > MOST_ROWS:
        parts.append(f"The {MOST_ROWS} that held most:")
    return HistoryView(" ".join(parts), tuple(_row(stable, trial, study.metric) for stable, trial in scored[:MOST_ROWS]))


def _score(trial: TrialRecord, metric: str, *, maximize: bool) -> StabilityScore | None:
    curve = trial.curves.get(metric)
    return None if curve is None else stability(curve, maximize=maximize)


def _planned(data: ReportData) -> int:
    """Epochs of this study's own trainings."""
    return max((trial.planned_epochs for trial in data.study.trials), default=0)


def _row(stable: float, trial: TrialRecord, metric: str) -> HistoryRow:
    study, number = trial.source or ("?", trial.number)
    return HistoryRow(
        origin=f"{study}, trial {number}",
        holds=wording.score(stable, metric),
        epochs=f"{trial.num_epochs} of {trial.planned_epochs}",
        state=trial.state.lower(),
        params=", ".join(f"{name} {wording.parameter(value)}" for name, value in trial.params.items()),
    )
