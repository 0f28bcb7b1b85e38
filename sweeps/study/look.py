"""A look at a sweep's study before anything is started for it: what forbids going on, and whether anything is left to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweeps.record import open_study, read_stored_study, read_study_facts, study_exists
from sweeps.study.assignments import is_over
from sweeps.study.continuing import check_continues, check_data, check_history, record_changes
from sweeps.study.history_import import look_at_history
from sweeps.study.outcome import StudyOutcome
from sweeps.study.plan import plan_of
from sweeps.study.ranking import StudyRanking
from sweeps.study.running import storage_of
from sweeps.study.snapshots import Snapshots
from sweeps.study.state import StudyState

if TYPE_CHECKING:
    from sweeps.record.facts import HistorySource, StudyFacts
    from sweeps.study.outcome import EndReason
    from sweeps.study.plan import StudyPlan
    from sweeps.sweep_file import Comparison, SweepFile

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


def with_kept_trials(sweep: SweepFile) -> SweepFile:
    """The sweep, with the trials that its study already asks for where these are more: ``resume --trials`` raises them, and a file need not follow."""
    url = storage_of(sweep)
    asked = read_study_facts(url, sweep.study).target_trials if study_exists(url, sweep.study) else None
    if asked is None or asked <= sweep.search.trials:
        return sweep
    return sweep.model_copy(update={"search": sweep.search.model_copy(update={"trials": asked})})


def look_at_study(sweep: SweepFile, history: HistorySource | None = None) -> ExistingStudy | None:
    """The study that a sweep would continue, or None where it would make a new one. Needs neither the data nor the model.

    Args:
        sweep: resolved.
        history: the study whose trials a new one is to begin with.

    Raises:
        OtherSweepError: the study exists and was made from another sweep file.
        SweepInputError: history cannot be imported.
    """
    url = storage_of(sweep)
    if not study_exists(url, sweep.study):
        if history is not None:
            look_at_history(history, sweep)
        return None
    facts, trials = read_stored_study(url, sweep.study)
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


def record_without_running(sweep: SweepFile, fingerprint: str | None = None) -> None:
    """Write to a finished study what its sweep's new settings are.

    Raises:
        StudyLockedError: another driver is running it.
    """
    record = open_study(storage_of(sweep), sweep.study)
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
