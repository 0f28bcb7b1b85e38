"""Versions, hardware, fingerprints, seeds and the command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.data import ReportData

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
