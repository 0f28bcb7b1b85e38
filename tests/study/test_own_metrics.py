"""A study that ranks by a person's own metric, from the example in the repository to report, CSV, status and the stored file's trust."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reports.exports import to_csv, to_json
from reports.page import render_report
from reports.verdict import build_report_data
from sweeps.cli.main import main
from sweeps.executor.inline import InlineExecutor
from sweeps.record import read_study
from sweeps.study.plan import plan_of
from sweeps.study.running import run_study
from sweeps.sweep_file import load_sweep_file
from sweeps.trust import check_trusted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.verdict import ReportData

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_code"
SMALL = (
    "training.epochs=6",
    "training.batch_size=10",
    "search.trials=2",
    "search.sampler=grid",
    "space={learning_rate: {choice: [0.003]}, loss: {choice: [auto, 'my_stuff:ordered']}}",
    "data.split={train: 100, validation: 150, test: 100}",
    "confirm={top: 1, seeds: 1}",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The example, run small in its own folder, which is the current one."""
    path = tmp_path_factory.mktemp("own") / "study"
    shutil.copytree(EXAMPLE, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        sweep = load_sweep_file("own.yaml", [*SMALL, f"storage=sqlite:///{path}/own.db"])
        assert run_study(sweep, InlineExecutor()).reason == "done"
        yield path


@pytest.fixture(scope="module")
def data(folder: Path) -> ReportData:
    return build_report_data(read_study(f"sqlite:///{folder}/own.db", "own"))


def test_the_smallest_is_the_best_and_all_metrics_are_on_record(folder: Path, data: ReportData) -> None:
    assert data.study.metric == "val_far_off"
    assert not data.study.maximize
    stable = [row.stable for row in data.ranking.finished if row.stable is not None]
    assert len(stable) == 2
    for trial in data.study.trials:
        assert {"val_far_off", "val_auc", "val_recall_8", "val_f2_8", "val_ece"} <= set(trial.curves)
        best = min(trial.curves["val_far_off"])
        assert trial.score["best"] == pytest.approx(best)
        assert trial.score["stable"] >= best
    confirmed = [trial for trial in data.study.trials if trial.role == "confirmation"]
    assert len(confirmed) == 1
    assert "test_far_off" in confirmed[0].figures
    assert len((folder / "diary.txt").read_text().splitlines()) == 6 * len(data.study.trials)


def test_it_is_shown_on_its_own_scale_and_shares_in_percent(data: ReportData) -> None:
    page = render_report(data)
    assert "val_far_off" in page
    assert "validation far off" in data.answer.sentence
    assert "%" not in data.answer.sentence.partition("validation far off")[0]
    trial = data.study.trials[0]
    table = to_csv(data)
    assert "val_recall_8" in "".join(table.values() if isinstance(table, dict) else table)
    assert json.loads(to_json(data))["study"]["metric"] == "val_far_off"
    assert max(trial.curves["val_far_off"]) > 1.0


def test_status_and_export_follow_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    storage = ("--storage", f"sqlite:///{folder}/own.db")
    assert main(["status", "own", *storage, "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    (study,) = said["studies"]
    assert study["metric"] == "val_far_off"
    assert study["best"]["stable"] > 0.2


def test_resuming_the_other_way_round_is_refused_and_a_stranger_s_code_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from sweeps.errors import SweepInputError

    arguments = ["run", "own.yaml", "--storage", f"sqlite:///{folder}/own.db", *(word for each in SMALL for word in ("--set", each))]
    assert main([*arguments, "--set", "search.direction=maximize"]) == 2
    assert "search.direction" in capsys.readouterr().err
    sweep = load_sweep_file("own.yaml", SMALL)
    with pytest.raises(SweepInputError) as raised:
        check_trusted("another text", sweep, (), study="own", trust=False)
    for setting, code in (("search.metric", "far_off"), ("training.callbacks", "Diary"), ("training.loss", "ordered")):
        asked = f"{setting}: imports and calls my_stuff:{code}"
        assert asked in str(raised.value)


def test_who_trains_alone_is_said_and_the_plan_minimises(folder: Path) -> None:
    del folder
    sweep = load_sweep_file("own.yaml", SMALL)
    plan = plan_of(sweep, "x:y")
    assert (plan.metric, plan.maximize) == ("val_far_off", False)


def test_bad_settings_are_told_with_the_line_of_the_file(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del folder
    file = tmp_path / "wrong.yaml"
    lines = ["study: wrong", "data:", "  source: digits", "training:", "  metrics: [val_auk]", "  loss: focl"]
    file.write_text("\n".join([*lines, "space: {dropout: {float: [0.0, 0.5]}}", 'search: {metric: "my_stuff:far_off"}']))
    assert main(["check", str(file), "--no-batch"]) == 2
    said = capsys.readouterr().err
    assert "wrong.yaml:5: training.metrics" in said
    assert "did you mean 'val_auc'" in said
    assert "wrong.yaml:6: training.loss" in said
    file.write_text(file.read_text().replace("val_auk", "val_auc").replace("focl", "focal"))
    assert main(["check", str(file), "--no-batch"]) == 2
    assert "search.direction: my_stuff:far_off is a function of yours: say which of its values are better" in capsys.readouterr().err
