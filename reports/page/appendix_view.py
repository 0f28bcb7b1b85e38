"""Versions, hardware, fingerprints, seeds and the command.

Trials of another study that a study began with: shown apart, never ranked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import wording
from reports.stability import stability

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.records import TrialRecord
    from reports.stability import StabilityScore
    from reports.verdict import ReportData


MOST_SEEDS = 40


@dataclass(frozen=True)
class FactGroup:
    """Facts under one heading."""

    title: str
    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ReproduceView:
    """What the last section shows."""

    sentence: str
    command: str
    groups: tuple[FactGroup, ...]
    seeds: FactGroup


def reproduce_view(data: ReportData) -> ReproduceView:
    """Group what identifies a study."""
    study = data.study
    facts = {name: value for name, value in study.facts.items() if name != "command"}
    if study.num_val is not None:
        facts.setdefault("validation images", f"{study.num_val:,}")
    if study.created is not None:
        facts.setdefault("created", study.created.strftime("%Y-%m-%d %H:%M UTC"))
    seeds = {}
    if study.kind == "study":
        for row in data.configurations[:MOST_SEEDS]:
            seeds[row.short] = ", ".join(str(trial.seed) for trial in row.trials)
    groups = (_group("Study", facts), _group("Versions", study.versions), _group("Hardware", study.hardware))
    sentence = "What the storage knows about how this was made."
    if study.kind == "logs":
        sentence = "A log knows its figures; settings, seeds and versions of the training are not in it."
    seed_group = _group(f"Training seeds{' of the first ' + str(MOST_SEEDS) if len(data.configurations) > MOST_SEEDS else ''}", seeds)
    return ReproduceView(sentence, study.facts.get("command", ""), tuple(group for group in groups if group.entries), seed_group)


def _group(title: str, facts: Mapping[str, str]) -> FactGroup:
    return FactGroup(title, tuple((name, value) for name, value in facts.items() if value))


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
