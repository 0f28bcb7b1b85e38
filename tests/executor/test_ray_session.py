"""Ray's start and end, and what it leaves behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from contract import collect, ends, task

from sweeps.errors import SweepError, SweepInputError
from sweeps.executor.factory import ExecutorRequest, make_executor
from sweeps.executor.ray_session import FOLDER_PREFIX, open_ray
from sweeps.executor.ray_tune import RayTuneExecutor
from sweeps.executor.worker import WorkerSettings
from sweeps.sweep_file.settings import ResourceSettings

if TYPE_CHECKING:
    from sweeps.executor.ray_session import RaySession

HERE = (str(Path(__file__).parent),)


def test_our_signal_handlers_survive_rays_start(ray: RaySession, handlers_before: dict[signal.Signals, object]) -> None:
    del ray
    assert {number: signal.getsignal(number) for number in handlers_before} == handlers_before


def test_a_ray_that_runs_is_used_and_left_running(ray: RaySession) -> None:
    del ray
    import ray as library

    executor = make_executor(ExecutorRequest(ResourceSettings(cpu=0.5, concurrent=1)), "ray-core")
    executor.close(0.0)
    assert library.is_initialized()
    assert not open_ray().owned


def test_a_ray_of_our_own_starts_nothing_that_a_sweep_does_not_use(ray: RaySession) -> None:
    """Dashboard, autoscaler and reader of logs are Python processes, and Ray's start waits for the first: 2 of 6 s of processor time at each start."""
    del ray
    from ray._private import worker
    from ray._private.node import Node

    assert worker._global_node.all_processes.keys() <= {"gcs_server", "raylet", "reaper"}
    assert Node.start_api_server.__module__ == Node.__module__, "another Ray in this process starts as Ray has it"


def test_more_than_the_machine_has_is_an_input_error(ray: RaySession) -> None:
    del ray
    with pytest.raises(SweepInputError, match="a trial asks for cpu 64 and gpu 0 on one machine, but Ray has 4 CPUs and 0 GPUs"):
        make_executor(ExecutorRequest(ResourceSettings(cpu=64)), "ray-core")
    with pytest.raises(SweepInputError, match="gpu 1 on one machine"):
        make_executor(ExecutorRequest(ResourceSettings(gpu=1)), "ray-tune")


def test_a_closed_executor_takes_no_task(ray: RaySession, tmp_path: Path) -> None:
    del ray
    for kind in ("ray-core", "ray-tune"):
        executor = make_executor(ExecutorRequest(ResourceSettings(cpu=0.5)), kind)
        assert executor.close(0.0) == []
        assert executor.room() == 0
        with pytest.raises(SweepError, match="executor that is closed"):
            executor.submit(task(1, "quick", tmp_path))


def test_a_trial_without_gpus_sees_none_and_runs_in_the_drivers_folder_and_no_secret_is_written(
    ray: RaySession, canary: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The canary stands in the driver's environment, in an environment given to workers, in a task's settings and in a trainable's error."""
    monkeypatch.setattr("sweeps.executor.ray_tune.shutil.rmtree", lambda *_, **__: None)
    worker = WorkerSettings(import_paths=HERE, environment=(("PLANTED", canary),), fresh_after_error=False)
    executor = RayTuneExecutor(ResourceSettings(cpu=0.5, concurrent=1), worker=worker)
    executor.submit(task(1, "environment", tmp_path, password=canary))
    (end,) = ends(collect(executor, [1])[1])
    executor.close(1.0)
    assert end.outcome is not None
    assert end.outcome.facts == {"CUDA_VISIBLE_DEVICES": "", "PLANTED": canary, "folder": str(Path.cwd())}
    assert ray.folder is not None
    for folder in (ray.folder, Path(executor._folder)):
        found = subprocess.run(["grep", "-rlF", "--devices=skip", canary, str(folder)], capture_output=True, text=True, check=False)
        assert found.stdout == ""
    monkeypatch.undo()
    shutil.rmtree(executor._folder)
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert canary not in listed


def test_session_folders_of_dead_drivers_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sweeps.executor import ray_session

    monkeypatch.setattr(ray_session, "_short_temporary_folder", lambda: str(tmp_path))
    dead = subprocess.Popen(["true"])
    dead.wait()
    for process in (dead.pid, os.getpid()):
        (tmp_path / f"{FOLDER_PREFIX}{process}-x").mkdir()
    (tmp_path / "somebody-elses").mkdir()
    link, file = tmp_path / f"{FOLDER_PREFIX}{dead.pid}-link", tmp_path / f"{FOLDER_PREFIX}{dead.pid}-file"
    link.symlink_to(tmp_path / "nowhere")
    file.write_text("a stranger's")
    ray_session._remove_left_overs()
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == sorted([f"{FOLDER_PREFIX}{os.getpid()}-x", "somebody-elses", link.name, file.name]), "what strangers leave stays"


def test_an_unknown_executor_is_an_input_error() -> None:
    with pytest.raises(SweepInputError, match="executor 'dask' is unknown; expected one of ray-core, ray-tune, inline"):
        make_executor(ExecutorRequest(ResourceSettings()), "dask")
