"""What identifies a study (versions, hardware, seeds, the command), and trials of another study that it began with, which are never ranked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import wording
from reports.sharing import shared_work
from reports.stability import stability

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.records import TrialRecord
    from reports.verdict import ReportData


MOST_SEEDS = 40
SENTENCES = {
    "study": "What the storage knows about how this was made.",
    "logs": "A log has the figures of a training, but not its settings, seeds and versions.",
}


def appendix_contents(data: ReportData, others: int = 0) -> str:
    """What the closed appendix holds, with so many other studies compared."""
    if data.study.kind == "logs":
        return "where the log came from"
    failed = sum(len(failure.trials) for failure in data.progress.failures)
    parts = ["course", "workers", *([wording.count(failed, "failure")] if failed else []), "versions", "seeds"]
    parts += ["sweep file"] if data.study.sweep_file else []
    return ", ".join([*parts, *([wording.count(others, "other study compared", "other studies compared")] if others else [])])


Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ReproduceView:
    """What the last section shows: facts under headings, and training seeds by configuration."""

    sentence: str
    command: str
    groups: Mapping[str, Facts]
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
    if (shared := shared_work(study.trials)) is not None:
        facts.setdefault("work shared by trials", shared.sentence)
    groups = {"Study": facts, "Versions": study.versions, "Hardware": study.hardware}
    known = {title: tuple((name, value) for name, value in group.items() if value) for title, group in groups.items()}
    rows = data.configurations[:MOST_SEEDS] if study.kind == "study" else ()
    return ReproduceView(
        sentence=SENTENCES[study.kind],
        command=study.facts.get("command", ""),
        groups={title: entries for title, entries in known.items() if entries},
        seeds_title=f"Training seeds{f' of the first {MOST_SEEDS}' if len(data.configurations) > MOST_SEEDS else ''}",
        seeds=tuple((row.short, ", ".join(str(trial.seed) for trial in row.trials)) for row in rows),
    )


MOST_ROWS = 12


@dataclass(frozen=True)
class HistoryView:
    """What the sweep's section shows of imported full trainings: of each its origin, what it holds, its epochs, state and parameters."""

    sentence: str
    rows: tuple[tuple[str, str, str, str, str], ...]


def history_view(data: ReportData) -> HistoryView | None:
    """The imported trials that held most, or None where there are none."""
    study = data.study
    if not study.history:
        return None
    full = [trial for trial in study.history if trial.state == "COMPLETE"]
    scores = ((stability(trial.curves.get(study.metric, ()), maximize=study.maximize), trial) for trial in full)
    scored = sorted(((score.stable, trial) for score, trial in scores if score), key=lambda pair: pair[0], reverse=study.maximize)
    planned = max((trial.planned_epochs for trial in study.trials), default=0)
    shorter = sum(trial.planned_epochs < planned for trial in study.history)
    parts = [
        f"This study began with {wording.count(len(study.history), 'trial')} of {study.history_source}.",
        "They guided the search; they are not ranked, counted or tested here.",
    ]
    if shorter:
        number = wording.count(shorter, "of them was a shorter training", "of them were shorter trainings")
        parts.append(f"{number}.")
    if len(full) < len(study.history):
        parts.append(f"Those that were shorter, pruned or failed hold nothing; {wording.count(len(full), 'full training')} came along.")
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
