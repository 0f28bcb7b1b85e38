"""What identifies a study (versions, hardware, seeds, the command), and trials of another study that it began with, which are never ranked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import wording
from reports.stability import stability

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.records import TrialRecord
    from reports.verdict import ReportData


MOST_SEEDS = 40


Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ReproduceView:
    """What the last section shows: facts under headings, and training seeds by configuration."""

    sentence: str
    command: str
    groups: tuple[tuple[str, Facts], ...]
    seeds_title: str
    seeds: Facts


def reproduce_view(data: ReportData) -> ReproduceView:
    """Group what identifies a study."""
    study = data.study
    facts = {name: value for name, value in study.facts.items() if name != "command"}
    if study.num_val is not None:
        facts.setdefault("validation images", f"{study.num_val:,}")
    if study.created is not None:
        facts.setdefault("created", study.created.strftime("%Y-%m-%d %H:%M UTC"))
    groups = (("Study", _known(facts)), ("Versions", _known(study.versions)), ("Hardware", _known(study.hardware)))
    rows = data.configurations[:MOST_SEEDS] if study.kind == "study" else ()
    return ReproduceView(
        sentence="What the storage knows about how this was made."
        if study.kind == "study"
        else "A log has the figures of a training, but not its settings, seeds and versions.",
        command=study.facts.get("command", ""),
        groups=tuple((title, entries) for title, entries in groups if entries),
        seeds_title=f"Training seeds{f' of the first {MOST_SEEDS}' if len(data.configurations) > MOST_SEEDS else ''}",
        seeds=tuple((row.short, ", ".join(str(trial.seed) for trial in row.trials)) for row in rows),
    )


def _known(facts: Mapping[str, str]) -> Facts:
    return tuple((name, value) for name, value in facts.items() if value)


MOST_ROWS = 12


@dataclass(frozen=True)
class HistoryView:
    """What the sweep's section shows of imported trials: of each its origin, what it holds, its epochs, state and parameters."""

    sentence: str
    rows: tuple[tuple[str, str, str, str, str], ...]


def history_view(data: ReportData) -> HistoryView | None:
    """The imported trials that held most, or None where there are none."""
    study = data.study
    if not study.history:
        return None
    scored = []
    for trial in study.history:
        score = stability(trial.curves[study.metric], maximize=study.maximize) if study.metric in trial.curves else None
        if score is not None:
            scored.append((score.stable, trial))
    scored.sort(key=lambda pair: -pair[0] if study.maximize else pair[0])
    planned = max((trial.planned_epochs for trial in study.trials), default=0)
    shorter = sum(trial.planned_epochs < planned for trial in study.history)
    parts = [
        f"This study began with {wording.count(len(study.history), 'trial')} of {study.history_source}.",
        "They guided the search; they are not ranked, counted or tested here.",
    ]
    if shorter:
        parts.append(
            f"{wording.count(shorter, 'of them was a shorter training', 'of them were shorter trainings')}: a full training would hold something else."
        )
    if len(scored) > MOST_ROWS:
        parts.append(f"The {MOST_ROWS} that held most:")
    return HistoryView(" ".join(parts), tuple(_row(stable, trial, study.metric) for stable, trial in scored[:MOST_ROWS]))


def _row(stable: float, trial: TrialRecord, metric: str) -> tuple[str, str, str, str, str]:
    study, number = trial.source or ("?", trial.number)
    return (
        f"{study}, trial {number}",
        wording.score(stable, metric),
        f"{trial.num_epochs} of {trial.planned_epochs}",
        trial.state.lower(),
        ", ".join(f"{name} {wording.parameter(value)}" for name, value in trial.params.items()),
    )
