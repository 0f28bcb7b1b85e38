"""``steadysweep status``: studies and states in a storage, one study's progress and leaders."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sweeps.cli.command import Command, format_argument, print_json, storage_argument, storage_url

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from reports.records import StudyRecord, TrialRecord
    from sweeps.record.leases import Lease
    from sweeps.standing import Standing


SCHEMA = "steadysweep.status/1"
LEADERS = 5


def status(study: str | None, *, storage: str | None, output_format: str) -> int:
    """Print the studies of a storage, or one study's progress and leaders.

    Raises:
        SweepInputError: no such storage or study.
    """
    from sweeps.record import list_studies, read_study
    from sweeps.record.study_record import read_leases

    url = storage_url(storage, study)
    names = (study,) if study else list_studies(url)
    records = [read_study(url, name) for name in names]
    if output_format == "json":
        running = [running_trials(record, read_leases(url, record.name)) for record in records]
        studies = [_as_json(record, trials) for record, trials in zip(records, running, strict=True)]
        print_json({"schema": SCHEMA, "studies": studies})
        return 0
    _print_table(records, with_leaders=study is not None)
    if study is not None:
        print("\n".join(running_lines(running_trials(records[0], read_leases(url, study)))))
    return 0


def _as_json(record: StudyRecord, running: Sequence[RunningTrial]) -> dict[str, Any]:
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


def _print_table(records: list[StudyRecord], *, with_leaders: bool) -> None:
    from reports.sharing import shared_work
    from sweeps.standing import standing

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
        if "confirmation" in records[0].facts:
            print(f"confirmation: {records[0].facts['confirmation']}")
        if (shared := shared_work(records[0].trials)) is not None:
            print(f"\nshared work\n{shared.sentence}")


def _row(record: StudyRecord, now: Standing) -> tuple[str, ...]:
    states = (str(now.states[state]) for state in ("COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING"))
    target = f"/{record.target_trials}" if record.target_trials else ""
    return (record.name, *states, f"{now.configurations}{target}", f"{now.leaders[0].stable:.4f}" if now.leaders else "-")


def leader_lines(record: StudyRecord, now: Standing) -> list[str]:
    """The current leaders, two lines each: scores, probabilities and flags, then parameters where any is varied; the one to take for now."""
    from reports.wording import MISSING, count, probability
    from sweeps.progress.plain import params

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
            *(MISSING if chance is None else probability(chance) for chance in (each.probability_best, each.probability_near)),
            ", ".join(flag.name for flag in each.flags) or "-",
        )
        for rank, each in enumerate(shown, start=1)
    ]
    header, *lines = plain_table(
        ("#", "configuration", "stable", "level", "best", "is best", "is near", "flags"), rows, left=frozenset({"configuration", "flags"})
    )
    pairs = ((line, *([f"   {params(each.params)}"] if each.params else [])) for line, each in zip(lines, shown, strict=True))
    take = now.recommended
    tie = "" if take is None else f"; take {take.configuration} for now"
    tie += f", {count(len(shown[0].tied_with), 'other')} may be as good" if tie and shown[0].tied_with else ""
    return [f"leaders by stable {record.metric}{tie}", header, *(text for pair in pairs for text in pair)]


@dataclass(frozen=True)
class RunningTrial:
    """A trial that is not over.

    Attributes:
        number: in the study.
        role: why it is trained.
        epochs: on record.
        planned_epochs: of a complete training.
        driver: host and process of the driver that runs it, or ran it last; empty before its first attempt.
        worker: host and process of the worker, or empty before it started.
        free: whether no driver has it, so that the next one will continue it: its driver stopped, or its lease has run out. None where that cannot be told (SQLite).
        lease_seconds: until its lease runs out unless it is renewed; None without a lease.
    """

    number: int
    role: str
    epochs: int
    planned_epochs: int
    driver: str
    worker: str
    free: bool | None
    lease_seconds: float | None


def running_trials(record: StudyRecord, leases: Mapping[int, Lease]) -> tuple[RunningTrial, ...]:
    """The trials of a study that are not over, by number; with the leases of `sweeps.record.study_record.read_leases`."""
    return tuple(_running(trial, leases.get(trial.number)) for trial in record.trials if trial.state in ("RUNNING", "WAITING"))


def running_lines(trials: Sequence[RunningTrial]) -> list[str]:
    """A table of them for a terminal, under an empty line; nothing where there are none."""
    if not trials:
        return []
    rows = [
        (str(each.number), each.role, f"{each.epochs}/{each.planned_epochs}", each.driver or "-", each.worker or "-", _lease(each))
        for each in trials
    ]
    columns = ("trial", "role", "epoch", "driver", "worker", "lease")
    return ["", "not over yet", *plain_table(columns, rows, left=frozenset({"role", "driver", "worker", "lease"}))]


def _running(trial: TrialRecord, lease: Lease | None) -> RunningTrial:
    last = trial.attempts[-1] if trial.attempts else None
    current = last is not None and last.cause is None
    return RunningTrial(
        number=trial.number,
        role=trial.role,
        epochs=trial.num_epochs,
        planned_epochs=trial.planned_epochs,
        driver=(lease.driver if lease is not None else "") or ("" if last is None else last.driver),
        worker=last.worker if last is not None and current else "",
        free=None if lease is None else lease.free,
        lease_seconds=None if lease is None or lease.free else lease.left,
    )


def _lease(trial: RunningTrial) -> str:
    from sweeps.progress.plain import duration

    if trial.free is None:
        return "-"
    return "free: the next driver continues it" if trial.free else f"renewed, {duration(trial.lease_seconds)} left"


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, left: frozenset[str] = frozenset()) -> list[str]:
    """Aligned lines, the header first; columns named in `left` to the left, figures to the right."""
    widths = [max(len(text) for text in (name, *(row[index] for row in rows))) for index, name in enumerate(columns)]

    def line(texts: Sequence[str]) -> str:
        cells = (text.ljust(width) if name in left else text.rjust(width) for text, width, name in zip(texts, widths, columns, strict=True))
        return "  ".join(cells).rstrip()

    return [line(columns), *(line(row) for row in rows)]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="STUDY", nargs="?", help="its name in the storage; default: every study")
    storage_argument(parser)
    format_argument(parser)


COMMAND = Command(
    name="status",
    summary="studies and states in a storage; one study's progress and leaders",
    description="Reads the storage only; usable from another shell at any time.",
    examples=(
        ("steadysweep status", "the studies of the storage here"),
        ("steadysweep status flowers --storage sqlite:///flowers.db", "progress and leaders of one"),
    ),
    add_arguments=_add_arguments,
    run=status,
)
