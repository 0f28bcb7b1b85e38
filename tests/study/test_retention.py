"""What stays below storage_path of trials that are over, and that nothing of those that are not is touched."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reports.records import TrialRecord
from sweeps.errors import SweepInputError
from sweeps.executor.inline import InlineExecutor
from sweeps.record.study_record import StudyFacts
from sweeps.study.plan import plan_of
from sweeps.study.ranking import StudyRanking
from sweeps.study.retention import Retention
from sweeps.study.running import run_study
from sweeps.study.state import StudyState, score_of
from sweeps.sweep_file import sweep_from_text
from sweeps.sweep_file.settings import ConfirmSettings
from trainer.places import open_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import S3

    from sweeps.observer import StudyOutcome
    from sweeps.study.plan import StudyPlan


def trial(number: int, stable: float | None, state: str = "COMPLETE", *, epochs: int = 9, **more: object) -> TrialRecord:
    """A trial that is over, whose curve is flat."""
    curve = np.full(0 if stable is None else epochs, stable, dtype=np.float32)
    told = {"role": "search", "configuration": f"configuration-{number}", "seed": number, "params": {}, "planned_epochs": 9} | more
    score = {} if stable is None else score_of(curve, complete=state == "COMPLETE", maximize=True)
    return TrialRecord(number=number, state=state, curves={"val_accuracy": curve}, score=score, **told)  # type: ignore[arg-type]


class Study:
    """A study whose trials end one by one; `confirmed` are the configurations whose confirmation has begun."""

    def __init__(self, plan: StudyPlan, *over: TrialRecord) -> None:
        self.state = StudyState(plan, over)
        self.confirmed: tuple[str, ...] = ()
        facts = StudyFacts(plan.metric, plan.maximize, 0, None, 9)
        ranking = StudyRanking("fast", self.state, lambda: facts)
        self.retention = Retention(plan, self.state, ranking, lambda: self.confirmed)

    def end(self, *trials: TrialRecord) -> None:
        """Trials of this driver end."""
        for each in trials:
            self.elsewhere(each)
            self.retention.finished(each)

    def elsewhere(self, each: TrialRecord) -> None:
        """Another driver's trial ends."""
        self.state.finished[each.number] = each


@pytest.fixture
def plan(sweep_text: Callable[..., str]) -> StudyPlan:
    return plan_of(sweep_from_text(sweep_text()), "fast_training:train")


def fill(place: str, *numbers: int) -> None:
    folder = open_folder(place, "test")
    for number in numbers:
        for name in (
            "epoch-00009/checksums.json",
            "epoch-00009/weights.npz",
            "candidate-00007/weights.npz",
            "model.keras",
            "trained.npz",
            "export.json",
            "mine.txt",
        ):
            folder.write(f"{number:05d}/{name}", b"{}")


def left(place: str) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for name in open_folder(place, "test").files():
        number, _, rest = name.partition("/")
        if rest:
            found.setdefault(int(number), set()).add(rest)
    return found


def kept(plan: StudyPlan, tmp_path: Path, *trials: TrialRecord, confirmed: tuple[str, ...] = ()) -> set[int]:
    """Numbers of the trials whose models are left once `trials` are over, one after the other."""
    place = str(tmp_path / "kept")
    fill(place, *(each.number for each in trials))
    study = Study(replace(plan, checkpoint_root=place))
    study.confirmed = confirmed
    study.retention.start()
    study.end(*trials)
    study.retention.close(60)
    return {number for number, files in left(place).items() if "model.keras" in files}


def test_the_models_of_the_best_five_are_kept(plan: StudyPlan, tmp_path: Path) -> None:
    trials = [
        *(trial(number, number / 10) for number in range(5)),
        trial(5, 0.25),  # pushes 0 out
        trial(6, 0.05),
        trial(7, 0.99, epochs=2),  # provisional: below all others
        trial(8, 0.97, "PRUNED"),
        trial(9, 0.4, role="confirmation", configuration="configuration-4"),
        trial(10, 0.4, configuration="configuration-4"),  # an equal configuration, trained again
    ]
    assert kept(plan, tmp_path, *trials) == {1, 2, 3, 4, 5, 9, 10}
    assert kept(plan, tmp_path, *trials, trial(11, 0.5)) == {2, 3, 4, 5, 9, 10, 11}


def test_one_more_than_are_confirmed_and_a_loss_counts_downwards(plan: StudyPlan, tmp_path: Path) -> None:
    trials = [trial(number, number / 10) for number in range(9)]
    assert kept(replace(plan, confirm=ConfirmSettings(top=6, seeds=1), maximize=False), tmp_path, *trials) == set(range(7))


