"""A study's leaders and its trials that are not over, as lines of a terminal: what ``status``, its ``--watch`` and the end of a run print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.records import StudyRecord, TrialRecord
    from sweeps.record.leases import Lease
    from sweeps.standing import Standing

LEADERS = 5


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
