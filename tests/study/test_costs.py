"""What networks cost: measured once an architecture, refused above a limit before an epoch, searched for a frontier."""

from __future__ import annotations

import json
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import optuna
import pytest
from killable import sweep_in

from reports.costs import frontier, infeasible
from reports.exports.as_json import to_json
from reports.exports.tables import to_csv
from reports.page.report import render_report
from reports.ranking import rank
from sweeps.cli.check import check
from sweeps.cli.status import status
from sweeps.errors import SweepInputError
from sweeps.executor.inline import InlineExecutor
from sweeps.launch.limits import corners_of, judge_limits
from sweeps.launch.model_probe import MeasuredNetwork
from sweeps.record import read_study
from sweeps.study.plan import ConfirmationOrder, StudyOptions
from sweeps.study.running import run_study
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.records import StudyRecord

SPACE = "{dense: {choice: {small: [32], middle: [128], large: [512]}}, learning_rate: {float: [1.0e-5, 1.0e-1], log: true}}"
LIMITED = {"space": SPACE, "search": "{trials: 8, limits: {parameters: 2.0e+6, file_mb: 20}, sampler_options: {n_startup_trials: 3}}"}
FRONTIER = {"space": SPACE, "search": "{trials: 10, cost: latency_ms, sampler_options: {n_startup_trials: 3}}", "confirm": "{budget: 2}"}


def run(folder: Path, keys: dict[str, str]) -> StudyRecord:
    run_study(sweep_from_text(sweep_in(folder, **keys)), InlineExecutor(1), trainable="costly_training:train")
    return read_study(f"sqlite:///{folder}/fast.db", "fast")


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyRecord, Path]:
    folder = tmp_path_factory.mktemp("limited")
    return run(folder, LIMITED), folder


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyRecord, Path]:
    folder = tmp_path_factory.mktemp("frontier")
    return run(folder, FRONTIER), folder


def test_a_network_above_a_limit_is_refused_once_and_trained_never(limited: tuple[StudyRecord, Path]) -> None:
    study, folder = limited
    refused = [trial for trial in study.trials if trial.infeasible]
    assert [trial.params["dense"] for trial in refused] == ["large"]  # known from then on: no further one is proposed
    assert refused[0].state == "PRUNED"
    assert refused[0].num_epochs == 0
    assert refused[0].cause == "infeasible: parameters is 5,120,000, the limit is 2,000,000; file_mb is 20.48, the limit is 20"
    assert {trial.params["dense"] for trial in study.trials if trial.state == "COMPLETE"} == {"small", "middle"}
    assert len(study.trials) == 8
    measured = (folder / "measured.txt").read_text().split()
    assert len(measured) == len(set(measured)) == 3


def test_trials_of_one_architecture_have_one_figure(searched: tuple[StudyRecord, Path]) -> None:
    study, folder = searched
    latencies = {
        label: {t.figures["latency_ms"] for t in study.trials if t.params["dense"] == label} for label in ("small", "middle", "large")
    }
    assert all(len(each) <= 1 for each in latencies.values())
    assert len((folder / "measured.txt").read_text().split()) <= 3


def test_the_refused_are_never_ranked_and_told_everywhere(limited: tuple[StudyRecord, Path], capsys: pytest.CaptureFixture[str]) -> None:
    study, folder = limited
    ranking = rank(study)
    (row,) = [row for row in ranking.configurations if row.state == "infeasible"]
    assert row.stable is None
    assert row.configuration not in {each.configuration for each in ranking.finished}
    (refused,) = infeasible(study.trials)
    assert refused.configurations == (row.configuration,)
    page = render_report(study)
    assert refused.reason.split(";")[0] in page
    assert "saved by pruning" not in page  # nothing was pruned
    document = json.loads(to_json(study))
    assert document["infeasible"] == [{"reason": refused.reason, "configurations": [row.configuration]}]
    assert status("fast", storage=f"sqlite:///{folder}/fast.db", output_format="text", watch=False) == 0
    assert f"refused before an epoch, 1: {refused.reason}" in capsys.readouterr().out


def test_the_refused_are_not_confirmed(limited: tuple[StudyRecord, Path]) -> None:
    study, folder = limited
    refused = next(trial.configuration for trial in study.trials if trial.infeasible)
    order = StudyOptions(order=ConfirmationOrder(trainings=1, configurations=(refused,)))
    with pytest.raises(SweepInputError, match=r"was refused by search\.limits \(parameters is 5,120,000"):
        run_study(sweep_from_text(sweep_in(folder, **LIMITED)), InlineExecutor(1), trainable="costly_training:train", options=order)


