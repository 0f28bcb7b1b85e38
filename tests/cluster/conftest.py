"""A real Ray of several nodes on this machine: one raylet a node, its CPUs and GPUs logical, shared by all tests here."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sweeps.executor.factory import ExecutorRequest, make_executor
from sweeps.executor.ray_session import DRIVER_ENVIRONMENT
from sweeps.executor.worker import WorkerSettings
from sweeps.sweep_file import SweepFile, sweep_from_text

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)

sys.path.append(str(Path(__file__).parents[1] / "executor"))

from local_cluster import NODE, TEXT, TRAINABLES, LocalCluster, Study  # noqa: E402 - its folder was just added

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sweeps.executor import Executor


@pytest.fixture(scope="session")
def cluster() -> Iterator[LocalCluster]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in DRIVER_ENVIRONMENT.items():
            patch.setenv(name, value)
        from ray.cluster_utils import Cluster

        folder = tempfile.mkdtemp(prefix="sweep-cluster-", dir="/tmp")  # sockets need a short path
        cluster = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 0, "num_gpus": 0, "include_dashboard": False, "temp_dir": folder, **NODE}
        )
        try:
            cluster.add_node(num_cpus=4, num_gpus=1, **NODE)
            yield LocalCluster(cluster, folder)
        finally:
            cluster.shutdown()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def executor_of(cluster: LocalCluster) -> Callable[..., Executor]:
    """Make an executor that joins the cluster for a sweep."""

    def make(
        sweep: SweepFile, kind: str = "ray-core", environment: Mapping[str, str] | None = None, said: list[str] | None = None
    ) -> Executor:
        worker = WorkerSettings(import_paths=TRAINABLES, environment=tuple((environment or {}).items()))
        say = [].append if said is None else said.append
        return make_executor(ExecutorRequest(sweep.resources, address=cluster.address, worker=worker, say=say), kind)

    return make


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Study]:
    """A study in `tmp_path`, its top-level keys as given."""

    def make(name: str = "clustered", **keys: str) -> Study:
        lines = [line for line in TEXT.format(study=name, folder=tmp_path).splitlines() if line.partition(":")[0] not in keys]
        return Study(sweep_from_text("\n".join([*lines, *(f"{key}: {value}" for key, value in keys.items()), ""])))

    return make
