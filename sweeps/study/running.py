"""`run_study`: opens or makes the study of a sweep and runs it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sweeps.environment import host_and_owner
from sweeps.errors import SweepInputError
from sweeps.record import Storage, StudyExistsError, StudyFacts, create_study, open_study, study_exists
from sweeps.record.storage import opened
from sweeps.search.view import record_distributions
from sweeps.storage_path import claim, refuse_claimed
from sweeps.study.continuing import check_history, record_changes, storage_of
from sweeps.study.driver import StudyDriver
from sweeps.study.history_import import import_history, look_at_history
from sweeps.study.plan import StudyOptions, parameter_record, plan_of
from sweeps.study.state import StudyState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sweeps.executor.protocol import Executor
    from sweeps.observer import StudyObserver, StudyOutcome
    from sweeps.record.recorded_study import RecordedStudy
    from sweeps.record.storage import Database
    from sweeps.study.plan import StudyPlan
    from sweeps.sweep_file import SweepFile

KERAS_TRAINABLE = "sweeps.keras_trainable:train_trial"


def run_study(
    sweep: SweepFile,
    executor: Executor,
    *,
    trainable: str = KERAS_TRAINABLE,
    observers: Sequence[StudyObserver] = (),
    stop_requested: Callable[[], bool] = lambda: False,
    options: StudyOptions | None = None,
    database: Database | None = None,
) -> StudyOutcome:
    """Run a sweep to its end, or continue the study it has: nothing finished is lost, nothing runs twice.

    Args:
        sweep: resolved sweep file.
        executor: runs the trials; closed when this returns or raises.
        trainable: ``package.module:function``.
        observers: called with what happens.
        stop_requested: asked between events; True saves the running trials for the next run and returns.
        options: what identifies the study beyond its file, and how the run behaves.
        database: the sweep's storage, where it is open already; it stays open.

    Raises:
        SweepInputError: the study exists and the file differs where it must not; the message lists the differences.
        StudyLockedError: another driver is running the study (SQLite; on PostgreSQL they share it).
        SweepAbortedError: the first trials all failed alike.
    """
    chosen = options or StudyOptions()
    with opened(database or storage_of(sweep)) as storage:
        try:
            plan = plan_of(sweep, trainable, chosen.boundaries)
            record = _open(storage, sweep, plan, chosen)
        except BaseException:
            executor.close(0.0)
            raise
        try:
            driver = StudyDriver(plan, record, StudyState(plan, record.trials()), executor, observers, chosen)
            outcome = driver.run(stop_requested)
            if outcome.reason == "space exhausted" and not record.facts.exhausted:
                record.update_facts(exhausted=True)
            return outcome
        finally:
            record.close()


def _open(database: Database, sweep: SweepFile, plan: StudyPlan, options: StudyOptions) -> RecordedStudy:
    """The sweep's study, made if it does not exist, with what this run changes written to its history."""
    try:
        Storage(storage_of(sweep)).refuse_password()  # a sweep built by hand, which no file's check has seen
    except ValueError as error:
        raise SweepInputError(f"storage: {error}") from None
    fingerprint = options.facts.get("data_fingerprint")
    if not study_exists(database, sweep.study):
        refuse_claimed(plan.checkpoint_root, sweep.study)
        if options.history is not None:
            look_at_history(options.history, sweep, fingerprint)  # refused before anything is written
        try:
            record = create_study(database, sweep.study, _facts(sweep, plan, options), options.times)
        except StudyExistsError:  # another driver made it in between
            record = open_study(database, sweep.study, options.times)
    else:
        record = open_study(database, sweep.study, options.times)
    try:
        claim(plan.checkpoint_root, record.name, record.facts.created)
        check_history(record.name, record.facts, options.history)
        record_changes(record, sweep, fingerprint)
        _import_history(record, plan, sweep, options)
    except BaseException:
        record.close()
        raise
    return record


def _import_history(record: RecordedStudy, plan: StudyPlan, sweep: SweepFile, options: StudyOptions) -> None:
    """Let the study begin with another one's trials, where it shall and does not yet; of several drivers, one imports and the others wait."""
    if record.facts.history is None or record.facts.history.complete:
        return
    with record.alone():
        source = record.facts.history
        if source is not None and not source.complete:
            history = look_at_history(source, sweep, options.facts.get("data_fingerprint"))
            import_history(record, plan, sweep, history, options.boundaries)


def _facts(sweep: SweepFile, plan: StudyPlan, options: StudyOptions) -> StudyFacts:
    return StudyFacts(
        metric=plan.metric,
        maximize=plan.maximize,
        seed=plan.seed,
        target_trials=plan.trials,
        planned_epochs=plan.planned_epochs,
        sweep_file=sweep.to_yaml(),
        parameters=tuple(parameter_record(parameter) for parameter in sweep.space.parameters.values()),
        distributions=record_distributions(sweep.space),
        versions=options.versions,
        hardware=options.hardware,
        facts={**host_and_owner(), **options.facts},
        created=datetime.now(UTC),
        history=options.history,
    )
