"""Whether a study may go on under a sweep file, whether anything is left to do, and what of that is written to its history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweeps.errors import SweepInputError
from sweeps.observer import StudyOutcome
from sweeps.record import open_study, read_stored_study, read_study_facts, study_exists
from sweeps.record.storage import opened
from sweeps.study.assignments import is_over
from sweeps.study.history_import import look_at_history
from sweeps.study.plan import parameter_record, plan_of
from sweeps.study.ranking import StudyRanking
from sweeps.study.snapshots import Snapshots
from sweeps.study.state import StudyState
from sweeps.sweep_file import Comparison, SweepFile, compare, history_obstacles, sweep_from_text

if TYPE_CHECKING:
    from sweeps.observer import EndReason
    from sweeps.record.facts import HistorySource, StudyFacts
    from sweeps.record.recorded_study import RecordedStudy
    from sweeps.record.storage import Database
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


def check_data(study: str, facts: StudyFacts, fingerprint: str | None) -> None:
    """Compare the data with the study's.

    Raises:
        SweepInputError: it is other data.
    """
    known = facts.facts.get("data_fingerprint")
    if known and fingerprint and known != fingerprint:
        raise SweepInputError(
            f"study {study!r}: the data is not the study's (fingerprint {fingerprint}, expected {known}). "
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
    if any(difference.path == "space" for difference in comparison.differences) and (others := record.other_drivers()):
        raise SweepInputError(
            f"space: narrowed while {', '.join(others)} {'is' if len(others) == 1 else 'are'} running study {record.name!r} in the wider one. "
            "Stop the study there first, or join it with the space that it has."
        )
    if comparison.verdict == "continues":
        record.update_facts(
            change="; ".join(str(difference) for difference in comparison.differences),
            sweep_file=sweep.to_yaml(),
            target_trials=sweep.search.trials,
            settled="" if _asks_for_more(comparison) else record.facts.settled,
            parameters=tuple(parameter_record(parameter) for parameter in sweep.space.parameters.values()),
        )
    if fingerprint and not record.facts.facts.get("data_fingerprint"):
        record.update_facts(facts={**record.facts.facts, "data_fingerprint": fingerprint})


def _asks_for_more(comparison: Comparison) -> bool:
    """Whether what changed reopens a search that was settled: more trials, another limit, another space."""
    return any(each.path in ("search.trials", "budget.stop_when_settled", "space") for each in comparison.differences)


NO_TRAINABLE = ""


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

    def check_data(self, study: str, fingerprint: str) -> None:
        """Compare the data with the study's.

        Raises:
            SweepInputError: it is other data.
        """
        check_data(study, self.facts, fingerprint)


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
    if facts is None:
        if history is not None:
            look_at_history(history, sweep)
        return None
    check_history(sweep.study, facts, history)
    comparison = check_continues(sweep.study, facts, sweep)
    plan = plan_of(sweep, NO_TRAINABLE)
    state = StudyState(plan, trials)
    reason = _reason(plan, state, facts)
    if reason is None:
        return ExistingStudy(facts, comparison, None)
    snapshot = Snapshots(sweep.study, plan, state, StudyRanking(sweep.study, state, lambda: facts)).take("over")
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


def _reason(plan: StudyPlan, state: StudyState, facts: StudyFacts) -> EndReason | None:
    """Why a run would end at once, or None when it would not."""
    if facts.history is not None and not facts.history.complete:
        return None
    if plan.gpu_hours is not None and state.device_time.gpu_hours() >= plan.gpu_hours and not is_over(plan, state, facts):
        return "gpu-hours budget"
    if not is_over(plan, state, facts):
        return None
    if state.search_configurations() >= plan.trials:
        return "done"
    return "space exhausted" if facts.exhausted else "settled"
