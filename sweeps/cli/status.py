"""``steadysweep status``: studies and states in a storage, one study's progress and leaders."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sweeps.cli.command import Command, format_argument, print_json, storage_argument, storage_url
from sweeps.cli.study_lines import leader_lines, plain_table, running_lines, running_trials
from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from reports.records import StudyRecord
    from sweeps.cli.study_lines import RunningTrial
    from sweeps.standing import Standing


SCHEMA = "steadysweep.status/1"
MOST_NAMED = 8
"""Trials that a line names."""


def status(study: str | None, *, storage: str | None, output_format: str, watch: bool = False) -> int:
    """Print the studies of a storage, or one study's progress and leaders.

    Args:
        study: its name, or None for all.
        storage: URL, or None for the default.
        output_format: ``text`` or ``json``.
        watch: show it again until no driver runs it.

    Raises:
        SweepInputError: no such storage or study, or options that do not go together.
    """
    from reports.wording import harmless
    from sweeps.record import list_studies, read_study
    from sweeps.record.study_record import left_by_drivers, read_leases

    url = storage_url(storage, study)
    names = (study,) if study else list_studies(url)
    if watch:
        from sweeps.cli.watch import watch as watch_study

        if output_format == "json":
            raise SweepInputError("status --watch shows text; leave --format json out, or ask for it again and again without --watch.")
        if len(names) != 1:
            raise SweepInputError(f"status --watch: expected one study; give its name: {', '.join(names) or 'none is there'}.")
        return watch_study(url, names[0])
    records = [read_study(url, name) for name in names]
    running = [running_trials(record, read_leases(url, record.name), left=left_by_drivers(url, record.name)) for record in records]
    if output_format == "json":
        studies = [_as_json(record, trials) for record, trials in zip(records, running, strict=True)]
        print_json({"schema": SCHEMA, "studies": studies})
        return 0
    _print_table(records, running, with_leaders=study is not None)
    if study is not None:
        print(harmless("\n".join(running_lines(running[0]))))
    return 0


def _as_json(record: StudyRecord, running: Sequence[RunningTrial]) -> dict[str, Any]:
    from reports.costs import infeasible
    from reports.sharing import shared_work
    from sweeps.standing import standing

    now, shared = standing(record), shared_work(record.trials)
    best = now.leaders[0] if now.leaders else None
    return {
        "name": record.name,
        "metric": record.metric,
        "states": dict(now.states),
        "configurations": now.configurations,
        "target": record.target_trials,
        "updated": record.updated.isoformat() if record.updated else None,
        "running": [asdict(trial) for trial in running],
        "shared_work": None if shared is None else {**asdict(shared), "sentence": shared.sentence},
        "micro_batches": {str(trial.number): trial.accumulate for trial in record.trials if trial.accumulate > 1},
        "infeasible": [asdict(each) for each in infeasible(record.trials)],
        "frontier": frontier_rows(record, now),
        "best": None
        if best is None
        else {
            "configuration": best.configuration,
            "params": dict(best.params),
            "stable": best.stable,
            "level": best.level,
            "flags": [flag.name for flag in best.flags],
        },
        "recommended": None
        if now.recommended is None
        else {
            "configuration": now.recommended.configuration,
            "stable": now.recommended.stable,
            "probability_best": now.recommended.probability_best,
            "probability_near": now.recommended.probability_near,
            "tied_with": now.recommended.tied_with,
        },
    }


def _print_table(records: Sequence[StudyRecord], running: Sequence[Sequence[RunningTrial]], *, with_leaders: bool) -> None:
    from reports.sharing import shared_work
    from reports.wording import harmless
    from sweeps.standing import standing

    if not records:
        print("no studies in this storage")
        return
    standings = [standing(record) for record in records]
    rows = [_row(record, now, trials) for record, now, trials in zip(records, standings, running, strict=True)]
    columns = ("study", "finished", "pruned", "failed", "running", "to continue", "tried", "best")
    print("\n".join(plain_table(columns, rows, left=frozenset({"study"}))))
    if with_leaders:
        print()
        print(harmless("\n".join(leader_lines(records[0], standings[0]))))
        for line in (*cost_lines(records[0], standings[0]), *parts_lines(records[0])):
            print(harmless(line))
        if "confirmation" in records[0].facts:
            print(harmless(f"confirmation: {records[0].facts['confirmation']}"))
        if (shared := shared_work(records[0].trials)) is not None:
            print(f"\nshared work\n{harmless(shared.sentence)}")


def _row(record: StudyRecord, now: Standing, running: Sequence[RunningTrial]) -> tuple[str, ...]:
    from reports.wording import plain_score

    waiting = sum(trial.free is True or trial.state == "WAITING" for trial in running)
    refused = sum(bool(trial.infeasible) for trial in record.trials)
    counts = (now.states["COMPLETE"], now.states["PRUNED"] - refused, now.states["FAIL"], len(running) - waiting, waiting)
    target = f"/{record.target_trials}" if record.target_trials else ""
    best = plain_score(now.leaders[0].stable, record.metric) if now.leaders else "-"
    return (record.name, *map(str, counts), f"{now.configurations}{target}", best)


def frontier_rows(record: StudyRecord, now: Standing) -> list[dict[str, Any]] | None:
    """The frontier of ``search.cost``, the cheapest first, as plain data; None where the best alone is searched."""
    from reports.costs import cost_of, cost_of_study, frontier

    name = cost_of_study(record)
    if not name:
        return None
    rows = frontier(now.ranking.configurations, name, maximize=record.maximize).rows
    return [
        {
            "configuration": row.configuration,
            name: cost_of(row, name),
            "stable": row.stable,
            "interval": row.stable_interval,
            "fresh_seeds": row.seeds if row.confirmed else 0,
        }
        for row in rows
    ]


def parts_lines(record: StudyRecord) -> list[str]:
    """Trials whose batches were computed in parts, where there are any."""
    trials = [trial for trial in record.trials if trial.accumulate > 1]
    named = ", ".join(f"trial {trial.number} in {trial.accumulate}" for trial in trials[:MOST_NAMED])
    more = f" and {len(trials) - MOST_NAMED} more" if len(trials) > MOST_NAMED else ""
    return ["", f"each batch trained in micro-batches after running out of memory: {named}{more}"] if trials else []


def cost_lines(record: StudyRecord, now: Standing) -> list[str]:
    """The frontier that is searched, and what limits refused; nothing where there is neither."""
    from reports.costs import COSTS, cost_of, cost_of_study, frontier, infeasible
    from reports.wording import MISSING, plain_score

    lines, name = [], cost_of_study(record)
    if name:
        rows = frontier(now.ranking.configurations, name, maximize=record.maximize).rows
        cells = [
            (
                row.short,
                COSTS[name].text(cost_of(row, name) or 0.0),
                plain_score(row.stable, record.metric),
                MISSING if row.stable_interval is None else " to ".join(plain_score(end, record.metric) for end in row.stable_interval),
                str(row.seeds) if row.confirmed else MISSING,
            )
            for row in rows
        ]
        lines += ["", f"frontier of stable {record.metric} against {COSTS[name].label}, the cheapest first; nothing is pruned"]
        lines += (
            plain_table(("configuration", "costs", "stable", "95 %", "fresh seeds"), cells, left=frozenset({"configuration"}))
            if cells
            else []
        )
    lines += [f"refused before an epoch, {len(each.configurations)}: {each.reason}" for each in infeasible(record.trials)]
    return lines


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="STUDY", nargs="?", help="its name in the storage; default: every study")
    parser.add_argument(
        "--watch", action="store_true",
        help="draw it again every two seconds until no driver runs the study; without a terminal, a line for each change",
    )  # fmt: skip
    storage_argument(parser)
    format_argument(parser)


COMMAND = Command(
    name="status",
    summary="studies and states in a storage; one study's progress and leaders",
    description="Reads the storage only; usable from another shell at any time.",
    examples=(
        ("steadysweep status", "the studies of the storage here"),
        ("steadysweep status flowers --storage sqlite:///flowers.db", "progress and leaders of one"),
        ("steadysweep status flowers --watch", "the same, drawn again until it is over"),
    ),
    add_arguments=_add_arguments,
    run=status,
)
