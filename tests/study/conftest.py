"""Small sweeps, run in this process or in one that may be killed."""

from __future__ import annotations

import multiprocessing
import os
import sys
from functools import partial
from multiprocessing import forkserver
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

HERE = str(Path(__file__).parent)
ROOT = Path(__file__).parents[2]
if HERE not in sys.path:
    sys.path.insert(0, HERE)

from killable import run_driver, sweep_in  # noqa: E402 - its folder was just added

from sweeps.executor.inline import InlineExecutor  # noqa: E402
from sweeps.record import read_study  # noqa: E402
from sweeps.study.running import run_study  # noqa: E402
from sweeps.sweep_file import sweep_from_text  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.process import BaseProcess

    from reports.records import StudyRecord
    from sweeps.observer import StudyOutcome
    from sweeps.record.errors import StorageTimes


@pytest.fixture
def sweep_text(tmp_path: Path) -> Callable[..., str]:
    """Text of a sweep in `tmp_path` with top-level keys as given."""

    return partial(sweep_in, tmp_path)


@pytest.fixture
def run(sweep_text: Callable[..., str]) -> Callable[..., StudyOutcome]:
    """Run a sweep of the fast trainable here, one trial at a time."""

    def run(trainable: str = "fast_training:train", concurrent: int = 1, **keys: str) -> StudyOutcome:
        sweep = sweep_from_text(sweep_text(**keys))
        return run_study(sweep, InlineExecutor(concurrent), trainable=trainable)

    return run


@pytest.fixture
def record(tmp_path: Path) -> Callable[[], StudyRecord]:
    """Read the study of `run`."""
    return lambda: read_study(f"sqlite:///{tmp_path}/fast.db", "fast")


@pytest.fixture(scope="session")
def start_driver() -> Callable[..., BaseProcess]:
    """Start a driver in a process of its own, forked from one that has everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["killable"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([HERE, str(ROOT)]))
        patch.setenv("STEADYSWEEP_WARM_UP", "1")
        forkserver.ensure_running()

    def start(
        text: str,
        kill_at: str = "",
        environment: Mapping[str, str] = MappingProxyType({}),
        source: tuple[str, str] | None = None,
        times: StorageTimes | None = None,
        executor: str = "inline",
        trainable: str = "fast_training:train",
    ) -> BaseProcess:
        process = context.Process(target=run_driver, args=(text, kill_at, trainable, dict(environment), source, times, executor))
        process.start()
        return process

    return start


@pytest.fixture(scope="session")
def driver_process(start_driver: Callable[..., BaseProcess]) -> Callable[..., int | None]:
    """Run a driver in a process of its own; returns its exit code, negative for a signal."""

    def run(
        text: str,
        kill_at: str = "",
        kill_after: float | None = None,
        environment: Mapping[str, str] = MappingProxyType({}),
        source: tuple[str, str] | None = None,
        trainable: str = "fast_training:train",
    ) -> int | None:
        process = start_driver(text, kill_at, environment, source=source, trainable=trainable)
        process.join(kill_after)
        if process.is_alive():
            process.kill()
            process.join()
        code = process.exitcode
        process.close()
        return code

    return run
