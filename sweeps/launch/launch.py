"""Runs the study of a sweep file with everything around it: checks, executor, signals, progress, report.

Ctrl-C, SIGTERM, SIGHUP and SIGQUIT: the first asks the sweep to checkpoint and stop, the second stops it at once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reports.wording import plain_score
from sweeps.environment import hardware, provenance, versions
from sweeps.errors import SweepInputError
from sweeps.executor.factory import DEFAULT_EXECUTOR, ExecutorRequest, make_executor
from sweeps.executor.worker import driver_settings
from sweeps.launch.companions import companions
from sweeps.launch.memory import smallest_gpu
from sweeps.launch.runtime import beside_sweep_file, check_still_there, resolve_runtime
from sweeps.launch.whole_models import complete_leaders
from sweeps.notebook import recommended, study_html
from sweeps.progress import progress_display
from sweeps.record import read_study
from sweeps.record.storage import STORAGE_VARIABLE, Database, refuse_unsafe_place
from sweeps.stop_signals import StopSignals
from sweeps.storage_path import checkpoint_root
from sweeps.study.data_listing import listing_of
from sweeps.study.history_import import look_at_history
from sweeps.study.plan import StudyOptions
from sweeps.study.running import SWEEP_FOLDER, check_data, look_at_study, record_without_running, run_study, storage_of, with_kept_trials
from sweeps.sweep_file.runtime import TuneSettings
from sweeps.trust import note_known, own_references
from sweeps.variables import variables_in
from trainer.metric_names import metric_named

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord
    from reports.verdict import ReportData
    from sweeps.executor.protocol import Executor
    from sweeps.launch.runtime import Runtime
    from sweeps.observer import StudyOutcome
    from sweeps.progress.plain import Progress
    from sweeps.record.study_record import HistorySource
    from sweeps.study.plan import ConfirmationOrder
    from sweeps.study.running import ExistingStudy
    from sweeps.sweep_file import SweepFile


@dataclass(frozen=True)
class LaunchOptions:
    """Options of `sweeps.launch.launch`.

    Attributes:
        executor: what runs the trials, a name in `sweeps.executor.factory.EXECUTORS`.
        address: of a Ray cluster to join, or None to start one here.
        quiet: show no progress.
        history: the study whose trials a new one begins with.
        order: fresh trainings of an existing study that are asked for; nothing else is trained then.
        sharing: whether trials may share work; the results are the same.
        folder: of the sweep file, which may hold modules of one's own; empty: where the study's file lay when it was run last.
    """

    executor: str = DEFAULT_EXECUTOR
    address: str | None = None
    quiet: bool = False
    history: HistorySource | None = None
    order: ConfirmationOrder | None = None
    sharing: bool = True
    folder: str = ""


@dataclass(frozen=True, repr=False)
class LaunchResult:
    """What a run left behind.

    Attributes:
        outcome: why the run ended, with the last snapshot.
        data: the study as the report shows it, ranking and verdict included.
        report: the HTML report.
        ran: whether anything was left to do.
    """

    outcome: StudyOutcome
    data: ReportData
    report: Path
    ran: bool = True

    @property
    def record(self) -> StudyRecord:
        """The study as the report sees it."""
        return self.data.study

    @property
    def best(self) -> RankedConfiguration | None:
        """The configuration to take for now; None where no usable one is finished."""
        return recommended(self.data.ranking)

    def to_frame(self, *, epochs: bool = False) -> pd.DataFrame:
        """The trials as a table of pandas; see `reports.records.StudyRecord.to_frame`."""
        return self.record.to_frame(epochs=epochs)

    def _repr_html_(self) -> str:
        """The verdict and the leaders, where a notebook shows what its last line returns."""
        return study_html(self.record, self.data.ranking, said=(repr(self).strip("<>"), self.data.verdict.headline))

    def __repr__(self) -> str:
        """A few words: a notebook shows what its last line returns."""
        now = self.outcome.snapshot
        best = f", best stable {now.metric} {plain_score(now.leaders[0].stable, now.metric)}" if now.leaders else ""
        return f"<sweep {self.record.name!r} {self.outcome.reason}: {now.done}/{now.target} trials{best}; report: {self.report}>"


def launch(sweep: SweepFile, options: LaunchOptions | None = None) -> LaunchResult:
    """Check, run or continue, report. A study with nothing left to do is only reported: neither TensorFlow nor Ray is started.

    Raises:
        SweepInputError: the sweep cannot be run as given, or its study was made from another file.
        TrainerInputError: the data or the model cannot be used.
        SweepError: the sweep was given up; the message says why.
    """
    chosen = options or LaunchOptions()
    path = Path(sweep.report.path or f"{sweep.study}.html").resolve()
    single = sweep.search.trials == 1
    with (
        progress_display(metric_named(sweep.search.metric).recorded, quiet=chosen.quiet, each_epoch=single) as progress,
        Database(storage_of(sweep)) as database,
    ):
        progress.message(f"study {sweep.study!r} in {storage_of(sweep)}")
        asked, sweep = sweep.search.trials, with_kept_trials(sweep, database)
        if sweep.search.trials > asked:
            progress.message(
                f"the study asks for {sweep.search.trials} trials already, more than search.trials: {asked}; they stay (Ctrl-C or budget: {{time: ...}} stop it earlier)"
            )
        there = look_at_study(sweep, chosen.history, database)
        note_known(sweep.study, sweep.to_yaml())
        over = None if there is None or chosen.order is not None else there.over
        if there is not None and over is not None:
            _note_changes(sweep, there, database)
        folder = chosen.folder or ("" if there is None else there.facts.facts.get(SWEEP_FOLDER, ""))
        with beside_sweep_file(folder):
            outcome = over or _run(sweep, replace(chosen, folder=folder), path, progress, there, database)
            data = _reported(read_study(database, sweep.study))
            if over is None and outcome.reason != "interrupted":
                complete_leaders(data, sweep, progress.message)
    _write_report(data, path)
    return LaunchResult(outcome, data, path, ran=over is None)


def _note_changes(sweep: SweepFile, there: ExistingStudy, database: Database) -> None:
    """Put on record what differs from the file of a study that has nothing left to do."""
    if there.comparison.verdict != "continues":
        return
    from sweeps.launch.preflight import look_at_data, own_config

    fingerprint = None
    if there.comparison.relocated:
        with beside_sweep_file(there.facts.facts.get(SWEEP_FOLDER, "")):
            data = look_at_data(sweep)[0]
        fingerprint = data.fingerprint
        check_data(sweep.study, there.facts, fingerprint, checkpoint_root(sweep), listing_of(data, own_config(sweep).data))
    record_without_running(sweep, fingerprint, database)


def _run(
    sweep: SweepFile, options: LaunchOptions, path: Path, progress: Progress, there: ExistingStudy | None, database: Database
) -> StudyOutcome:
    """Run the study until it ends, where its own modules and variables are at hand: data and models are looked at here too."""
    from reports.exports import check_place

    refuse_unsafe_place(database.storage)
    check_place(path)
    runtime = resolve_runtime(sweep, Path.cwd(), os.environ)
    with runtime.in_this_process():
        if there is not None:
            check_still_there(sweep, options.folder)
        study_options = _checked(sweep, options, progress, there)
        with (
            companions(sweep, path, progress.message) as beside,
            StopSignals(lambda name: progress.message(f"{name}: saving checkpoints and stopping; again to stop at once")) as signals,
        ):
            outcome = run_study(
                sweep,
                _executor(sweep if study_options.gpu is None else sweep.with_gpu(study_options.gpu), options, runtime, progress.message),
                observers=(progress, *beside.observers),
                stop_requested=signals.requested,
                options=study_options,
                database=database,
            )
            beside.on_end(outcome)
    return outcome


def _checked(sweep: SweepFile, options: LaunchOptions, progress: Progress, there: ExistingStudy | None) -> StudyOptions:
    """Look at data and model before anything is started."""
    from sweeps.launch.preflight import check_before_run

    if options.address is not None and sweep.resources.gpu == "auto" and smallest_gpu() is None:
        raise SweepInputError(
            "resources.gpu: auto looks at this machine's GPUs, and it has none; the cluster's cannot be seen from here. "
            "Give the share of a GPU that a trial shall have, e.g. --set resources.gpu=0.25."
        )
    progress.message("checking the data and the model ...")
    checked = check_before_run(sweep, progress.message)
    listing = listing_of(checked.data, checked.config.data)
    packing = checked.packing
    if packing is not None:
        progress.message(packing.sentence)
    if there is not None:
        check_data(sweep.study, there.facts, checked.data.fingerprint, checkpoint_root(sweep), listing)  # before Ray is started
    elif options.history is not None:
        progress.message(f"the study begins with the trials of {options.history.study} as history")
        look_at_history(options.history, sweep, checked.data.fingerprint)
    return StudyOptions(
        facts={
            **provenance(),
            "data_fingerprint": checked.data.fingerprint,
            **({SWEEP_FOLDER: options.folder} if options.folder and own_references(sweep) else {}),
        },
        versions=versions(),
        hardware=hardware(),
        boundaries=checked.probe.boundaries,
        history=options.history,
        order=options.order,
        sharing=options.sharing,
        own_batchnorm=checked.probe.facts.own_batchnorm or "",
        gpu=None if packing is None else packing.gpu,
        data=listing,
    )


def unused_settings(sweep: SweepFile, executor: str) -> list[tuple[str, str]]:
    """Settings that are given and that this executor does not use, each with one that does."""
    several = sweep.resources.slots not in ("auto", 1)
    return [
        (key, able)
        for key, idle, able in (
            ("runtime.tune", executor != "ray-tune" and sweep.runtime.tune != TuneSettings(), "ray-tune"),
            ("resources.slots", executor == "ray-tune" and several, "ray-core"),
            ("runtime.pip", executor == "inline" and bool(sweep.runtime.pip), "ray-core"),
        )
        if idle
    ]


def _executor(sweep: SweepFile, options: LaunchOptions, runtime: Runtime, say: Callable[[str], object]) -> Executor:
    for key, able in unused_settings(sweep, options.executor):
        say(f"{key}: not used by --executor {options.executor}; add --executor {able}")
    request = ExecutorRequest(
        sweep.resources,
        address=options.address,
        worker=replace(driver_settings(), environment=tuple(runtime.environment.items())),
        runtime_env=runtime.ray or None,
        private=[STORAGE_VARIABLE, *variables_in(storage_of(sweep))],  # only the driver talks to the storage
        tune=sweep.runtime.tune,
        name=sweep.study,
        say=say,
    )
    return make_executor(request, options.executor)


def _reported(record: StudyRecord) -> ReportData:
    """All that is said of the study at its end, found once: whose models are made whole, the report, and the last words."""
    from reports.verdict import build_report_data

    return build_report_data(record)


def _write_report(data: ReportData, path: Path) -> None:
    from reports.exports import write_atomically
    from reports.page import render_report
    from sweeps.thumbnails import report_pictures

    write_atomically(path, render_report(data, thumbnails=report_pictures(data)))
