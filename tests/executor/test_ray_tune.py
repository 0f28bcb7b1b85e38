"""Ray Tune behind the protocol."""

from __future__ import annotations

import csv
import json
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from contract import PATIENCE, IsolatedExecutorContract, collect, epochs, task
from ray.tune import Callback

from sweeps.errors import SweepInputError
from sweeps.executor.factory import ExecutorRequest, make_executor
from sweeps.executor.protocol import Started
from sweeps.executor.ray_tune import RayTuneExecutor
from sweeps.executor.worker import WorkerSettings
from sweeps.sweep_file.runtime import TuneSettings
from sweeps.sweep_file.settings import ResourceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweeps.executor import Executor
    from sweeps.executor.ray_session import RaySession

HERE = (str(Path(__file__).parent),)


@pytest.fixture(scope="class")
def executor(ray: RaySession) -> Iterator[Executor]:
    del ray
    executor = RayTuneExecutor(ResourceSettings(cpu=0.5, concurrent=2), worker=WorkerSettings(fresh_after_error=False, import_paths=HERE))
    yield executor
    executor.close(1.0)


@pytest.fixture
def fresh_executor(ray: RaySession) -> Iterator[Executor]:
    del ray
    executor = RayTuneExecutor(ResourceSettings(cpu=0.5, concurrent=1), worker=WorkerSettings(import_paths=HERE))
    yield executor
    executor.close(0.0)


class TestRayTune(IsolatedExecutorContract):
    """The contract."""


def test_a_process_that_tune_drops_before_its_first_step_takes_no_task(ray: RaySession, tmp_path: Path) -> None:
    """Tune starts a process for a trial, then gives the trial to one that has become free: the task must still be there."""
    import ray as ray_library

    from sweeps.executor import sent, tune_worker

    del ray
    board = (
        ray_library.remote(sent.as_code(sent).Board)
        .options(name="board-dropped", num_cpus=0)
        .remote(pickle.dumps(WorkerSettings(import_paths=HERE)))
    )
    ray_library.get(board.post.remote(0, pickle.dumps(task(1, "quick", tmp_path))), timeout=PATIENCE)
    config = {tune_worker.OWN: {"board": "board-dropped", "key": 0, "by_epoch": False}}
    trainable = ray_library.remote(sent.as_code(tune_worker).TaskTrainable)

    def process() -> Any:  # noqa: ANN401 - an actor handle
        return trainable.options(num_cpus=0).remote(config)

    dropped, kept = process(), process()
    ray_library.get(dropped.__ray_ready__.remote(), timeout=PATIENCE)
    result = ray_library.get(kept.train.remote(), timeout=PATIENCE)
    assert isinstance(pickle.loads(result[tune_worker.BATCH]).events[0], Started)  # noqa: S301 - made by our own worker
    for actor in (dropped, kept, board):
        ray_library.kill(actor)


class Notes(Callback):  # type: ignore[misc]
    """A callback of the test's own: what Tune tells it."""

    def __init__(self) -> None:
        self.heard: list[tuple[object, ...]] = []

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any) -> None:  # noqa: ANN401, ARG002 - Tune's signature
        self.heard.append((trial.config["epochs"], result["training_iteration"], result["val_accuracy"]))

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:  # noqa: ANN401, ARG002 - Tune's signature
        self.heard.append(("complete",))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:  # noqa: ANN401, ARG002 - Tune's signature
        self.heard.append(("error",))


NOTES = Notes()


def notes() -> Notes:
    return NOTES


class Broken(Callback):  # type: ignore[misc]
    """A callback that fails."""

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any) -> None:  # noqa: ANN401, ARG002 - Tune's signature
        raise RuntimeError("the server is away")


def test_callbacks_and_tunes_own_files_have_every_epoch_with_its_trials_settings(ray: RaySession, tmp_path: Path) -> None:
    del ray
    said: list[str] = []
    request = ExecutorRequest(
        ResourceSettings(cpu=0.5, concurrent=1),
        worker=WorkerSettings(import_paths=HERE),
        tune=TuneSettings(folder=str(tmp_path / "tuned"), callbacks=(f"{__name__}:notes", f"{__name__}:Broken")),
        name="small",
        say=said.append,
    )
    executor = make_executor(request, "ray-tune")
    try:
        executor.submit(task(1, "quick", tmp_path, epochs=3))
        assert epochs(collect(executor, [1])[1]) == [1, 2, 3]
        executor.submit(task(2, "raising", tmp_path, epochs=3))
        collect(executor, [2])
    finally:
        executor.close(1.0)
    assert NOTES.heard == [(3, 1, 0.01), (3, 2, 0.02), (3, 3, 0.03), ("complete",), (3, 1, 0.5), ("error",)]
    assert said == ["runtime.tune.callbacks: Broken.on_trial_result: RuntimeError: the server is away; the sweep goes on (told once)"]
    (experiment,) = (tmp_path / "tuned").glob("small-*")
    with (experiment / "trial-1-0" / "progress.csv").open() as file:
        assert [(row["training_iteration"], row["val_accuracy"]) for row in csv.DictReader(file)] == [
            ("1", "0.01"),
            ("2", "0.02"),
            ("3", "0.03"),
        ]
    results = [json.loads(line) for line in (experiment / "trial-1-0" / "result.json").read_text().splitlines()]
    assert [(result["epoch"], result["config"]["epochs"]) for result in results] == [(1, 3), (2, 3), (3, 3)]
    assert json.loads((experiment / "trial-1-0" / "params.json").read_text())["epochs"] == 3
    assert list((experiment / "trial-1-0").glob("events.out.tfevents.*")), "TensorBoard's"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_such_module:Notes", "runtime.tune.callbacks: no_such_module:Notes cannot be imported"),
        (f"{__name__}:Nothing", "cannot be imported: .*Nothing"),
        ("builtins:dict", r"builtins:dict\(\) made a dict; expected a callback of Ray Tune"),
        ("builtins:memoryview", "failed: TypeError.*name a function of your own that makes it"),
    ],
)
def test_a_callback_that_cannot_be_used_is_bad_input_before_ray_is_started(name: str, words: str) -> None:
    request = ExecutorRequest(ResourceSettings(), address="nowhere:1", tune=TuneSettings(callbacks=(name,)))
    with pytest.raises(SweepInputError, match=words):
        make_executor(request, "ray-tune")
