"""What a running sweep shows: complete at 80 columns, and lines that `diagnose` reads back where no terminal is."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from rich.console import Console

from reports.logs.read import read_log
from reports.ranking import rank
from reports.records import StudyRecord, TrialRecord
from reports.wording import MISSING
from sweeps.observer import StudySnapshot
from sweeps.progress.live import draw
from sweeps.progress.plain import ProgressLines, counts, ending

if TYPE_CHECKING:
    from collections.abc import Mapping

METRIC = "val_accuracy"
SETTINGS = {
    "learning_rate": 3.7e-3,
    "dropout": 0.55,
    "frozen_layers": "75%",
    "bn_momentum": 0.9,
    "augmentation": "rotate",
    "batch_size": 32,
}
HERE = Path(__file__).parent


def trial(number: int, state: str = "COMPLETE", epochs: int = 16, **changes: Any) -> TrialRecord:  # noqa: ANN401 - fields of a record
    generator = np.random.default_rng(number)
    curve = 0.5 + 0.4 * (1 - np.exp(-np.arange(1, epochs + 1) / 3)) + generator.normal(0, 0.01, epochs)
    params = {**SETTINGS, "learning_rate": 1e-3 * (number + 1), "dropout": round(0.05 * number, 2)}
    values: dict[str, Any] = {
        "number": number,
        "configuration": f"{number:x}".rjust(2, "0") + "e11d86aa",
        "role": "search",
        "state": state,
        "seed": number,
        "params": params,
        "curves": {METRIC: curve},
        "planned_epochs": 16,
    }
    return TrialRecord(**{**values, **changes})


def snapshot(running: tuple[TrialRecord, ...], finished: tuple[TrialRecord, ...], **changes: Any) -> StudySnapshot:  # noqa: ANN401 - fields
    study = StudyRecord("flowers", "study", METRIC, maximize=True, trials=finished, num_val=690)
    values: dict[str, Any] = {
        "study": "flowers",
        "metric": METRIC,
        "maximize": True,
        "target": 24,
        "complete": len(finished),
        "pruned": 5,
        "failed": 1,
        "running": running,
        "leaders": rank(study).finished[:5],
        "confirmations": 0,
        "confirmations_target": 4,
        "elapsed": 754.0,
        "eta": 312.0,
        "trial_hours": 0.4,
        "gpu_hours": 0.4,
        "phase": "search",
    }
    return StudySnapshot(**{**values, **changes})


def test_momenta_that_a_training_carries_are_not_counted_as_trainings() -> None:
    carried = tuple(trial(number, "RUNNING", 1, role="sibling", carrier=17) for number in (20, 21))
    assert "15/24 trials · 3 running with 2 more BatchNorm momenta · 5 pruned" in counts(snapshot((*RUNNING, *carried), FINISHED))


def shown(moment: StudySnapshot, width: int, height: int | None = None) -> list[str]:
    console = Console(width=width, height=height or 25, force_terminal=height is not None, color_system=None)
    with console.capture() as captured:
        console.print(draw(moment))
    return captured.get().splitlines()


RUNNING = (trial(17, "RUNNING", 8), trial(18, "RUNNING", 1), trial(19, "RUNNING", 0))
FINISHED = tuple(trial(number) for number in range(9))


@pytest.mark.parametrize("width", [80, 100, 120])
def test_every_figure_and_every_setting_is_there(width: int) -> None:
    moment = snapshot(RUNNING, FINISHED)
    lines = shown(moment, width)
    text = "\n".join(lines)
    assert max(map(len, lines)) <= width
    assert "…" not in text
    for words in (
        "flowers",
        "15/24 trials",
        "3 running",
        "5 pruned",
        "1 failed",
        "0/4 confirmations",
        "elapsed 12 min 34 s",
        "ETA 5 min 12 s",
    ):
        assert words in text
    rows = [line.split() for line in lines]
    assert any(row[:2] == ["17", "8/16"] and row[3] == row[5] == "%" for row in rows), "trial, epoch, last and level stand in one line"
    assert any(row[:4] == ["19", "0/16", MISSING, MISSING] for row in rows)
    for leader in moment.leaders:
        assert leader.stable is not None
        (row,) = (row for row in rows if row and row[0] == leader.short)
        assert row[1:4] == ["1", f"{100 * leader.stable:.1f}", "%"]
    for each in (*RUNNING, *(leader.trials[0] for leader in moment.leaders)):
        assert f"dropout={each.params['dropout']}" in text
    assert text.count("augmentation=rotate") == 1, "what all have in common is told once"
    assert "in all of these:" in text


def test_a_single_trial_shows_its_own_settings_whole() -> None:
    text = "\n".join(shown(snapshot((RUNNING[0],), ()), 80))
    assert all(name in text for name in SETTINGS)
    assert "in all of these" not in text


def test_long_and_foreign_names_lose_nothing() -> None:
    params = {"größe" * 40: "東京" * 60, "dropout": 0.1}
    lines = shown(snapshot((trial(1, "RUNNING", 3, params=params), trial(2, "RUNNING", 3)), ()), 80)
    from rich.cells import cell_len

    assert max(map(cell_len, lines)) <= 80
    joined = "".join("".join(lines).split())
    assert "größe" * 40 + "=" + "東京" * 60 in joined


def test_a_name_cannot_steer_the_terminal() -> None:
    wicked = "\x1b]0;owned\x07\x1b[2J"
    moment = snapshot((trial(1, "RUNNING", 3, params={wicked: wicked}),), (), study=wicked)
    text = "\n".join(shown(moment, 80))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert r"\x1b" in text
    assert "\x1b" not in ending(trial(1, params={wicked: wicked}), METRIC, curve=True)


def test_many_trials_leave_room_for_the_leaders() -> None:
    many = tuple(trial(number, "RUNNING", 3) for number in range(20, 60))
    lines = shown(snapshot(many, FINISHED), 80, height=30)
    assert len(lines) < 30
    assert any("more running" in line for line in lines)
    assert sum(line.strip().startswith(tuple(each.short for each in snapshot(many, FINISHED).leaders)) for line in lines) == 5


def test_a_confirmation_never_counts_more_than_it_wants() -> None:
    from sweeps.record.study_record import RaceFacts, _spent

    assert _spent(RaceFacts("auto", 8, 0, 4), 6).startswith("6 of at most 6 fresh trainings")


class Lines(ProgressLines):
    def __init__(self, *, each_epoch: bool = False) -> None:
        super().__init__(METRIC, each_epoch=each_epoch)
        self.said: list[str] = []

    def message(self, text: str) -> None:
        self.said.append(text)


def test_a_line_a_trial_is_read_back_with_curve_and_settings(tmp_path: Path) -> None:
    lines = Lines()
    odd: Mapping[str, Any] = {"augmentation": 'rotate | flip\tand "more"', "größe": "東京", "momentum": None, "lr": 3.2e-5}
    ended = (
        trial(0),
        trial(1, "PRUNED", 7),
        trial(2, "FAIL", 2, cause="exception"),
        trial(3, params=odd),
        trial(4, "FAIL", 0, cause="exception"),
    )
    lines.message("study 'flowers' in sqlite:///./flowers.db")
    for each in ended:
        lines.on_finished(each)
        lines.on_tick(snapshot((), FINISHED, elapsed=1.0 + each.number))
    lines.on_tick(snapshot((), FINISHED, phase="over"))
    log = tmp_path / "run.log"
    log.write_text("\n".join(lines.said), encoding="utf-8")
    runs = read_log(log)
    assert [run.name for run in runs] == ["trial 0", "trial 1", "trial 2", "trial 3"], "one that never finished an epoch has no curve"
    for run, each in zip(runs, ended, strict=False):
        assert run.curves[METRIC] == pytest.approx(each.curves[METRIC], abs=5.1e-5)
        assert run.planned_epochs == each.planned_epochs
    assert runs[0].parameters == pytest.approx(ended[0].params) or runs[0].parameters == dict(ended[0].params)
    assert runs[3].parameters["augmentation"] == 'rotate | flip\\tand "more"'
    assert runs[3].parameters["größe"] == "東京"


def test_a_line_an_epoch_is_read_back(tmp_path: Path) -> None:
    lines = Lines(each_epoch=True)
    whole = trial(0)
    curve = whole.curves[METRIC]
    for epoch, value in enumerate(curve, 1):
        figures = {
            "loss": 1.5 / epoch,
            "accuracy": value + 0.02,
            "val_loss": 1.7 / epoch,
            METRIC: value,
            "learning_rate": 1e-4,
            "seconds": 2.25,
        }
        lines.on_epoch(trial(0, "RUNNING", epoch), figures)
    lines.on_finished(replace(whole, score={"stable": 0.9, "level": 0.91, "best": 0.92}))
    lines.on_tick(snapshot((), (whole,), phase="over", target=1))
    assert len(lines.said) == len(curve) + 3
    log = tmp_path / "train.log"
    log.write_text("\n".join([*lines.said, "leaders, with stable val_accuracy", "loss: 9.9  val_accuracy: 1.00 %"]))
    (run,) = read_log(log)
    assert run.curves[METRIC] == pytest.approx(curve, abs=5.1e-5)
    assert run.curves["val_loss"] == pytest.approx(1.7 / np.arange(1, 17), abs=5.1e-5)
    assert run.planned_epochs == 16


PROGRAM = """
import sys
sys.path[:0] = [{root!r}, {folder!r}]
from pathlib import Path
from killable import sweep_in
from sweeps.executor.inline import InlineExecutor
from sweeps.progress import progress_display
from sweeps.study.running import run_study
from sweeps.sweep_file import sweep_from_text
sweep = sweep_from_text(sweep_in(Path({work!r}), search="{{trials: 4, pruner: none}}"))
with progress_display("val_accuracy", quiet=False) as progress:
    progress.message("checking the data")
    run_study(sweep, InlineExecutor(), trainable="fast_training:train", observers=[progress])
"""


@pytest.mark.parametrize("columns", [80, 120])
def test_a_real_terminal_shows_trial_epoch_and_figures(columns: int, tmp_path: Path) -> None:
    program = PROGRAM.format(root=str(HERE.parents[1]), folder=str(HERE.parent / "study"), work=str(tmp_path))
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "40", "FAST_TRAINING_SECONDS": "0.4"}
    process = subprocess.Popen([sys.executable, "-c", program], stdin=follower, stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    written, until = b"", time.monotonic() + 240
    while time.monotonic() < until:
        if select.select([leader], [], [], 0.2)[0]:
            try:
                written += os.read(leader, 1 << 16)
            except OSError:
                break
        elif process.poll() is not None:
            break
    os.close(leader)
    assert process.wait(60) == 0, written[-2000:]
    text = written.decode()
    assert "checking the data" in text
    frames = text.split("running, val_accuracy")
    assert len(frames) > 3, "the display is drawn again and again"
    assert any(all(words in frame for words in ("epoch", "last", "level", "/5", "%", "learning_rate=", "dropout=")) for frame in frames)
    assert "leaders, val_accuracy" in text
