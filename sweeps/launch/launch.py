"""Runs the study of a sweep file with everything a person expects around it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sweeps.environment import hardware, provenance, versions
from sweeps.launch.observers import Observers
from sweeps.launch.preflight import check_before_run
from sweeps.launch.report_refresh import ReportRefresh
from sweeps.launch.signals import StopSignals
from sweeps.progress import progress_display
from sweeps.study import StudyOptions, run_study, storage_of

if TYPE_CHECKING:
    from reports.records import StudyRecord
    from sweeps.executor.protocol import Executor
    from sweeps.study import StudyOutcome
    from sweeps.sweep_file import SweepFile

ExecutorKind = Literal["ray-tune", "ray-core", "inline"]


@dataclass(frozen=True)
class LaunchOptions:
    """How to run a sweep, besides what its file says.

    Attributes:
        executor: who runs the trials.
        address: of a Ray cluster to join, or None to start one here.
        quiet: show no progress.
    """

    executor: ExecutorKind = "ray-tune"
    address: str | None = None
    quiet: bool = False


@dataclass(frozen=True)
class LaunchResult:
    """What a run left behind.

    Attributes:
        outcome: why the run ended, with the last snapshot.
        record: the study as the report sees it.
        report: the HTML report.
    """

    outcome: StudyOutcome
    record: StudyRecord
    report: Path


def launch(sweep: SweepFile, options: LaunchOptions | None = None) -> LaunchResult:
    """Check, run or continue, report.

    Raises:
        SweepInputError: the sweep cannot be run as given, or its study was made from another file.
        TrainerInputError: the data or the model cannot be used.
        SweepError: the sweep was given up; the message says why.
    """
    chosen = options or LaunchOptions()
    path = Path(sweep.report.path or f"{sweep.study}.html").resolve()
    with progress_display(quiet=chosen.quiet) as progress:
        progress.message(f"study {sweep.study!r} in {storage_of(sweep)}")
        progress.message("checking the data and the model ...")
        checked = check_before_run(sweep, progress.message)
        study_options = StudyOptions(
            facts={**provenance(), "data_fingerprint": checked.data.fingerprint},
            versions=versions(),
            hardware=hardware(),
            boundaries=checked.probe.boundaries,
        )
        refresh = ReportRefresh(sweep.study, storage_of(sweep), path, sweep.report.every, progress.message)
        with StopSignals(lambda name: progress.message(f"{name}: saving checkpoints and stopping; again to stop at once")) as signals:
            outcome = run_study(
                sweep,
                _executor(sweep, chosen),
                observer=Observers(progress, refresh),
                stop_requested=signals.requested,
                options=study_options,
            )
        refresh.close()
    return LaunchResult(outcome, *_report(sweep, path))


def _executor(sweep: SweepFile, options: LaunchOptions) -> Executor:
    from sweeps.executor.factory import make_executor

    return make_executor(sweep.resources, kind=options.executor, address=options.address)


def _report(sweep: SweepFile, path: Path) -> tuple[StudyRecord, Path]:
    from reports.exports import write_atomically
    from reports.html import render_report
    from sweeps.record import read_study

    record = read_study(storage_of(sweep), sweep.study)
    write_atomically(path, render_report(record))
    return record, path
