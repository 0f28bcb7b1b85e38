"""A sweep that joins a cluster: what travels to its workers, what they get, what they never learn."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from shadows import OURS, plant

from sweeps.errors import SweepInputError
from sweeps.record import read_study

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cluster import LocalCluster, Study

CANARY = "canary-9d20e7-not-for-disk"

SWEEP = """\
study: own-parts
data: {source: "parts_of_mine:load", split: {train: 60, validation: 40, test: 20}}
model: {backbone: "parts_of_mine:backbone"}
training: {epochs: 2, batch_size: 20}
space: {learning_rate: {choice: [0.01]}}
search: {trials: 1, sampler: grid, pruner: none}
resources: {cpu: 1, concurrent: 1}
runtime:
  working_dir: code
  py_modules: [lib/layers_of_mine]
  env: {DATA_KEY: "${KEY_OF_MINE}", NOTES: notes}
report: {path: own.html}
"""


def notes(folder: Path, trial: int) -> list[dict[str, Any]]:
    """What a trial's attempts have noted."""
    return [json.loads(line) for line in (folder / f"runs/{trial:05d}/notes.jsonl").read_text().splitlines()]


@pytest.fixture
def own_parts(tmp_path: Path) -> Path:
    """A folder with a sweep file, own code in folders that are on no path, and a place for notes."""
    shutil.copytree(Path(__file__).parent / "user_code", tmp_path, dirs_exist_ok=True)
    (tmp_path / "notes").mkdir()
    (tmp_path / "sweep.yaml").write_text(SWEEP.replace("NOTES: notes", f"NOTES: {tmp_path}/notes"))
    return tmp_path


def test_own_modules_and_secret_variables_reach_workers_and_no_file(cluster: LocalCluster, own_parts: Path) -> None:
    """``steadysweep run --address``, from the sweep file to the report; modules of theirs that are called like our packages stand in for none of ours."""
    for folder in (own_parts, own_parts / "code"):
        plant(folder, dict.fromkeys(OURS, "file"))
    command = [
        sys.executable,
        "-P",
        "-m",
        "sweeps.cli",
        "run",
        "sweep.yaml",
        f"--address={cluster.address}",
        "--executor=ray-core",
        "--quiet",
    ]
    environment = {**os.environ, "KEY_OF_MINE": CANARY}
    done = subprocess.run(command, cwd=own_parts, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (trial,) = read_study(f"sqlite:///{own_parts}/own-parts.db", "own-parts").trials
    assert (trial.state, trial.num_epochs) == ("COMPLETE", 2), trial.error
    copies = {path.read_text() for path in (own_parts / "notes").iterdir()}
    assert any("_ray_pkg_" in copy for copy in copies), "the worker imported the copy that Ray sent"
    assert any(copy.startswith(str(own_parts)) for copy in copies), "the driver its own"
    assert (own_parts / "own.html").exists()
    for folder in (own_parts, Path(cluster.folder)):
        found = subprocess.run(["grep", "-rlF", "--devices=skip", CANARY, str(folder)], capture_output=True, text=True, check=False)
        assert found.stdout == ""
    assert CANARY not in done.stdout + done.stderr


def test_check_finds_own_modules_too(own_parts: Path) -> None:
    command = [sys.executable, "-m", "sweeps.cli", "check", "sweep.yaml", "--no-batch"]
    done = subprocess.run(command, cwd=own_parts, env={**os.environ, "KEY_OF_MINE": CANARY}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "60 train" in done.stdout


def test_a_missing_variable_or_folder_is_bad_input_before_anything_starts(own_parts: Path) -> None:
    command = [sys.executable, "-m", "sweeps.cli", "run", "sweep.yaml", "--quiet"]
    environment = {name: value for name, value in os.environ.items() if name != "KEY_OF_MINE"}
    done = subprocess.run(command, cwd=own_parts, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "runtime.env.DATA_KEY: ${KEY_OF_MINE}: not set" in done.stderr) == (2, True), done.stderr
    shutil.rmtree(own_parts / "lib")
    done = subprocess.run(command, cwd=own_parts, env={**environment, "KEY_OF_MINE": "x"}, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "runtime.py_modules[0]" in done.stderr
    assert "does not exist" in done.stderr


def test_at_most_so_many_trials_share_a_gpu(study: Callable[..., Study], executor_of: Callable[..., Any], tmp_path: Path) -> None:
    space = "{dropout: {ordinal: [0.0, 0.1, 0.2, 0.3]}}"
    given = study(space=space, search="{trials: 4, sampler: grid, pruner: none}", resources="{cpu: 0.5, gpu: 0.3, concurrent: 2}")
    given.start(executor_of(given.sweep, environment={"FAST_TRAINING_SECONDS": "0.2"}), "noted_training:train")
    assert given.finish().reason == "done"
    told = [note for trial in range(4) for note in notes(tmp_path, trial)]
    assert {note["CUDA_VISIBLE_DEVICES"] for note in told} == {"0"}
    moments = sorted([(note["began"], 1) for note in told] + [(note["ended"], -1) for note in told])
    running = [sum(step for _, step in moments[: end + 1]) for end in range(len(moments))]
    assert max(running) == 2, "three would fit the GPU"


def test_a_cpu_trial_sees_no_gpu_and_no_worker_learns_of_the_storage(
    study: Callable[..., Study], executor_of: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE_OF_MINE", str(tmp_path / CANARY))
    monkeypatch.setenv("STEADYSWEEP_STORAGE", f"sqlite:///{tmp_path}/{CANARY}.db")
    given = study(space="{dropout: {choice: [0.0]}}", storage="sqlite:///${PLACE_OF_MINE}.db", resources="{cpu: 2, concurrent: 1}")
    given.start(executor_of(given.sweep), "noted_training:look_around")
    assert given.finish().reason == "done"
    (note,) = notes(tmp_path, 0)
    assert (note["CUDA_VISIBLE_DEVICES"], note["visible"], note["threads"]) == ("", [], 2)
    known = json.dumps(note["known"])
    assert CANARY not in known
    assert "PLACE_OF_MINE" not in known
    assert "sqlite" not in known


def test_workers_of_an_own_ray_do_not_inherit_the_storages_password(tmp_path: Path) -> None:
    program = f"""
import os, sys
from sweeps.executor.factory import ExecutorRequest, make_executor
from sweeps.executor.worker import WorkerSettings
from sweeps.sweep_file.settings import ResourceSettings
from sweeps.executor.protocol import Ended, TrialTask
worker = WorkerSettings(import_paths=({str(Path(__file__).parents[1] / "executor")!r},))
executor = make_executor(ExecutorRequest(ResourceSettings(cpu=1, concurrent=1), worker=worker, private=["PLANTED"]))
executor.submit(TrialTask(0, 0, "contract_trials:environment", {{}}, {str(tmp_path)!r}))
ended = []
while not ended:
    ended = [event for event in executor.poll(1.0) if isinstance(event, Ended)]
executor.close(0.0)
print(ended[0].outcome.facts["PLANTED"], os.environ["PLANTED"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PLANTED": CANARY}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["unset", CANARY]


def test_a_static_cluster_without_room_says_how_an_autoscaling_one_is_meant(
    study: Callable[..., Study], executor_of: Callable[..., Any]
) -> None:
    given = study(space="{dropout: {choice: [0.0]}}", resources="{cpu: 64}")
    with pytest.raises(SweepInputError, match=r"cpu 64 .* say with resources\.concurrent how many trials it shall grow for"):
        executor_of(given.sweep)
