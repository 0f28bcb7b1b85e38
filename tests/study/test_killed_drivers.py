"""A driver that is killed at any edge of a trial's life leaves a study that the next one finishes as if nothing had happened."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from killable import sweep_in

from sweeps.cli.status import status
from sweeps.record import read_study
from sweeps.record.study_record import study_exists
from sweeps.study.kill_points import POINTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from reports.records import StudyRecord

KEYS = {
    "search": "{trials: 6, sampler_options: {n_startup_trials: 2}, pruner: asha, pruner_options: {grace: 2, reduction: 2}}",
    "confirm": "{top: 2, seeds: 1}",
}
OF_EPOCHS = {"epoch-received", "curve-written", "epoch-written", "mid-checkpoint"}  # passed once an epoch, all others once a trial


def essence(study: StudyRecord) -> list[dict[str, Any]]:
    """What must not depend on how often the driver died."""
    ledgers = study.ledgers.read(trial.number for trial in study.trials)
    assert ledgers.keys() == {trial.number for trial in study.trials if trial.state == "COMPLETE"}
    return [
        {
            "number": trial.number,
            "role": trial.role,
            "state": trial.state,
            "configuration": trial.configuration,
            "params": dict(trial.params),
            "seed": trial.seed,
            "curve": np.asarray(trial.curves["val_accuracy"]).tolist(),
            "figures": dict(trial.figures),
            "cause": trial.cause,
            "right": ledgers[trial.number].right.tolist() if trial.number in ledgers else None,
        }
        for trial in study.trials
    ]


def computed_twice(folder: Path) -> dict[str, int]:
    """Trial folder to epochs that were computed more than once."""
    return {
        path.parent.name: extra
        for path in folder.glob("runs/*/computed.txt")
        if (extra := sum(count - 1 for count in Counter(path.read_text().split()).values()))
    }


def assert_only_models_are_left(folder: Path, study: StudyRecord) -> None:
    """Every trial is over: of complete ones (no more than are kept) the model is there, and no checkpoint of any."""
    models = {path.parent.name for path in folder.glob("runs/*/model.keras")}
    assert models == {f"{trial.number:05d}" for trial in study.trials if trial.state == "COMPLETE"}
    assert not list(folder.glob("runs/*/epoch-*"))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, driver_process: Callable[..., int]) -> list[dict[str, Any]]:
    """The same sweep without a kill."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    text = sweep_in(folder, **KEYS)
    assert driver_process(text) == 0
    return essence(read_study(f"sqlite:///{folder}/fast.db", "fast"))


def test_the_uninterrupted_sweep_prunes_completes_and_confirms(uninterrupted: list[dict[str, Any]]) -> None:
    assert Counter((trial["role"], trial["state"]) for trial in uninterrupted).keys() == {
        ("search", "COMPLETE"),
        ("search", "PRUNED"),
        ("confirmation", "COMPLETE"),
    }


ELSEWHERE = {"history-imported", "race-planned", "race-ended", "sibling-written"}  # see test_history, test_killed_races, test_siblings
ONCE = {"prune-decided", "leaders-fixed"}
CASES = [(point, 11 if point in OF_EPOCHS else 1 if point in ONCE else 4) for point in POINTS if point not in ELSEWHERE]
CONFIRMING = [("trial-written", 7), ("started", 8), ("attributes-set", 7), ("told", 7)]  # 6 trials are searched


@pytest.mark.parametrize(("point", "passing"), [*CASES, ("trial-written", 1), ("started", 1), *CONFIRMING])
def test_killed_at_a_point_then_resumed_equals_uninterrupted(
    point: str,
    passing: int,
    tmp_path: Path,
    uninterrupted: list[dict[str, Any]],
    sweep_text: Callable[..., str],
    driver_process: Callable[..., int],
) -> None:
    text = sweep_text(**KEYS)
    assert driver_process(text, kill_at=f"{point}:{passing}") == -signal.SIGKILL
    assert driver_process(text) == 0
    study = read_study(f"sqlite:///{tmp_path}/fast.db", "fast")
    assert essence(study) == uninterrupted
    assert sum(computed_twice(tmp_path).values()) <= 1
    assert_only_models_are_left(tmp_path, study)
    interrupted = [attempt.cause for trial in study.trials for attempt in trial.attempts if attempt.cause == "interrupted"]
    assert len(interrupted) <= 1


def test_killed_at_random_twenty_times_then_finished(
    tmp_path: Path,
    uninterrupted: list[dict[str, Any]],
    sweep_text: Callable[..., str],
    driver_process: Callable[..., int],
) -> None:
    text, generator = sweep_text(**KEYS), np.random.default_rng(0)
    killed = 0
    for _ in range(20):
        killed += driver_process(text, kill_after=float(generator.uniform(0.05, 0.5))) == -signal.SIGKILL
    assert driver_process(text) == 0
    study = read_study(f"sqlite:///{tmp_path}/fast.db", "fast")
    assert killed >= 5
    assert essence(study) == uninterrupted
    assert max(computed_twice(tmp_path).values(), default=0) <= 20
    assert_only_models_are_left(tmp_path, study)


def test_status_calls_a_trial_running_only_while_its_driver_lives(
    tmp_path: Path, start_driver: Callable[..., BaseProcess], capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path}/fast.db"
    driver = start_driver(sweep_in(tmp_path, training="{epochs: 100}"), environment={"FAST_TRAINING_SECONDS": "0.3"})
    while not study_exists(url, "fast") or not any(trial.num_epochs for trial in read_study(url, "fast").trials):
        time.sleep(0.2)

    def shown() -> tuple[str, bool | None]:
        assert status("fast", storage=url, output_format="table") == 0
        table = capsys.readouterr().out
        assert status("fast", storage=url, output_format="json") == 0
        (study,) = json.loads(capsys.readouterr().out)["studies"]
        (trial,) = study["running"]
        return table, trial["free"]

    table, free = shown()
    header, row = (line.split("  ") for line in table.splitlines()[:2])
    assert [name.strip() for name in header if name.strip()][4:6] == ["running", "to continue"]
    assert ([cell.strip() for cell in row if cell.strip()][4:6], free) == (["1", "0"], False)
    driver.kill()
    driver.join()
    table, free = shown()
    row = table.splitlines()[1].split("  ")
    assert ([cell.strip() for cell in row if cell.strip()][4:6], free) == (["0", "1"], True)
    assert "stopped: the next run continues it" in table
    assert " running" not in table.split("not over yet")[1]
