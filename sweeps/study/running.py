"""`run_study` opens or makes the study of a sweep and runs it; `look_at_study` says whether it may go on under a sweep file and whether anything is left to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sweeps.environment import host_and_owner
from sweeps.errors import SweepInputError
from sweeps.observer import StudyOutcome
from sweeps.record.errors import StudyExistsError
from sweeps.record.opening import create_study, open_study
from sweeps.record.storage import Storage, opened
from sweeps.record.study_record import StudyFacts, read_stored_study, read_study_facts, stored_ledgers, study_exists, waiting_points
from sweeps.search.view import record_distributions
from sweeps.seeds import BY_TRAINING, COMMON, SEEDS, STREAMS
from sweeps.storage_path import claim, refuse_claimed
from sweeps.study.assignments import is_over
from sweeps.study.data_listing import difference, keep_listing
from sweeps.study.driver import StudyDriver
from sweeps.study.history_import import import_history, look_at_history
from sweeps.study.ordering import place_order
from sweeps.study.plan import StudyOptions, parameter_record, plan_of
from sweeps.study.ranking import StudyRanking
from sweeps.study.siblings import OLDER_STUDY, SHARING_OFF
from sweeps.study.snapshots import Snapshots
from sweeps.study.state import StudyState
from sweeps.sweep_file import SweepFile, sweep_from_text
from sweeps.sweep_file.comparison import Comparison, compare, history_obstacles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sweeps.executor.protocol import Executor
    from sweeps.observer import EndReason, StudyObserver
    from sweeps.record.recorded_study import RecordedStudy
    from sweeps.record.storage import Database
    from sweeps.record.study_record import HistorySource
    from sweeps.study.plan import StudyPlan


def storage_of(sweep: SweepFile) -> str:
    """The sweep's storage URL, variables unexpanded."""
    return sweep.storage or f"sqlite:///./{sweep.study}.db"


class OtherSweepError(SweepInputError):
    """The study exists and was made from another sweep file.

    Attributes:
        importable: whether a new study made from the file could begin with this one's trials (``--from``).
    """

    def __init__(self, message: str, *, importable: bool) -> None:
        super().__init__(message)
        self.importable = importable


def check_continues(study: str, facts: StudyFacts, sweep: SweepFile) -> Comparison:
    """Compare a sweep with the file of its study.

    Raises:
        OtherSweepError: it is another sweep; the message lists the differences.
    """
    stored = sweep_from_text(facts.sweep_file, f"study {study}")
    comparison = compare(stored, sweep)
    if comparison.verdict == "refused":
        differences = "\n".join(f"  {difference}" for difference in comparison.refused)
        raise OtherSweepError(
            f"study {study!r} exists and was made from another sweep file:\n{differences}\n"
            "Expected the same settings (resources, runtime, budget, report, confirmation, more trials or a narrowed space may differ). "
            "Give the new sweep another name (study: NAME), or restore the settings.",
            importable=not history_obstacles(stored, sweep),
        )
    return comparison


def check_data(study: str, facts: StudyFacts, fingerprint: str | None, root: str = "", listing: bytes = b"") -> None:
    """Compare the data with the study's.

    Args:
        study: its name.
        facts: what it was made with.
        fingerprint: of the data that is there now.
        root: the study's storage_path.
        listing: which images are there now (`sweeps.study.data_listing`), so that the message can say what differs.

    Raises:
        SweepInputError: it is other data.
    """
    known = facts.facts.get("data_fingerprint")
    if known and fingerprint and known != fingerprint:
        what = difference(root, known, listing) if listing else ""
        raise SweepInputError(
            f"study {study!r}: the data is not the study's (fingerprint {fingerprint}, expected {known}). {what}{' ' if what else ''}"
            "Restore the images and their split, or start a new study."
        )


