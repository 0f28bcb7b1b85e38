"""``steadysweep status``: studies and states in a storage, one study's progress and leaders."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sweeps.cli.plain_table import plain_table
from sweeps.cli.running_trials import RunningTrial, running_lines, running_trials
from sweeps.cli.storage_argument import storage_argument
from sweeps.progress.plain import params
from sweeps.record import list_studies, read_leases, read_study
from sweeps.standing import Standing, standing

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        running = [running_trials(record, read_leases(url, record.name)) for record in records]
        studies = [_as_json(record, trials) for record, trials in zip(records, running, strict=True)]
        json.dump({"schema": SCHEMA, "studies": studies}, sys.stdout, indent=1, allow_nan=False)
        print()
        return 0
    _print_table(records, with_leaders=study is not None)
    if study is not None:
        print("\n".join(running_lines(running_trials(records[0], read_leases(url, study)))))
    return 0


def _as_json(record: StudyRecord, running: Sequence[RunningTrial]) -> dict[str, Any]:
    now = standing(record)
    best = now.leaders[0] if now.leaders else None
    return {
        "name": record.name,
        "metric": record.metric,
        "states": dict(now.states),
        "configurations": now.configurations,
        "target": record.target_trials,
        "updated": record.updated.isoformat() if record.updated else None,
        "running": [asdict(trial) for trial in running],
        "best": None
        if best is None
        else {
            "configuration": best.configuration,
            "params": dict(best.params),
            "stable": best.stable,
            "level": best.level,
            "flags": [flag.name for flag in best.flags],
        },
    }


def _print_table(records: list[StudyRecord], *, with_leaders: bool) -> None:
    if not records:
        print("no studies in this storage")
        return
    standings = [standing(record) for record in records]
    rows = [_row(record, now) for record, now in zip(records, standings, strict=True)]
    columns = ("study", "finished", "pruned", "failed", "running", "waiting", "tried", "best")
    print("\n".join(plain_table(columns, rows, left=frozenset({"study"}))))
    if with_leaders:
        print()
        print("\n".join(leader_lines(records[0], standings[0])))


def _row(record: StudyRecord, now: Standing) -> tuple[str, ...]:
    states = (str(now.states[state]) for state in ("COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING"))
    target = f"/{record.target_trials}" if record.target_trials else ""
    return (record.name, *states, f"{now.configurations}{target}", f"{now.leaders[0].stable:.4f}" if now.leaders else "-")


def leader_lines(record: StudyRecord, now: Standing) -> list[str]:
    """The current leaders, two lines each: scores and flags, then parameters where any is varied."""
    if not now.leaders:
        return ["no configuration is finished yet"]
    shown = now.leaders[:LEADERS]
    rows = [
        (
            str(rank),
            each.configuration,
            f"{each.stable:.4f}",
            f"{each.level:.4f}",
            f"{each.best:.4f}",
            ", ".join(flag.name for flag in each.flags) or "-",
        )
        for rank, each in enumerate(shown, start=1)
    ]
    header, *lines = plain_table(
        ("#", "configuration", "stable", "level", "best", "flags"), rows, left=frozenset({"configuration", "flags"})
    )
    pairs = ((line, *([f"   {params(each.params)}"] if each.params else [])) for line, each in zip(lines, shown, strict=True))
    tie = f"; the first {len(shown[0].tied_with) + 1} cannot be separated" if shown[0].tied_with else ""
    return [f"leaders by stable {record.metric}{tie}", header, *(text for pair in pairs for text in pair)]
