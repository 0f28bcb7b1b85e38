"""Ray's own processes die under a sweep: seen within seconds; a Ray of our own is started anew, a cluster's head node is waited for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from contract import collect, ends, task
from ray._private import worker
from sweeps.executor.factory import ExecutorRequest, make_executor
from sweeps.executor.protocol import Cause, Started
from sweeps.executor.worker import WorkerSettings
from sweeps.sweep_file.settings import ResourceSettings

part, folder = sys.argv[1], Path(sys.argv[2])
request = ExecutorRequest(ResourceSettings(cpu=0.5, concurrent=1), worker=WorkerSettings(import_paths=(sys.argv[3],)), say=lambda text: print(text, flush=True))
executor = make_executor(request)
executor.submit(task(1, "patient", folder, epochs=2000))
while not any(isinstance(event, Started) for event in executor.poll(1.0)):
    pass
os.kill(worker._global_node.all_processes[part][0].process.pid, signal.SIGKILL)
killed = time.monotonic()
(end,) = ends(collect(executor, [1])[1])
assert end.cause is Cause.NODE_LOST, end
assert executor.room() == 1
executor.submit(task(2, "quick", folder))
(end,) = ends(collect(executor, [2])[2])
assert end.cause is Cause.COMPLETED, end
executor.close(5.0)
print("done")
"""


@pytest.mark.parametrize(("part", "home"), [("raylet", "/proc"), ("gcs_server", None)])
def test_a_dead_ray_is_started_anew_and_its_trials_end_as_lost(part: str, home: str | None, tmp_path: Path) -> None:
    """Once in a home that nobody can write to: Ray keeps a token there by default."""
    done = _run(PROGRAM, part, str(tmp_path), home=home)
    assert done.returncode == 0, done.stderr[-3000:]
    said = done.stdout.splitlines()
    assert said[-1] == "done"
    assert any(line.startswith(f"Ray's {part} on this machine ended unexpectedly; starting Ray anew, 1 running trial(s)") for line in said)


JOINED = """
import sys
from pathlib import Path
from contract import task
from ray.cluster_utils import Cluster
from sweeps.errors import SweepError
from sweeps.executor import lost_ray
from sweeps.executor.factory import ExecutorRequest, make_executor
from sweeps.executor.protocol import Started
from sweeps.executor.worker import WorkerSettings
from sweeps.sweep_file.settings import ResourceSettings

lost_ray.HEAD_SECONDS = 6.0
folder, here = sys.argv[1:]
cluster = Cluster()
head = cluster.add_node(num_cpus=1, object_store_memory=80_000_000)
request = ExecutorRequest(
    ResourceSettings(cpu=0.5, concurrent=1), address=cluster.address, worker=WorkerSettings(import_paths=(here,)), say=lambda text: print(text, flush=True)
)
executor = make_executor(request)
executor.submit(task(1, "patient", Path(folder)))
while not any(isinstance(event, Started) for event in executor.poll(1.0)):
    pass
head.all_processes["gcs_server"][0].process.kill()
try:
    while True:
        executor.poll(1.0)
except SweepError as error:
    print(error)
executor.close(0.0)
print("done", flush=True)
head.kill_all_processes(check_alive=False, allow_graceful=False)
"""


def test_a_head_node_that_is_gone_is_waited_for_and_then_told(tmp_path: Path) -> None:
    done = _run(JOINED, str(tmp_path))
    assert "does not answer; waiting for it up to 6 s" in done.stdout, done.stderr[-3000:]
    assert "once the cluster is up, run the sweep again" in done.stdout
    assert done.stdout.splitlines()[-1] == "done"
    assert done.returncode == 0, done.stderr[-3000:]


def _run(program: str, *words: str, home: str | None = None) -> subprocess.CompletedProcess[str]:
    """A program of its own process: Ray is started and killed there."""
    here = str(Path(__file__).parent)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([here, os.environ.get("PYTHONPATH", "")]),
        **({"HOME": home} if home else {}),
    }
    command = [sys.executable, "-c", program, *words, here]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
