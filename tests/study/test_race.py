"""A confirmation as a race: how much it may spend, where it goes, when it ends, and that it goes on where it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from recorder import Recorder

from reports.ranking import rank
from sweeps.errors import SweepInputError
from sweeps.executor.inline import InlineExecutor
from sweeps.progress.plain import confirmation, counts
from sweeps.record.study_record import read_stored_study, read_study_facts
from sweeps.study.confirmation import share_of_search
from sweeps.study.plan import ConfirmationOrder, StudyOptions
from sweeps.study.running import look_at_study, run_study
from sweeps.sweep_file import SweepFile, sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reports.records import StudyRecord, TrialRecord
    from sweeps.observer import StudyOutcome
    from sweeps.record.study_record import StudyFacts

SEARCH = "{trials: %d, sampler: random, pruner: none}"
CLOSE = {f"0.{place}": (0.85 + 0.004 * (place % 4), 0.85, 15.0) for place in range(1, 9)}
"""Dropout to its figure in the search and what fresh seeds reach, up to ten points more: a few of these tell nothing apart."""


@pytest.fixture
def lucky(sweep_text: Callable[..., str], tmp_path: Path) -> Callable[..., SweepFile]:
    """A sweep over dropouts, with what each reaches in the search and in fresh seeds."""

    def sweep(luck: dict[str, tuple[float, float]], confirm: str) -> SweepFile:
        (tmp_path / "luck.json").write_text(json.dumps(luck))
        keys = {
            "space": f"{{dropout: {{ordinal: [{', '.join(luck)}]}}}}",
            "search": f"{{trials: {len(luck)}, sampler: grid, pruner: none}}",
            "training": "{epochs: 6}",
        }
        return sweep_from_text(sweep_text(confirm=confirm, **keys))

    return sweep


@pytest.fixture
def facts(tmp_path: Path) -> Callable[[], StudyFacts]:
    return lambda: read_study_facts(f"sqlite:///{tmp_path}/fast.db", "fast")


def fresh(record: StudyRecord) -> list[TrialRecord]:
    return [trial for trial in record.trials if trial.role == "confirmation"]


def go(sweep: SweepFile, observers: tuple[Recorder, ...] = (), trainable: str = "lucky_training:train", **how: object) -> StudyOutcome:
    return run_study(sweep, InlineExecutor(), trainable=trainable, observers=observers, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("epochs", "configurations", "trainings"),
    [(24 * 16, 24, 4), (60 * 16, 60, 9), (36 * 16, 60, 5), (16, 1, 0), (32, 2, 1), (6 * 16, 6, 3)],
)
def test_auto_spends_15_percent_of_the_searched_epochs_and_enough_to_be_useful(epochs: int, configurations: int, trainings: int) -> None:
    assert share_of_search(epochs, 16, configurations) == trainings


def test_what_cannot_be_told_apart_takes_the_budget_and_no_more(
    lucky: Callable[..., SweepFile], record: Callable[[], StudyRecord], facts: Callable[[], StudyFacts]
) -> None:
    seen = Recorder()
    outcome = go(lucky(CLOSE, "auto"), (seen,))
    trained = fresh(record())
    assert len(trained) == 4
    assert len({(trial.configuration, trial.replicate) for trial in trained}) == 4
    assert len({trial.seed for trial in record().trials}) == len(record().trials) == 12
    race = facts().race
    assert race is not None
    assert (race.rule, race.after, race.begun, race.trainings, race.ended) == ("auto", 8, 0, 4, "")
    assert (outcome.snapshot.confirmations, outcome.snapshot.confirmations_target) == (4, 4)
    assert "4/4 confirmations" in counts(outcome.snapshot)
    ((cost, started),) = seen.costs
    assert (cost.race, cost.trials, cost.epochs, started) == (True, 4, 24, 8)
    assert cost.leaders > 1
    assert confirmation(cost).startswith(f"confirming: {cost.leaders} configurations may be the best; at most 4 fresh trainings to go")
    assert all("test_accuracy" in trial.figures for trial in trained)
    assert {tick.confirmations_target for tick in seen.ticks} == {4}


def test_a_race_ends_once_the_best_is_known(
    lucky: Callable[..., SweepFile], record: Callable[[], StudyRecord], facts: Callable[[], StudyFacts]
) -> None:
    luck = {"0.1": (0.90, 0.94), "0.2": (0.902, 0.80), "0.3": (0.6, 0.6), "0.4": (0.61, 0.6)}
    sweep = lucky(luck, "{budget: 30}")
    outcome = go(sweep)
    trained = fresh(record())
    dropouts = {trial.params["dropout"] for trial in trained}
    assert dropouts == {"0.1", "0.2"}, "those that are out get none"
    assert 2 <= len(trained) < 12
    race = facts().race
    assert race is not None
    assert race.ended == "decided"
    assert outcome.snapshot.confirmations_target == outcome.snapshot.confirmations == len(trained)
    assert outcome.snapshot.leaders[0].params["dropout"] == "0.1"
    there = look_at_study(sweep)
    assert there is not None
    assert there.over is not None
    assert there.over.reason == "done"


def test_off_trains_nothing_again(lucky: Callable[..., SweepFile], record: Callable[[], StudyRecord]) -> None:
    go(lucky(CLOSE, "off"))
    assert fresh(record()) == []


def test_a_larger_budget_goes_on_and_trains_nothing_twice(
    lucky: Callable[..., SweepFile], record: Callable[[], StudyRecord], facts: Callable[[], StudyFacts]
) -> None:
    go(lucky(CLOSE, "{budget: 2}"))
    go(lucky(CLOSE, "{budget: 5}"))
    trained = fresh(record())
    assert len({(trial.configuration, trial.seed) for trial in trained}) == len(trained) == 5
    assert "confirm: '{budget: 2}' -> '{budget: 5}'" in " ".join(facts().changes)


def test_a_race_that_is_interrupted_goes_on_as_if_it_had_not_been(
    lucky: Callable[..., SweepFile], record: Callable[[], StudyRecord], tmp_path: Path
) -> None:
    go(lucky(CLOSE, "{budget: 6}"))
    uninterrupted = [(trial.configuration, trial.seed) for trial in record().trials]
    for file in tmp_path.glob("fast.db*"):
        file.unlink()
    (tmp_path / "runs" / "study.json").unlink()
    seen = Recorder()
    stopped = go(lucky(CLOSE, "{budget: 6}"), (seen,), stop_requested=lambda: (10, 3) in seen.epochs)
    assert (stopped.reason, stopped.unfinished) == ("interrupted", (10,))
    assert stopped.snapshot.confirmations_target == 6
    go(lucky(CLOSE, "{budget: 6}"))
    assert [(trial.configuration, trial.seed) for trial in record().trials] == uninterrupted


def test_several_at_a_time_train_different_seeds_and_keep_to_the_budget(
    lucky: Callable[..., SweepFile], record: Callable[[], StudyRecord]
) -> None:
    run_study(lucky(CLOSE, "{budget: 7}"), InlineExecutor(3), trainable="lucky_training:train")
    trained = fresh(record())
    assert len({(trial.configuration, trial.replicate) for trial in trained}) == len(trained) == 7
    assert {trial.state for trial in trained} == {"COMPLETE"}


def test_fresh_trainings_that_fail_end_the_race_and_not_the_budget_over_and_over(
    lucky: Callable[..., SweepFile], record: Callable[[], StudyRecord]
) -> None:
    sweep = lucky(CLOSE, "{budget: 30}")
    outcome = go(sweep, trainable="lucky_training:fails_when_fresh")
    trained = fresh(record())
    assert outcome.reason == "done"
    assert {trial.state for trial in trained} == {"FAIL"}
    assert len(trained) <= len(CLOSE), "no configuration is tried again and again"
    again = go(sweep, trainable="lucky_training:fails_when_fresh")
    assert (again.reason, len(fresh(record()))) == ("done", len(trained))


def test_more_search_trials_plan_anew_and_what_was_trained_still_counts(
    run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord], facts: Callable[[], StudyFacts]
) -> None:
    run(search=SEARCH % 8, confirm="{budget: 2}")
    first = [(trial.configuration, trial.replicate) for trial in fresh(record())]
    outcome = run(search=SEARCH % 20, confirm="{budget: 2}")
    trained = [(trial.configuration, trial.replicate) for trial in fresh(record())]
    race = facts().race
    assert race is not None
    assert (race.after, race.begun) == (20, len(first))
    assert trained[: len(first)] == first
    assert len(set(trained)) == len(trained) <= 4
    assert outcome.snapshot.confirmations == outcome.snapshot.confirmations_target == len(trained)


def test_a_study_of_one_configuration_needs_no_confirmation(run: Callable[..., StudyOutcome], record: Callable[[], StudyRecord]) -> None:
    run(search=SEARCH % 1, confirm="auto")
    run(search=SEARCH % 1, confirm="{budget: 3}")
    assert fresh(record()) == []


def order(
    sweep: SweepFile, *, observers: tuple[Recorder, ...] = (), stop: Callable[[], bool] = lambda: False, **asked: object
) -> StudyOutcome:
    options = StudyOptions(order=ConfirmationOrder(**asked))  # type: ignore[arg-type]
    return go(sweep, observers, options=options, stop_requested=stop)


def test_an_order_adds_fresh_trainings_for_each_that_is_still_in(
    lucky: Callable[..., SweepFile], record: Callable[[], StudyRecord], facts: Callable[[], StudyFacts]
) -> None:
    sweep = lucky(CLOSE, "off")
    go(sweep)
    still_in = 1 + len(rank(record()).configurations[0].tied_with)
    order(sweep, seeds=1)
    assert len(fresh(record())) == still_in > 1
    order(sweep, trainings=3)
    assert len(fresh(record())) == still_in + 3
    race = facts().race
    assert race is not None
    assert (race.rule, race.begun, race.trainings) == ("off", still_in, 3)
    assert go(sweep).reason == "done"
    assert len(fresh(record())) == still_in + 3, "a run of the sweep adds none"


def test_an_order_for_configurations_trains_each_as_often(lucky: Callable[..., SweepFile], record: Callable[[], StudyRecord]) -> None:
    sweep = lucky({"0.1": (0.95, 0.95), "0.2": (0.5, 0.5), "0.3": (0.4, 0.4)}, "auto")
    go(sweep)
    before = len(fresh(record()))
    worst = [trial.configuration for trial in record().trials if trial.params["dropout"] != "0.1" and trial.role == "search"]
    order(sweep, seeds=2, configurations=(worst[0][:6], worst[1]))
    added = [trial.configuration for trial in fresh(record())][before:]
    assert added == [*worst, *worst]


def test_an_order_trains_a_pruned_configuration_to_the_end(sweep_text: Callable[..., str], record: Callable[[], StudyRecord]) -> None:
    search = "{trials: 12, sampler: random, pruner: asha, pruner_options: {grace: 2, reduction: 2}}"
    sweep = sweep_from_text(sweep_text(search=search, confirm="off"))
    go(sweep, trainable="fast_training:train")
    cut = next(trial for trial in record().trials if trial.state == "PRUNED")
    options = StudyOptions(order=ConfirmationOrder(trainings=1, configurations=(cut.configuration[:6],)))
    go(sweep, trainable="fast_training:train", options=options)
    (trained,) = fresh(record())
    assert (trained.configuration, trained.state, trained.num_epochs) == (cut.configuration, "COMPLETE", cut.planned_epochs)


def test_an_order_that_is_interrupted_goes_on_and_a_new_one_takes_its_place(
    lucky: Callable[..., SweepFile], record: Callable[[], StudyRecord]
) -> None:
    sweep = lucky(CLOSE, "off")
    go(sweep)
    seen = Recorder()
    order(sweep, trainings=4, observers=(seen,), stop=lambda: (9, 2) in seen.epochs)
    assert [trial.state for trial in fresh(record())] == ["COMPLETE", "RUNNING"]
    order(sweep)
    assert [trial.state for trial in fresh(record())] == ["COMPLETE"] * 4
    seen = Recorder()
    order(sweep, trainings=4, observers=(seen,), stop=lambda: (13, 2) in seen.epochs)
    order(sweep, trainings=1)
    assert len(fresh(record())) == 7


def test_an_order_confirms_a_stopped_search_without_going_on_with_it(
    run: Callable[..., StudyOutcome], sweep_text: Callable[..., str], record: Callable[[], StudyRecord]
) -> None:
    sweep = sweep_from_text(sweep_text(search=SEARCH % 12, confirm="auto"))
    seen = Recorder()
    go(sweep, (seen,), trainable="fast_training:train", stop_requested=lambda: (5, 2) in seen.epochs)
    assert [trial.state for trial in record().trials] == ["COMPLETE"] * 5 + ["RUNNING"]
    outcome = go(sweep, trainable="fast_training:train", options=StudyOptions(order=ConfirmationOrder(trainings=2)))
    assert (outcome.reason, outcome.unfinished) == ("done", ())
    assert [trial.state for trial in record().trials[:6]] == ["COMPLETE"] * 5 + ["RUNNING"]
    assert [trial.role for trial in record().trials[6:]] == ["confirmation"] * (len(record().trials) - 6)
    finished = run(search=SEARCH % 12, confirm="auto")
    assert finished.snapshot.done == 12
    assert {trial.state for trial in record().trials} == {"COMPLETE"}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            {"configurations": ("nothing",)},
            "nothing is no configuration of this study; expected one that was pruned, or one of those that are finished: ",
        ),
        ({"configurations": ("",)}, "begins several configurations"),
    ],
)
def test_an_order_for_what_is_not_there_is_refused(
    asked: dict[str, object], words: str, lucky: Callable[..., SweepFile], record: Callable[[], StudyRecord]
) -> None:
    sweep = lucky(CLOSE, "off")
    go(sweep)
    with pytest.raises(SweepInputError, match=words):
        order(sweep, seeds=1, **asked)
    assert fresh(record()) == []


def test_a_study_of_before_with_fixed_leaders_goes_on_with_them(
    lucky: Callable[..., SweepFile], record: Callable[[], StudyRecord], tmp_path: Path
) -> None:
    seen = Recorder()
    go(lucky(CLOSE, "{top: 2, seeds: 2}"), (seen,), stop_requested=lambda: (9, 2) in seen.epochs)
    go(lucky(CLOSE, "{top: 2, seeds: 2}"))
    facts, _ = read_stored_study(f"sqlite:///{tmp_path}/fast.db", "fast")
    assert [trial.configuration for trial in fresh(record())] == [*facts.leaders, *facts.leaders]
    assert facts.race is None
