"""Who is running what: the trials of a study that are not over, with their driver, worker and lease."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweeps.cli.plain_table import plain_table
from sweeps.progress.plain import duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.records import StudyRecord, TrialRecord
    from sweeps.record.leases import Lease


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
    """The trials of a study that are not over, by number.

    Args:
        record: the study.
        leases: trial number to lease, see `sweeps.record.read_leases`.
    """
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
    if trial.free is None:
        return "-"
    return "free: the next driver continues it" if trial.free else f"renewed, {duration(trial.lease_seconds)} left"