def test_the_sampler_is_told_of_broken_limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told: list[dict[str, float]] = []
    infer = optuna.samplers.TPESampler.infer_relative_search_space

    def listen(self: optuna.samplers.TPESampler, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> object:
        told[:] = [each.constraints for each in study.get_trials(deepcopy=False) if each.state is optuna.trial.TrialState.PRUNED]
        return infer(self, study, trial)

    monkeypatch.setattr(optuna.samplers.TPESampler, "infer_relative_search_space", listen)
    run(tmp_path, LIMITED)
    assert told == [{"parameters": pytest.approx(1.56), "file_mb": pytest.approx(0.024)}]


def test_a_resumed_search_knows_what_was_measured(limited: tuple[StudyRecord, Path], tmp_path: Path) -> None:
    run(tmp_path, {**LIMITED, "search": LIMITED["search"].replace("trials: 8", "trials: 5")})
    resumed = run(tmp_path, LIMITED)
    assert [(trial.configuration, trial.state, dict(trial.figures)) for trial in resumed.trials] == [
        (trial.configuration, trial.state, dict(trial.figures)) for trial in limited[0].trials
    ]
    measured = (tmp_path / "measured.txt").read_text().split()
    assert len(measured) == len(set(measured))


def test_a_point_that_a_person_asks_for_is_refused_without_a_worker(tmp_path: Path) -> None:
    run(tmp_path, LIMITED)
    optuna.load_study(study_name="fast", storage=f"sqlite:///{tmp_path}/fast.db").enqueue_trial({"dense": "large", "learning_rate": 0.05})
    study = run(tmp_path, LIMITED)
    assert study.trials[-1].infeasible
    assert study.trials[-1].attempts == ()
    assert len((tmp_path / "measured.txt").read_text().split()) == 3


@pytest.mark.parametrize("kill_at", ["ended-received", "attributes-set"])
def test_a_driver_that_dies_while_it_refuses_loses_nothing(
    kill_at: str, limited: tuple[StudyRecord, Path], tmp_path: Path, driver_process: Callable[..., int | None]
) -> None:
    number = next(trial.number for trial in limited[0].trials if trial.infeasible)
    code = driver_process(sweep_in(tmp_path, **LIMITED), f"{kill_at}:{number + 1}", trainable="costly_training:train")
    assert code == -signal.SIGKILL
    study = run(tmp_path, LIMITED)
    assert [(trial.configuration, trial.state, trial.cause) for trial in study.trials] == [
        (trial.configuration, trial.state, trial.cause) for trial in limited[0].trials
    ]


def test_the_frontier_of_what_is_held_against_a_cost(searched: tuple[StudyRecord, Path], capsys: pytest.CaptureFixture[str]) -> None:
    study, folder = searched
    stored = optuna.load_study(study_name="fast", storage=f"sqlite:///{folder}/fast.db")
    assert [direction.name for direction in stored.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert {trial.number: trial.values[1] for trial in stored.trials} == {
        trial.number: trial.figures["latency_ms"] for trial in study.trials
    }
    assert stored.best_trials
    rows = frontier(rank(study).configurations, "latency_ms", maximize=True).rows
    costs, held = [row.trials[0].figures["latency_ms"] for row in rows], [row.stable for row in rows]
    assert costs == sorted(set(costs))
    assert held == sorted(set(held))  # type: ignore[type-var]
    assert all(row.stable_interval is not None for row in rows)  # the fresh seeds tell the noise
    document = json.loads(to_json(study))
    assert [each["configuration"] for each in document["frontier"]["configurations"]] == [row.configuration for row in rows]
    assert all(len(each["stable_interval"]) == 2 for each in document["frontier"]["configurations"])
    lines = to_csv(study).configurations.splitlines()
    on = lines[0].split(",").index("on_frontier")
    assert sum(line.split(",")[on] == "True" for line in lines[1:]) == len(rows)
    assert "latency_ms" in lines[0].split(",")
    page = render_report(study)
    assert "Frontier: the most that is held at each latency of one image" in page
    assert "measured before training" in page
    status("fast", storage=f"sqlite:///{folder}/fast.db", output_format="text", watch=False)
    text = capsys.readouterr().out
    assert "frontier of stable val_accuracy against latency of one image" in text
    assert rows[0].short in text


def fresh(study: StudyRecord) -> Counter[str]:
    return Counter(trial.configuration for trial in study.trials if trial.role == "confirmation")


def test_fresh_trainings_go_to_the_frontiers_members_in_turn_the_most_doubtful_first(tmp_path: Path) -> None:
    off = {**FRONTIER, "confirm": "off"}
    before = run(tmp_path, off)
    members = frontier(rank(before).configurations, "latency_ms", maximize=True).rows
    assert len(members) == 3
    held = [row.stable or 0.0 for row in members]
    doubtful = min(zip(held, held[1:], members[1:], strict=False), key=lambda each: each[1] - each[0])[2]
    leader = rank(before).configurations[0]

    def ordered(trainings: int) -> StudyRecord:
        order = StudyOptions(order=ConfirmationOrder(trainings=trainings))
        run_study(sweep_from_text(sweep_in(tmp_path, **off)), InlineExecutor(1), trainable="costly_training:train", options=order)
        return read_study(f"sqlite:///{tmp_path}/fast.db", "fast")

    assert list(fresh(ordered(1))) == [doubtful.configuration]
    study = ordered(5)
    confirmed = frontier(rank(study).configurations, "latency_ms", maximize=True).rows
    assert sum(fresh(study).values()) == 6
    assert all(row.confirmed and row.stable_interval is not None for row in confirmed), "the budget suffices for each"
    assert leader.configuration in fresh(study)
    document = json.loads(to_json(study))
    assert [each["fresh_seeds"] for each in document["frontier"]["configurations"]] == [
        fresh(study)[row.configuration] for row in confirmed
    ]
    assert '<th scope="col">fresh seeds</th>' in render_report(study)


def test_a_fixed_number_of_seeds_begins_with_the_frontier(tmp_path: Path) -> None:
    study = run(tmp_path, {**FRONTIER, "confirm": "{top: 3, seeds: 1}"})
    searched = replace(study, trials=tuple(trial for trial in study.trials if trial.role != "confirmation"))
    members = frontier(rank(searched).configurations, "latency_ms", maximize=True).rows
    assert {row.configuration for row in members} <= set(fresh(study))
    assert len(fresh(study)) == 3


def test_what_a_frontier_cannot_be_searched_with_is_refused(sweep_text: Callable[..., str]) -> None:
    for search, key in (("{cost: latency_ms, pruner: asha}", "search.pruner"), ("{cost: file_mb, sampler: cmaes}", "search.sampler")):
        with pytest.raises(SweepInputError, match=key):
            sweep_from_text(sweep_text(space=SPACE, search=search))
    with pytest.raises(SweepInputError, match="stop_when_settled"):
        sweep_from_text(sweep_text(space=SPACE, search="{cost: parameters}", budget="{stop_when_settled: 0.01}"))


def test_limits_are_part_of_what_a_study_is(tmp_path: Path) -> None:
    run(tmp_path, {**LIMITED, "search": LIMITED["search"].replace("trials: 8", "trials: 1")})
    with pytest.raises(SweepInputError, match=r"search\.limits\.parameters.*refused, or trained, by the other limits"):
        run(
            tmp_path,
            {**LIMITED, "search": "{trials: 8, limits: {parameters: 3.0e+6, file_mb: 20}, sampler_options: {n_startup_trials: 3}}"},
        )


KERAS = {
    "data": '{source: digits, classes: ["0", "1", "2"], split: {train: 60, validation: 60, test: 60}}',
    "model": "{backbone: small_resnet, options: {filters: [4], blocks: 1}}",
    "training": "{epochs: 2, batch_size: 20}",
    "space": "{dense: {choice: {none: [], wide: [2000]}}, learning_rate: {choice: [0.003, 0.03]}}",
    "search": "{trials: 4, sampler: grid, limits: {parameters: 5000}}",
}


def test_keras_networks_are_measured_before_their_first_epoch(tmp_path: Path) -> None:
    run_study(sweep_from_text(sweep_in(tmp_path, **KERAS)), InlineExecutor(1))
    study = read_study(f"sqlite:///{tmp_path}/fast.db", "fast")
    complete, refused = ([t for t in study.trials if t.state == state] for state in ("COMPLETE", "PRUNED"))
    assert [trial.params["dense"] for trial in complete] == ["none", "none"]
    assert [trial.params["dense"] for trial in refused] == ["wide"]
    assert "latency_ms" not in refused[0].figures  # refused for its size, so not timed
    assert complete[0].figures["latency_ms"] == complete[1].figures["latency_ms"] > 0
    assert complete[0].facts["latency_device"].startswith("CPU")
    assert complete[0].figures["parameters"] < 5000 < refused[0].figures["parameters"]


def test_check_names_the_corners_that_break_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(sweep_in(tmp_path, **KERAS, allow="[bn_updates]"))
    assert check(str(file), (), real_batch=True, output_format="json") == 0
    limits = json.loads(capsys.readouterr().out)["limits"]
    assert (limits["networks"], limits["left_out"], limits["all_broken"]) == (2, 0, False)
    (broken,) = limits["broken"]
    assert broken["reached_with"] == ["dense: wide"]
    assert broken["reason"].startswith("parameters is ")
    assert limits["sentences"][0] == "2 of the space's networks built and measured here: some break search.limits"


def test_a_space_without_an_allowed_network_is_told_and_so_is_one_that_cannot_be_built() -> None:
    sweep = sweep_from_text(sweep_in(Path.cwd(), **KERAS))
    corners = corners_of(sweep, Path.cwd())
    assert [dict(corner.points[0])["dense"] for corner in corners] == ["none", "wide"]
    all_broken = judge_limits({"parameters": 10.0}, corners, [MeasuredNetwork({"parameters": 20.0}), MeasuredNetwork({}, "too small")])
    assert all_broken.all_broken
    assert all_broken.lines[0].endswith("every one breaks search.limits")
    assert all_broken.lines[1:] == ["dense: none: parameters is 20, the limit is 10", "dense: wide: too small"]
    some = judge_limits({"parameters": 30.0}, corners, [MeasuredNetwork({"parameters": 20.0})])
    assert (some.broken, some.left_out) == ((), 1)
    assert "1 further ones were not built" in some.lines[-1]
