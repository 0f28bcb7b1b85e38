"""A new study that begins with an old one's trials."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import optuna
import pytest

from reports.exports import to_json
from reports.page import render_report
from reports.ranking import rank
from sweeps.errors import SweepInputError
from sweeps.executor.inline import InlineExecutor
from sweeps.record import read_study
from sweeps.record.study_record import HistorySource, read_stored_study, read_study_facts
from sweeps.search.view import View
from sweeps.study.plan import StudyOptions, plan_of
from sweeps.study.running import run_study
from sweeps.study.state import StudyState
from sweeps.sweep_file import SweepFile, sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reports.records import StudyRecord
    from sweeps.observer import StudyOutcome

WIDER = "{learning_rate: {float: [1.0e-6, 1.0], log: true}, dropout: {float: [0.0, 0.6], step: 0.05}, head_bn: {choice: [true, false]}}"
SEARCH = "{trials: 5, sampler_options: {n_startup_trials: 3}}"


class Studies:
    """Runs sweeps of the fast trainable in one storage."""

    def __init__(self, folder: Path, sweep_text: Callable[..., str]) -> None:
        self.url = f"sqlite:///{folder}/fast.db"
        self._folder, self._text = folder, sweep_text

    def text(self, **keys: str) -> str:
        return self._text(storage_path=f"{self._folder}/runs-{keys.get('study', 'fast')}", **keys)

    def sweep(self, **keys: str) -> SweepFile:
        return sweep_from_text(self.text(**keys))

    def run(self, source: str | None = None, fingerprint: str = "same", **keys: str) -> StudyOutcome:
        history = None if source is None else HistorySource(source, self.url)
        options = StudyOptions(facts={"data_fingerprint": fingerprint}, history=history)
        return run_study(self.sweep(**keys), InlineExecutor(), trainable="fast_training:train", options=options)

    def record(self, name: str) -> StudyRecord:
        return read_study(self.url, name)

    def state(self, name: str, **keys: str) -> StudyState:
        return StudyState(plan_of(self.sweep(study=name, **keys), "fast_training:train"), read_stored_study(self.url, name)[1])


@pytest.fixture
def studies(tmp_path: Path, sweep_text: Callable[..., str]) -> Studies:
    """A storage with the finished study ``fast``."""
    made = Studies(tmp_path, sweep_text)
    made.run(search="{trials: 8, sampler: random, pruner: asha, pruner_options: {grace: 2, reduction: 2}}")
    return made


def test_a_wider_space_begins_with_the_old_trials_and_ranks_its_own_alone(studies: Studies) -> None:
    old = studies.record("fast")
    outcome = studies.run("fast", study="wide", space=WIDER, search=SEARCH)
    new = studies.record("wide")
    assert outcome.snapshot.done == len(new.trials) == 5
    assert {trial.role for trial in new.trials} == {"search"}
    assert len(rank(new).configurations) == 5
    assert [trial.source for trial in new.history] == [("fast", trial.number) for trial in old.trials]
    assert new.history_source == "fast"
    for before, after in zip(old.trials, new.history, strict=True):
        assert dict(after.params) == {**before.params, "head_bn": "false"}
        assert (after.state, after.seed, dict(after.figures)) == (before.state, before.seed, dict(before.figures))
        assert after.curves["val_accuracy"].tolist() == before.curves["val_accuracy"].tolist()
    assert not {trial.configuration for trial in new.trials} & {trial.configuration for trial in new.history}
    facts = read_study_facts(studies.url, "wide").history
    assert facts is not None
    assert (facts.complete, facts.imported, dict(facts.left_out)) == (True, 8, {})


def test_the_report_shows_history_apart(studies: Studies) -> None:
    studies.run("fast", study="wide", space=WIDER, search="{trials: 2}")
    page = render_report(studies.record("wide"))
    assert "This study began with 8 trials of fast" in page
    for trial in studies.record("fast").trials:  # what was pruned holds nothing
        assert (f"fast, trial {trial.number}<" in page) == (trial.state == "COMPLETE")
    document = json.loads(to_json(studies.record("wide")))
    assert sum(document["states"].values()) == 2
    assert [trial["source"] for trial in document["history"]] == [{"study": "fast", "trial": number} for number in range(8)]
    studies.run("fast", study="long", training="{epochs: 7}", search="{trials: 1}")
    assert "8 of them were shorter trainings" in render_report(studies.record("long"))


def test_the_sampler_and_the_pruner_know_the_old_trials(studies: Studies) -> None:
    studies.run("fast", study="wide", space=WIDER, search="{trials: 1}")
    state = studies.state("wide", space=WIDER)
    assert [trial.state for trial in state.seen()][:8] == [trial.state for trial in studies.record("fast").trials]
    assert len(state.book.levels_at(2)) == 9
    assert state.search_configurations() == 1
    assert all(trial.role == "search" for trial in state.search_order())


def test_more_epochs_show_the_old_trials_as_shorter_ones_that_may_be_trained_again(studies: Studies) -> None:
    studies.run("fast", study="long", training="{epochs: 7}", search="{trials: 1}")
    keys = {"training": "{epochs: 7}"}
    state = studies.state("long", **keys)
    history = [trial for trial in state.seen() if trial.shorter]
    assert len(history) == 8
    assert {trial.state for trial in history} == {"PRUNED"}
    assert state.book.levels_at(2) == pytest.approx(state.book.levels_at(2)[:1])
    assert not state.taken & {trial.configuration for trial in history}
    space = studies.sweep(**keys).space
    by_length = View(pruned_as_complete=False).of(state.seen(), space)
    assert sum(trial.state is optuna.trial.TrialState.PRUNED for trial in by_length) == 8
    assert all(not trial.shorter for trial in state.seen() if trial not in history)
    assert len(View(pruned_as_complete=True).of(state.seen(), space)) == 1
    told = optuna.load_study(study_name="long", storage=studies.url)
    assert told.best_trial.user_attrs["role"] == "search"
    assert all(trial.planned_epochs == 5 for trial in studies.record("long").history)


def test_trials_outside_the_new_space_are_left_out_and_counted(studies: Studies) -> None:
    narrow = "{learning_rate: {float: [1.0e-4, 1.0e-2], log: true}, dropout: {float: [0.0, 0.3], step: 0.05}}"
    studies.run("fast", study="inside", space=narrow, search="{trials: 1}")
    expected = [
        trial.number
        for trial in studies.record("fast").trials
        if 1e-4 <= trial.params["learning_rate"] <= 1e-2 and trial.params["dropout"] <= 0.3
    ]
    assert 0 < len(expected) < 8
    assert [trial.source for trial in studies.record("inside").history] == [("fast", number) for number in expected]
    facts = read_study_facts(studies.url, "inside").history
    assert facts is not None
    assert dict(facts.left_out) == {"outside the new space": 8 - len(expected)}
    told = f"{len(expected)} trials of fast (left out: {8 - len(expected)} outside the new space)"
    assert studies.record("inside").facts["history"] == told


def test_history_of_history_keeps_where_it_came_from(studies: Studies) -> None:
    studies.run("fast", study="wide", space=WIDER, search="{trials: 1}")
    studies.run("wide", study="wider", space=WIDER, search="{trials: 2, seed: 1}")
    sources = [trial.source for trial in studies.record("wider").history]
    assert sources == [*(("fast", number) for number in range(8)), ("wide", 8)]


@pytest.mark.parametrize("moment", [1, 5, 8])
def test_a_driver_killed_while_importing_imports_everything_once(moment: int, studies: Studies, driver_process: Callable[..., int]) -> None:
    text = studies.text(study="wide", space=WIDER, search="{trials: 2}")
    assert driver_process(text, kill_at=f"history-imported:{moment}", source=("fast", studies.url)) == -signal.SIGKILL
    assert driver_process(text, source=None if moment == 5 else ("fast", studies.url)) == 0
    new = studies.record("wide")
    assert [trial.source for trial in new.history] == [("fast", number) for number in range(8)]
    assert [trial.num_epochs for trial in new.history] == [trial.num_epochs for trial in studies.record("fast").trials]
    assert len(new.trials) == 2


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"data": "{source: digits, split: {seed: 3}}"}, r"data\.split\.seed: 0 -> 3 \(the data is part"),
        ({"search": "{metric: val_loss}"}, r"search\.metric: .*another metric"),
        ({"model": "{backbone: plain_cnn}"}, r"model\.backbone: .*the model is part"),
        ({"training": "{epochs: 4}"}, r"training\.epochs: 5 -> 4 \(its trials are longer"),
        ({"training": "{epochs: 5, batch_size: 16}"}, r"training\.batch_size: .*trained in another way"),
    ],
)
def test_a_study_that_says_nothing_about_the_new_one_is_refused_before_anything_is_written(
    keys: dict[str, str], message: str, studies: Studies
) -> None:
    with pytest.raises(SweepInputError, match=message):
        studies.run("fast", study="other", **keys)
    with pytest.raises(SweepInputError, match="no study 'other'"):
        studies.record("other")


def test_other_data_and_a_study_that_exists_are_refused(studies: Studies) -> None:
    with pytest.raises(SweepInputError, match="trained on other data"):
        studies.run("fast", fingerprint="other", study="wide", space=WIDER)
    studies.run(study="there", search="{trials: 1}")
    with pytest.raises(SweepInputError, match="exists and began without another study's trials"):
        studies.run("fast", study="there", search="{trials: 1}")


def test_what_was_fixed_may_be_searched_and_the_other_way_round(studies: Studies) -> None:
    space = "{learning_rate: {float: [1.0e-5, 1.0e-1], log: true}, dropout: {float: [0.0, 0.6], step: 0.05}, batch_size: {choice: [16, 32, 64]}}"
    studies.run("fast", study="batches", space=space, search="{trials: 1}")
    batch = str(studies.sweep().training.batch_size)
    assert {trial.params["batch_size"] for trial in studies.record("batches").history} == {batch}
    fixed = studies.record("fast").trials[0].params["dropout"]
    studies.run(
        "fast",
        study="fixed",
        space="{learning_rate: {float: [1.0e-5, 1.0e-1], log: true}}",
        model=f"{{dropout: {fixed}}}",
        search="{trials: 1}",
    )
    assert ("fast", 0) in [trial.source for trial in studies.record("fixed").history]
