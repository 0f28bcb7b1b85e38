"""Fresh trainings that a person asks for beside what the sweep file plans: what they cost, and that they are on record before the first begins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sweeps.errors import SweepInputError
from sweeps.record.study_record import RaceFacts, read_stored_study, stored_ledgers
from sweeps.standing import at_a_time
from sweeps.study.confirmation import cost_of, left_to_train, next_training, race_of, share_of_search
from sweeps.study.kill_points import reach
from sweeps.study.plan import plan_of
from sweeps.study.ranking import StudyRanking
from sweeps.study.state import StudyState

if TYPE_CHECKING:
    from sweeps.observer import ConfirmationCost
    from sweeps.record.recorded_study import RecordedStudy
    from sweeps.record.storage import Database
    from sweeps.record.study_record import StudyFacts
    from sweeps.study.plan import ConfirmationOrder, StudyPlan
    from sweeps.sweep_file import SweepFile


def look_at_order(sweep: SweepFile, order: ConfirmationOrder, database: Database | None = None) -> ConfirmationCost | None:
    """What an order would cost, by the record alone; None where nothing would be trained.

    Args:
        sweep: of an existing study.
        order: what is asked for.
        database: the sweep's storage, where it is open already.

    Raises:
        SweepInputError: a configuration is not known, or has no training that was finished or pruned.
    """
    facts, trials = read_stored_study(database or str(sweep.storage), sweep.study)
    plan = plan_of(sweep, "")
    state = StudyState(plan, trials)
    ranking = StudyRanking(sweep.study, state, lambda: facts, stored_ledgers(database or str(sweep.storage), sweep.study))
    race = _ordered(plan, state, facts, ranking, order)
    asked = facts if race is None else replace(facts, race=race)
    if next_training(plan, state, asked, ranking) is None and not state.live_confirmations():
        return None
    return cost_of(plan, state, asked, ranking, sweep.resources.concurrent or at_a_time(trials))


def place_order(order: ConfirmationOrder, plan: StudyPlan, record: RecordedStudy, state: StudyState) -> None:
    """Put on record which fresh trainings are asked for.

    Raises:
        SweepInputError: a configuration is not known, or another driver is running the study.
    """
    if others := record.other_drivers():
        raise SweepInputError(
            f"confirm: {', '.join(others)} {'is' if len(others) == 1 else 'are'} running study {record.name!r}, and may be planning its confirmation. "
            "Wait for it, or stop it there (Ctrl-C), then ask again."
        )
    race = _ordered(plan, state, record.facts, StudyRanking(record.name, state, lambda: record.facts, record.ledgers), order)
    if race is not None:
        record.update_facts(change=f"confirm: at most {race.trainings} more fresh trainings", race=race)
        reach("race-planned")


def _ordered(plan: StudyPlan, state: StudyState, facts: StudyFacts, ranking: StudyRanking, order: ConfirmationOrder) -> RaceFacts | None:
    """What an order adds to the record; None where it only goes on with what is planned.

    Raises:
        SweepInputError: a configuration is not known, or has no training that was finished or pruned.
    """
    names = tuple(dict.fromkeys(_known(name, state) for name in order.configurations))
    planned = race_of(plan, state, facts)
    trainings = order.trainings
    if trainings is None and order.seeds is not None:
        trainings = order.seeds * len(names or ranking.undecided())
    elif trainings is None:
        if not names and (left_to_train(planned, state) or state.live_confirmations()):
            return None
        trainings = len(names) or max(share_of_search(state.search_epochs(), plan.planned_epochs, state.tried_configurations()), 1)
    return RaceFacts(plan.confirm.text, state.search_configurations(), state.fresh_trainings, trainings, names)


def _known(name: str, state: StudyState) -> str:
    """The one configuration whose ID begins with `name`."""
    over = [trial for trial in state.finished.values() if trial.role != "history"]
    usable = {trial.configuration for trial in over if trial.state in {"COMPLETE", "PRUNED"}}
    own = {*(trial.configuration for trial in over), *(trial.configuration for trial in state.live.values())}
    found = sorted(configuration for configuration in own if configuration.startswith(name))
    if len(found) > 1:
        raise SweepInputError(f"confirm --configuration: {name} begins several configurations: {', '.join(found)}; write more of its ID.")
    refused = next((trial.infeasible for trial in over if found and trial.configuration == found[0] and trial.infeasible), "")
    if refused:
        raise SweepInputError(f"confirm --configuration: {name} was refused by search.limits ({refused}) and is not trained; name another.")
    if not found or found[0] not in usable:
        there = ", ".join(trial.configuration for trial in state.search_order()) or "none"
        why = "has no training that was finished or pruned" if found else "is no configuration of this study"
        raise SweepInputError(
            f"confirm --configuration: {name} {why}; expected one that was pruned, or one of those that are finished: {there}."
        )
    return found[0]
