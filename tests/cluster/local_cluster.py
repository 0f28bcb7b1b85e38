"""A Ray of several nodes on this machine, and a study that runs on it while a test interferes."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sweeps.record import read_study
from sweeps.study.plan import StudyOptions
from sweeps.study.running import run_study

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reports.records import StudyRecord
    from sweeps.executor.protocol import Executor
    from sweeps.observer import StudyOutcome
    from sweeps.sweep_file import SweepFile

TRAINABLES = (str(Path(__file__).parent / "trainables"), str(Path(__file__).parents[1] / "study"))
"""Folders of the modules that trials run; they are on the workers' path alone."""

PATIENCE = 240.0
"""Seconds that a busy machine may take for anything."""

NODE = {"object_store_memory": 80_000_000}

TEXT = """
study: {study}
storage: sqlite:///{folder}/{study}.db
storage_path: {folder}/runs
data: {{source: digits}}
training: {{epochs: 5}}
search: {{trials: 1, sampler: grid, pruner: none}}
"""


def wait_for(condition: Callable[[], Any], what: str) -> Any:  # noqa: ANN401 - whatever it returns
    """What `condition` returns once it is true."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    pytest.fail(f"after {PATIENCE:g} s: {what}")


@dataclass(frozen=True)
class LocalCluster:
    """The cluster: a head without CPUs, one node with 4 CPUs and 1 GPU, and whatever a test adds."""

    cluster: Any
    folder: str

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    @contextmanager
    def node(self, **resources: Any) -> Iterator[Any]:  # noqa: ANN401 - Ray's own arguments
        """A node for a block."""
        node = self.cluster.add_node(**NODE, **resources)
        try:
            yield node
        finally:
            self.remove(node)

    def remove(self, node: Any) -> None:  # noqa: ANN401 - Ray's node
        """Kill a node's processes, as a crash of the machine would."""
        if node in self.cluster.worker_nodes:
            self.cluster.remove_node(node, allow_graceful=False)


@dataclass
class Study:
    """A study of the test's own, run in a thread so that the test can interfere."""

    sweep: SweepFile
    outcome: StudyOutcome | None = None
    error: BaseException | None = None
    thread: threading.Thread | None = None

    @property
    def record(self) -> StudyRecord:
        return read_study(str(self.sweep.storage), self.sweep.study)

    def start(self, executor: Executor, trainable: str) -> None:
        def run() -> None:
            try:
                self.outcome = run_study(self.sweep, executor, trainable=trainable, options=StudyOptions(grace_seconds=5.0))
            except BaseException as error:  # noqa: BLE001 - the test looks at it
                self.error = error

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def finish(self) -> StudyOutcome:
        """Wait for the end."""
        assert self.thread is not None
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive(), "the study does not end"
        if self.error is not None:
            raise self.error
        assert self.outcome is not None
        return self.outcome
