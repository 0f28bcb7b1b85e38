"""``steadysweep status``: studies and states in a storage, one study's progress and leaders."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sweeps.cli.command import Command, format_argument, print_json, storage_argument, storage_url
from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from reports.records import StudyRecord, TrialRecord
    from sweeps.record.leases import Lease
    from sweeps.standing import Standing


SCHEMA = "steadysweep.status/1"
LEADERS = 5


def status(study: str | None, *, storage: str | None, output_format: str, watch: bool) -> int:
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
        for line in cost_lines(records[0], standings[0]):
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


def leader_lines(record: StudyRecord, now: Standing) -> list[str]:
    """The current leaders, two lines each: scores, probabilities and flags, then parameters where any is varied; the one to take for now."""
    from reports.logs.sweep_lines import settings_text
    from reports.wording import MISSING, count, plain_score, probability

    if not now.leaders:
        return ["no configuration is finished yet"]
    shown = now.leaders[:LEADERS]
    rows = [
        (
            str(rank),
            each.short,
            *(plain_score(value, record.metric) for value in (each.stable, each.level, each.best)),
            *(MISSING if chance is None else probability(chance) for chance in (each.probability_best, each.probability_near)),
            ", ".join(flag.name for flag in each.flags) or "-",
        )
        for rank, each in enumerate(shown, start=1)
    ]
    header, *lines = plain_table(
        ("#", "configuration", "stable", "level", "best", "is best", "is near", "flags"), rows, left=frozenset({"configuration", "flags"})
    )
    pairs = ((line, *([f"   {settings_text(each.params)}"] if each.params else [])) for line, each in zip(lines, shown, strict=True))
    take = now.recommended
    tie = "" if take is None else f"; take {take.short} for now"
    tie += f", {count(len(shown[0].tied_with), 'other')} may be as good" if tie and shown[0].tied_with else ""
    return [f"leaders, with stable {record.metric}{tie}", header, *(text for pair in pairs for text in pair)]


def frontier_rows(record: StudyRecord, now: Standing) -> list[dict[str, Any]] | None:
    """The frontier of ``search.cost``, the cheapest first, as plain data; None where the best alone is searched."""
    from reports.costs import cost_of, cost_of_study, frontier

    name = cost_of_study(record)
    if not name:
        return None
    rows = frontier(now.ranking.configurations, name, maximize=record.maximize).rows
    return [
        {"configuration": row.configuration, name: cost_of(row, name), "stable": row.stable, "interval": row.stable_interval}
        for row in rows
    ]


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
            )
            for row in rows
        ]
        lines += ["", f"frontier of stable {record.metric} against {COSTS[name].label}, the cheapest first; nothing is pruned"]
        lines += plain_table(("configuration", "costs", "stable", "95 %"), cells, left=frozenset({"configuration"})) if cells else []
    lines += [f"refused before an epoch, {len(each.configurations)}: {each.reason}" for each in infeasible(record.trials)]
    return lines


@dataclass(frozen=True)
class RunningTrial:
    """A trial that is not over.

    Attributes:
        number: in the study.
        role: why it is trained.
        state: Optuna's: RUNNING also while no driver has it.
        epochs: on record.
        planned_epochs: of a complete training.
        driver: host and process of the driver that runs it, or ran it last; empty before its first attempt.
        worker: host and process of the worker, or empty before it started.
        free: whether no driver has it, so that the next one will continue it: its driver stopped, or its lease has run out. None where that cannot be told.
        lease_seconds: until its lease runs out unless it is renewed; None without a lease.
    """

    number: int
    role: str
    state: str
    epochs: int
    planned_epochs: int
    driver: str
    worker: str
    free: bool | None
    lease_seconds: float | None


def running_trials(record: StudyRecord, leases: Mapping[int, Lease], *, left: bool | None) -> tuple[RunningTrial, ...]:
    """The trials of a study that are not over, by number.

    Args:
        record: of the study.
        leases: of `sweeps.record.study_record.read_leases`.
        left: whether nobody runs the study, where its trials have no leases (`sweeps.record.study_record.left_by_drivers`).
    """
    return tuple(_running(trial, leases.get(trial.number), left=left) for trial in record.trials if trial.state in ("RUNNING", "WAITING"))


def running_lines(trials: Sequence[RunningTrial]) -> list[str]:
    """A table of them for a terminal, under an empty line; nothing where there are none."""
    if not trials:
        return []
    rows = [
        (str(each.number), each.role, f"{each.epochs}/{each.planned_epochs}", each.driver or "-", each.worker or "-", _lease(each))
        for each in trials
    ]
    columns = ("trial", "role", "epoch", "driver", "worker", "now")
    return ["", "not over yet", *plain_table(columns, rows, left=frozenset({"role", "driver", "worker", "now"}))]


def _running(trial: TrialRecord, lease: Lease | None, *, left: bool | None) -> RunningTrial:
    last = trial.attempts[-1] if trial.attempts else None
    current = last is not None and last.cause is None
    return RunningTrial(
        number=trial.number,
        role=trial.role,
        state=trial.state,
        epochs=trial.num_epochs,
        planned_epochs=trial.planned_epochs,
        driver=(lease.driver if lease is not None else "") or ("" if last is None else last.driver),
        worker=last.worker if last is not None and current else "",
        free=left if lease is None else lease.free,
        lease_seconds=None if lease is None or lease.free else lease.left,
    )


def _lease(trial: RunningTrial) -> str:
    from sweeps.progress.plain import duration

    if trial.free:
        return "stopped: the next run continues it"
    if trial.lease_seconds is not None:
        return f"running: its lease is renewed, {duration(trial.lease_seconds)} left"
    return "running" if trial.free is False else "cannot be told"


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, left: frozenset[str] = frozenset()) -> list[str]:
    """Aligned lines, the header first; columns named in `left` to the left, figures to the right."""
    from reports.wording import visible

    rows = [[visible(text) for text in row] for row in rows]
    widths = [max(len(text) for text in (name, *(row[index] for row in rows))) for index, name in enumerate(columns)]

    def line(texts: Sequence[str]) -> str:
        cells = (text.ljust(width) if name in left else text.rjust(width) for text, width, name in zip(texts, widths, columns, strict=True))
        return "  ".join(cells).rstrip()

    return [line(columns), *(line(row) for row in rows)]


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