def check_history(study: str, facts: StudyFacts, wanted: HistorySource | None) -> None:
    """Compare ``--from`` with what an existing study began with.

    Raises:
        SweepInputError: it began without, or with another study.
    """
    if wanted is None:
        return
    there = facts.history
    if there is None or (there.study, there.storage) != (wanted.study, wanted.storage):
        began = "without another study's trials" if there is None else f"with those of {there.study!r} in {there.storage}"
        raise SweepInputError(
            f"--from {wanted.study}: study {study!r} exists and began {began}; history is only imported into a new study. "
            "Give the new sweep another name (study: NAME, or --set study=NAME)."
        )


def record_changes(record: RecordedStudy, sweep: SweepFile, fingerprint: str | None) -> None:
    """Let a study go on under `sweep`: write what changed to its history.

    Raises:
        SweepInputError: it is another sweep, or other data.
    """
    comparison = check_continues(record.name, record.facts, sweep)
    check_data(record.name, record.facts, fingerprint)
    changed = {difference.path for difference in comparison.differences}
    if "space" in changed and (others := record.other_drivers()):
        raise SweepInputError(
            f"space: narrowed while {', '.join(others)} {'is' if len(others) == 1 else 'are'} running study {record.name!r} in the wider one. "
            "Stop the study there first, or join it with the space that it has."
        )
    if comparison.verdict == "continues":
        record.update_facts(
            change="; ".join(str(difference) for difference in comparison.differences),
            sweep_file=sweep.to_yaml(),
            target_trials=sweep.search.trials,
            settled="" if changed & REOPENING else record.facts.settled,
            parameters=tuple(parameter_record(parameter) for parameter in sweep.space.parameters.values()),
        )
    if fingerprint and not record.facts.facts.get("data_fingerprint"):
        record.update_facts(facts={**record.facts.facts, "data_fingerprint": fingerprint})


REOPENING = {"search.trials", "budget.stop_when_settled", "space"}
"""A change of these reopens a search that was settled: more trials, another limit, another space."""
NO_TRAINABLE = ""
SWEEP_FOLDER = "sweep_folder"
"""Fact: where the sweep file lay in the last run that was given it; on record where the study uses modules of one's own, which may lie beside it."""


@dataclass(frozen=True)
class ExistingStudy:
    """A study as its record tells it, without becoming its driver.

    Attributes:
        facts: what it is.
        comparison: of its file with the sweep's.
        over: how it ended, when nothing is left to do; else None.
    """

    facts: StudyFacts
    comparison: Comparison
    over: StudyOutcome | None


def with_kept_trials(sweep: SweepFile, database: Database | None = None) -> SweepFile:
    """The sweep, with the trials that its study already asks for where these are more: ``resume --trials`` raises them, and a file need not follow."""
    with opened(database or storage_of(sweep)) as storage:
        asked = read_study_facts(storage, sweep.study).target_trials if study_exists(storage, sweep.study) else None
    if asked is None or asked <= sweep.search.trials:
        return sweep
    return sweep.model_copy(update={"search": sweep.search.model_copy(update={"trials": asked})})


def look_at_study(sweep: SweepFile, history: HistorySource | None = None, database: Database | None = None) -> ExistingStudy | None:
    """The study that a sweep would continue, or None where it would make a new one. Needs neither the data nor the model.

    Args:
        sweep: resolved.
        history: the study whose trials a new one is to begin with.
        database: the sweep's storage, where it is open already.

    Raises:
        OtherSweepError: the study exists and was made from another sweep file.
        SweepInputError: history cannot be imported.
    """
    with opened(database or storage_of(sweep)) as storage:
        there = study_exists(storage, sweep.study)
        facts, trials = read_stored_study(storage, sweep.study) if there else (None, [])
        waiting = waiting_points(storage, sweep.study) if there else ()
    if facts is None:
        if history is not None:
            look_at_history(history, sweep)
        return None
    check_history(sweep.study, facts, history)
    comparison = check_continues(sweep.study, facts, sweep)
    plan = plan_of(sweep, NO_TRAINABLE)
    state = StudyState(plan, trials)
    ranking = StudyRanking(sweep.study, state, lambda: facts, stored_ledgers(database or storage_of(sweep), sweep.study))
    reason = None if waiting else _reason(plan, state, facts, ranking)
    if reason is None:
        return ExistingStudy(facts, comparison, None)
    snapshot = Snapshots(sweep.study, plan, state, ranking).take("over")
    note = facts.settled if reason == "settled" else ""
    return ExistingStudy(facts, comparison, StudyOutcome(reason, snapshot, tuple(sorted(state.live)), note))


