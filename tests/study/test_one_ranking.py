"""Whoever names the leader of a study names the one that its report ranks first."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from recorder import Recorder
from rich.console import Console

from reports.ranking import rank
from reports.verdict import build_report_data
from sweeps.cli.export import _best_model, _by_rank
from sweeps.cli.status import status
from sweeps.cli.study_lines import leader_lines
from sweeps.executor.inline import InlineExecutor
from sweeps.launch import LaunchResult
from sweeps.notify import sweep_event
from sweeps.progress.live import draw
from sweeps.progress.plain import ProgressLines
from sweeps.record import read_study
from sweeps.record.study_record import read_stored_study
from sweeps.standing import standing
from sweeps.study import ranking
from sweeps.study.plan import plan_of
from sweeps.study.ranking import StudyRanking
from sweeps.study.running import look_at_study, run_study
from sweeps.study.state import StudyState
from sweeps.sweep_file import SweepFile, sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reports.records import StudyRecord
    from sweeps.observer import StudyOutcome

FALLEN = {"0.1": (0.94, 0.59), "0.2": (0.8, 0.8), "0.3": (0.75, 0.75)}
"""Dropout to its figure in the search and in fresh seeds: the leader of the search falls to the last place."""


class Lines(ProgressLines):
    """Keeps what it says."""

    def __init__(self) -> None:
        super().__init__("val_accuracy")
        self.said: list[str] = []

    def message(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def lucky(sweep_text: Callable[..., str], tmp_path: Path) -> Callable[..., SweepFile]:
    """A sweep that varies dropout alone, with what each value reaches."""

    def sweep(luck: dict[str, tuple[float, float]], confirm: str) -> SweepFile:
        (tmp_path / "luck.json").write_text(json.dumps(luck))
        space = f"{{dropout: {{ordinal: [{', '.join(luck)}]}}}}"
        search = f"{{trials: {len(luck)}, sampler: grid, pruner: none}}"
        return sweep_from_text(sweep_text(space=space, search=search, confirm=confirm, training="{epochs: 6}"))

    return sweep


def shown(renderable: object) -> str:
    console = Console(width=200, record=True)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def test_nine_places_name_one_leader(
    lucky: Callable[..., SweepFile], record: Callable[[], StudyRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, ticks = Lines(), Recorder()
    sweep = lucky(FALLEN, "{top: 2, seeds: 3}")
    outcome = run_study(sweep, InlineExecutor(), trainable="lucky_training:train", observers=[lines, ticks])
    study = record()
    by_dropout = {trial.params["dropout"]: trial.configuration for trial in study.trials}
    leader, fallen = by_dropout["0.2"], by_dropout["0.1"]
    order = [each.configuration for each in rank(study).configurations]
    assert (order[0], order[-1]) == (leader, fallen)

    assert [each.configuration for each in outcome.snapshot.leaders] == order
    assert outcome.snapshot.leaders[0].stable == pytest.approx(0.8, abs=0.01)

    display = shown(draw(ticks.ticks[-1]))
    assert display.index(leader[:6]) < display.index(fallen[:6])
    assert "94" not in display.split("leaders")[1].split(leader[:6])[0]

    assert any(leader[:6] in line for line in lines.said if line.strip().startswith("leader:"))
    assert not any(fallen[:6] in line for line in lines.said[-2:])

    event = sweep_event("fast", outcome)
    assert event.details["best"]["configuration"] == leader
    assert "94" not in event.message.split("stable")[1]

    assert "best stable val_accuracy 80." in repr(LaunchResult(outcome, build_report_data(study), tmp_path / "report.html"))

    url = f"sqlite:///{tmp_path}/fast.db"
    capsys.readouterr()
    assert status("fast", storage=url, output_format="json") == 0
    assert json.loads(capsys.readouterr().out)["studies"][0]["best"]["configuration"] == leader
    assert leader[:6] in leader_lines(study, standing(study))[2]

    data = build_report_data(study)
    assert data.configurations[0].configuration == leader
    assert data.verdict.leaders[0] == leader

    chosen = _by_rank(study, 1)
    assert chosen.configuration == leader
    assert _best_model(study, chosen, sweep)[1].read("model.keras").startswith(b"a model of 0.80")

    again = look_at_study(sweep)
    assert again is not None
    assert again.over is not None
    assert [each.configuration for each in again.over.snapshot.leaders] == order


def test_the_model_of_the_configuration_that_leads_after_confirmation_is_there(
    lucky: Callable[..., SweepFile], record: Callable[[], StudyRecord], tmp_path: Path
) -> None:
    luck = {f"0.{place}": (0.95 - place / 100, 0.5) for place in range(1, 9)}
    run_study(lucky(luck, "{top: 5, seeds: 2}"), InlineExecutor(), trainable="lucky_training:train")
    leader = rank(record()).configurations[0]
    assert leader.params["dropout"] == "0.6", "the best of those that were not confirmed, since all five have fallen"
    (trial,) = leader.trials
    assert (tmp_path / "runs" / f"{trial.number:05d}" / "model.keras").exists()


def test_a_run_that_is_stopped_in_its_confirmation_names_the_leader_of_what_is_known(
    lucky: Callable[..., SweepFile], record: Callable[[], StudyRecord], tmp_path: Path
) -> None:
    seen = Recorder()

    def stop() -> bool:
        return any(trial.role == "confirmation" for trial in seen.finished)

    outcome: StudyOutcome = run_study(
        lucky(FALLEN, "{top: 2, seeds: 3}"), InlineExecutor(), trainable="lucky_training:train", observers=[seen], stop_requested=stop
    )
    assert outcome.reason == "interrupted"
    study = read_study(f"sqlite:///{tmp_path}/fast.db", "fast")
    assert [each.configuration for each in outcome.snapshot.leaders] == [each.configuration for each in rank(study).finished]
    assert record().name == study.name


def test_ranking_costs_the_driver_once_for_what_is_over_and_little_of_its_time(
    lucky: Callable[..., SweepFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = lucky(FALLEN, "{top: 2, seeds: 3}")
    run_study(sweep, InlineExecutor(), trainable="lucky_training:train")
    facts, trials = read_stored_study(f"sqlite:///{tmp_path}/fast.db", "fast")
    state = StudyState(plan_of(sweep, "lucky_training:train"), trials)
    calls: list[float] = []
    moment = [100.0]

    def slow_rank(*arguments: object, **options: object) -> object:
        calls.append(moment[0])
        moment[0] += 1.0  # a second of work
        return rank(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ranking, "rank", slow_rank)
    monkeypatch.setattr(ranking, "time", SimpleNamespace(monotonic=lambda: moment[0]))
    current = StudyRanking("fast", state, lambda: facts)
    for _ in range(1000):
        current.leaders()
    assert len(calls) == 1
    last = trials[-1]
    for number in range(len(trials), len(trials) + 100):  # a trial ends each second
        state.finished[number] = replace(last, number=number)
        current.leaders()
        moment[0] += 1.0
    assert len(calls) <= 4, "a ranking that takes a second is made again after fifty"
    assert len(current.leaders(now=True)) == 3
    assert sum(len(each.trials) for each in current.configurations()) == len(state.finished), "asked for now, it holds every trial"
