"""``steadysweep status``: studies and states in a storage, one study's progress and leaders."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from sweeps.commands.storage_argument import storage_argument
from sweeps.record import list_studies, read_study
from sweeps.standing import Standing, standing

if TYPE_CHECKING:
    from reports.records import StudyRecord

SCHEMA = "steadysweep.status/1"
LEADERS = 5


def status(study: str | None, *, storage: str | None, output_format: str) -> int:
    """Print the studies of a storage, or one study's progress and leaders.

    Raises:
        SweepInputError: no such storage or study.
    """
    url = storage_argument(storage, study)
    names = (study,) if study else list_studies(url)
    records = [read_study(url, name) for name in names]
    if output_format == "json":
        json.dump({"schema": SCHEMA, "studies": [_as_json(record) for record in records]}, sys.stdout, indent=1, allow_nan=False)
        print()
        return 0
    _print_table(records, with_leaders=study is not None)
    return 0


def _as_json(record: StudyRecord) -> dict[str, Any]:
    now = standing(record)
    best = now.leaders[0] if now.leaders else None
    return {
        "name": record.name,
        "metric": record.metric,
        "states": dict(now.states),
        "configurations": now.configurations,
        "target": record.target_trials,
        "updated": record.updated.isoformat() if record.updated else None,
        "best": None
        if best is None
        else {
            "configuration": best.configuration,
            "params": dict(best.params),
            "stable": best.stable,
            "level": best.level,
            "flags": list(best.flags),
        },
    }


def _print_table(records: list[StudyRecord], *, with_leaders: bool) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not records:
        console.print("no studies in this storage")
        return
    table = Table(box=box.SIMPLE, pad_edge=False)
    for column in ("study", "finished", "pruned", "failed", "running", "waiting", "configurations", "best stable"):
        table.add_column(column, justify="left" if column == "study" else "right")
    standings = [standing(record) for record in records]
    for record, now in zip(records, standings, strict=True):
        states = [str(now.states[state]) for state in ("COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING")]
        target = f"/{record.target_trials}" if record.target_trials else ""
        best = f"{now.leaders[0].stable:.4f}" if now.leaders else "-"
        table.add_row(record.name, *states, f"{now.configurations}{target}", best)
    console.print(table)
    if with_leaders:
        console.print(leaders_table(records[0], standings[0]))


def leaders_table(record: StudyRecord, now: Standing) -> object:
    """A rich table of the current leaders."""
    from rich import box
    from rich.table import Table

    table = Table(title=f"leaders by stable {record.metric}", title_justify="left", box=box.SIMPLE, pad_edge=False)
    for column in ("#", "configuration", "stable", "level", "best", "flags", "parameters"):
        table.add_column(column, justify="right" if column in ("#", "stable", "level", "best") else "left", overflow="fold")
    for rank, leader in enumerate(now.leaders[:LEADERS], start=1):
        params = "  ".join(f"{name}={_short(value)}" for name, value in leader.params.items())
        scores = (f"{leader.stable:.4f}", f"{leader.level:.4f}", f"{leader.best:.4f}")
        table.add_row(str(rank), leader.configuration, *scores, ", ".join(leader.flags) or "-", params)
    return table


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