def record_without_running(sweep: SweepFile, fingerprint: str | None = None, database: Database | None = None) -> None:
    """Write to a finished study what its sweep's new settings are.

    Raises:
        StudyLockedError: another driver is running it.
    """
    record = open_study(database or storage_of(sweep), sweep.study)
    try:
        record_changes(record, sweep, fingerprint)
    finally:
        record.close()


def _reason(plan: StudyPlan, state: StudyState, facts: StudyFacts, ranking: StudyRanking) -> EndReason | None:
    """Why a run would end at once, or None when it would not."""
    if facts.history is not None and not facts.history.complete:
        return None
    if not is_over(plan, state, facts, ranking):
        return "gpu-hours budget" if plan.gpu_hours is not None and state.device_time.gpu_hours() >= plan.gpu_hours else None
    if state.search_configurations() >= plan.trials:
        return "done"
    return "space exhausted" if facts.exhausted else "settled"


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
            plan = plan_of(sweep if chosen.gpu is None else sweep.with_gpu(chosen.gpu), trainable, chosen.boundaries)
            record = _open(storage, sweep, plan, chosen)
        except BaseException:
            executor.close(0.0)
            raise
        try:
            plan = _with_siblings(plan, record, chosen)
            state = StudyState(plan, record.trials())
            if chosen.order is not None:
                place_order(chosen.order, plan, record, state)
            driver = StudyDriver(plan, record, state, executor, observers, chosen)
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
        if options.data and record.facts.facts.get("data_fingerprint", fingerprint) == fingerprint:
            keep_listing(plan.checkpoint_root, options.data)
        check_history(record.name, record.facts, options.history)
        record_changes(record, sweep, fingerprint)
        if options.facts.get(SWEEP_FOLDER) not in (None, record.facts.facts.get(SWEEP_FOLDER)):
            record.update_facts(facts={**record.facts.facts, SWEEP_FOLDER: options.facts[SWEEP_FOLDER]})
        _import_history(record, plan, sweep, options)
    except BaseException:
        record.close()
        raise
    return record


def _with_siblings(plan: StudyPlan, record: RecordedStudy, options: StudyOptions) -> StudyPlan:
    """The plan, in which no training carries siblings where this study or this run does not want it."""
    if plan.siblings is None:
        return plan
    by_training = record.facts.facts.get(SEEDS) == BY_TRAINING
    reasons = {
        OLDER_STUDY: not by_training,
        SHARING_OFF: not options.sharing,
        f"the model's BatchNorm layer {options.own_batchnorm} updates its moving statistics in a way of its own": bool(
            options.own_batchnorm
        ),
    }
    reason = next((reason for reason, holds in reasons.items() if holds), "")
    return replace(plan, siblings=plan.siblings.switched_off(reason, seeds_by_training=by_training)) if reason else plan


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
        cost=plan.cost,
        sweep_file=sweep.to_yaml(),
        parameters=tuple(parameter_record(parameter) for parameter in sweep.space.parameters.values()),
        distributions=record_distributions(sweep.space),
        versions=options.versions,
        hardware=options.hardware,
        facts={**host_and_owner(), STREAMS: COMMON, SEEDS: BY_TRAINING, **options.facts},
        created=datetime.now(UTC),
        history=options.history,
    )