def test_the_next_best_keeps_its_model_while_the_leaders_are_confirmed_and_one_bad_seed_costs_no_model(
    plan: StudyPlan, tmp_path: Path
) -> None:
    searched = [trial(number, 0.9 - number / 100) for number in range(8)]
    fresh = [trial(8 + number, 0.3, role="confirmation", configuration=f"configuration-{number}") for number in range(5)]
    leaders = tuple(f"configuration-{number}" for number in range(5))
    models = kept(replace(plan, confirm=ConfirmSettings(top=5, seeds=1)), tmp_path, *searched, *fresh, confirmed=leaders)
    assert 5 in models, "it leads once all of the first five have fallen"
    assert models >= set(range(5)) | {each.number for each in fresh}


@pytest.mark.parametrize("where", ["local", "s3"])
def test_finished_trials_are_cleared_and_running_ones_are_not(
    where: str, plan: StudyPlan, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place = str(tmp_path / "there") if where == "local" else request.getfixturevalue("s3").url
    fill(place, 0, 1, 2, 3, 7)
    open_folder(place, "test").write("notes/00001.txt", b"")
    study = Study(replace(plan, checkpoint_root=place), trial(0, 0.9), trial(1, None, "FAIL"))
    study.retention.start()
    study.end(trial(2, 0.2, "PRUNED"))
    study.elsewhere(trial(3, 0.5))
    study.retention.close(60)  # 7 is running
    everything = {
        "epoch-00009/checksums.json",
        "epoch-00009/weights.npz",
        "candidate-00007/weights.npz",
        "model.keras",
        "trained.npz",
        "export.json",
        "mine.txt",
    }
    model = {"model.keras", "trained.npz", "export.json", "mine.txt"}
    open_folder(place, "test").remove(["notes/00001.txt"])
    assert left(place) == {0: model, 1: {"mine.txt"}, 2: {"mine.txt"}, 3: model, 7: everything}


def test_a_store_that_is_away_costs_room_and_no_run(plan: StudyPlan, s3: S3, caplog: pytest.LogCaptureFixture) -> None:
    fill(s3.url, 0, 1)
    s3.gate.shut()
    with caplog.at_level(logging.WARNING):
        study = Study(replace(plan, checkpoint_root=s3.url), trial(0, None, "FAIL"))
        study.retention.start()
        study.end(trial(1, None, "PRUNED"))
        study.retention.close(60)
    assert [record.message.partition(" (")[0] for record in caplog.records] == [
        "storage_path: checkpoints of finished trials could not be removed"
    ]
    s3.gate.reopen()
    again = Study(replace(plan, checkpoint_root=s3.url), trial(0, None, "FAIL"), trial(1, None, "PRUNED")).retention
    again.start()
    again.close(60)
    assert left(s3.url) == {0: {"mine.txt"}, 1: {"mine.txt"}}


def test_a_place_that_holds_another_study_is_refused(
    run: Callable[..., StudyOutcome], sweep_text: Callable[..., str], tmp_path: Path
) -> None:
    search = "{trials: 1, pruner: none}"
    run(search=search)
    other = sweep_text(search=search, study="another", storage=f"sqlite:///{tmp_path}/another.db")
    with pytest.raises(
        SweepInputError, match=r"runs holds the checkpoints of study 'fast', made .*, and this is study 'another', which is new"
    ):
        run_study(sweep_from_text(other), InlineExecutor(), trainable="fast_training:train")
    assert not (tmp_path / "another.db").exists()
    run(search="{trials: 2, pruner: none}")  # its own study goes on
    for database in tmp_path.glob("fast.db*"):
        database.unlink()
    with pytest.raises(SweepInputError, match=r"add --set storage_path=.*/runs-2.*rm -r .*/runs"):
        run(search=search)


def test_a_folder_that_a_removal_cut_short_left_empty_goes_too(plan: StudyPlan, tmp_path: Path) -> None:
    emptied = tmp_path / "runs" / "00001" / "epoch-00009"
    emptied.mkdir(parents=True)
    (tmp_path / "runs" / "00001" / "mine.txt").write_text("kept")
    over = trial(1, None, "PRUNED")
    retention = Study(replace(plan, checkpoint_root=str(tmp_path / "runs")), over).retention
    retention.start()
    retention.close(30.0)
    assert not emptied.exists()
    assert (tmp_path / "runs" / "00001" / "mine.txt").read_text() == "kept"
