"""What stays below storage_path of trials that are over, and that nothing of those that are not is touched."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sweeps.errors import SweepInputError
from sweeps.executor.inline import InlineExecutor
from sweeps.study import run_study
from sweeps.study.observer import FinishedTrial
from sweeps.study.plan import plan_of
from sweeps.study.retention import KeptConfigurations, Retention
from sweeps.sweep_file import sweep_from_text
from trainer.places import open_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import S3

    from sweeps.study import StudyOutcome
    from sweeps.study.plan import StudyPlan


def trial(number: int, stable: float | None, state: str = "COMPLETE", **more: object) -> FinishedTrial:
    told = {"role": "search", "configuration": f"configuration-{number}", "params": {}, "epochs": 9, "level": stable, "best": stable} | more
    return FinishedTrial(number=number, state=state, stable=stable, last=stable, **told)  # type: ignore[arg-type]


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


def test_the_best_five_are_kept_and_those_pushed_out_are_told(plan: StudyPlan) -> None:
    kept = KeptConfigurations(plan)
    assert [kept.add(trial(number, number / 10)) for number in range(5)] == [[], [], [], [], []]
    assert kept.add(trial(5, 0.25)) == [0]
    assert kept.add(trial(6, 0.05)) == [6]
    assert kept.add(trial(7, 0.99, provisional=True)) == [7]
    assert kept.add(trial(8, None, "PRUNED")) == []
    assert kept.add(trial(9, 0.3, role="confirmation", configuration="configuration-4")) == []
    assert kept.add(trial(10, 0.1, configuration="configuration-4")) == []  # an equal configuration, trained again
    configurations = {number: f"configuration-{4 if number in (9, 10) else number}" for number in range(11)}
    kept_models = [number for number, name in configurations.items() if kept.keeps_model_of(trial(number, None, configuration=name))]
    assert kept_models == [1, 2, 3, 4, 5, 9, 10]
    assert kept.add(trial(11, 0.5)) == [1]


def test_as_many_as_are_confirmed_and_a_loss_counts_downwards(plan: StudyPlan) -> None:
    kept = KeptConfigurations(replace(plan, confirm_top=6, maximize=False))
    assert [kept.add(trial(number, number / 10)) for number in range(8)] == [[]] * 6 + [[6], [7]]


@pytest.mark.parametrize("where", ["local", "s3"])
def test_finished_trials_are_cleared_and_running_ones_are_not(
    where: str, plan: StudyPlan, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place = str(tmp_path / "there") if where == "local" else request.getfixturevalue("s3").url
    fill(place, 0, 1, 2, 3, 7)
    open_folder(place, "test").write("notes/00001.txt", b"")
    retention = Retention(replace(plan, checkpoint_root=place), [trial(0, 0.9), trial(1, None, "FAIL")])
    retention.start()
    retention.finished(trial(2, 0.2, "PRUNED"))
    retention.close([trial(3, 0.5)], 60)  # 3: another driver's; 7 is running
    everything = {
        "epoch-00009/checksums.json",
        "epoch-00009/weights.npz",
        "candidate-00007/weights.npz",
        "model.keras",
        "export.json",
        "mine.txt",
    }
    model = {"model.keras", "export.json", "mine.txt"}
    open_folder(place, "test").remove(["notes/00001.txt"])
    assert left(place) == {0: model, 1: {"mine.txt"}, 2: {"mine.txt"}, 3: model, 7: everything}


def test_a_store_that_is_away_costs_room_and_no_run(plan: StudyPlan, s3: S3, caplog: pytest.LogCaptureFixture) -> None:
    fill(s3.url, 0, 1)
    s3.gate.shut()
    with caplog.at_level(logging.WARNING):
        retention = Retention(replace(plan, checkpoint_root=s3.url), [trial(0, None, "FAIL")])
        retention.start()
        retention.finished(trial(1, None, "PRUNED"))
        retention.close((), 60)
    assert [record.message.partition(" (")[0] for record in caplog.records] == [
        "storage_path: checkpoints of finished trials could not be removed"
    ]
    s3.gate.reopen()
    again = Retention(replace(plan, checkpoint_root=s3.url), [trial(0, None, "FAIL"), trial(1, None, "PRUNED")])
    again.start()
    again.close((), 60)
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
    with pytest.raises(SweepInputError, match="or delete that place if the other study is gone"):
        run(search=search)


def test_a_folder_that_a_removal_cut_short_left_empty_goes_too(plan: StudyPlan, tmp_path: Path) -> None:
    emptied = tmp_path / "runs" / "00001" / "epoch-00009"
    emptied.mkdir(parents=True)
    (tmp_path / "runs" / "00001" / "mine.txt").write_text("kept")
    over = trial(1, None, "PRUNED")
    retention = Retention(replace(plan, checkpoint_root=str(tmp_path / "runs")), [over])
    retention.start()
    retention.close([over], 30.0)
    assert not emptied.exists()
    assert (tmp_path / "runs" / "00001" / "mine.txt").read_text() == "kept"
