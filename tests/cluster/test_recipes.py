"""The files of docs/cluster.md: whole, and where this machine can run them, running."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from local_cluster import PATIENCE, wait_for

from sweeps.cli.parser import build_parser
from sweeps.record import read_study
from sweeps.sweep_file import load_sweep_file

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "examples" / "cluster"
FILES = sorted(path.relative_to(ROOT).as_posix() for path in RECIPES.rglob("*") if path.is_file())
SCRIPTS = [name for name in FILES if name.endswith((".sh", ".sbatch"))]

SWEEP = """\
study: by-hand
data: {source: digits, classes: ["0", "1"], split: {train: 40, validation: 40, test: 0}}
model: {backbone: plain_cnn, options: {filters: [4], kernel: 3}}
training: {epochs: 2, batch_size: 20}
space: {learning_rate: {choice: [0.01]}}
search: {trials: 1, sampler: grid, pruner: none}
resources: {cpu: 1}
"""


def test_every_file_stands_in_the_page() -> None:
    page = (ROOT / "docs" / "cluster.md").read_text()
    assert [name for name in FILES if f'--8<-- "{name}"' not in page] == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_shell_scripts_parse(name: str) -> None:
    done = subprocess.run(["bash", "-n", str(ROOT / name)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_sweep_file_loads() -> None:
    sweep = load_sweep_file(RECIPES / "sweep.yaml")
    assert (sweep.storage, sweep.resources.concurrent) == ("${SWEEP_STORAGE}", 16)


def test_the_kubernetes_job_runs_a_command_that_there_is() -> None:
    (job,) = yaml.safe_load_all((RECIPES / "kuberay" / "rayjob.yaml").read_text())
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    program, *words = shlex.split(job["spec"]["entrypoint"])
    arguments = build_parser().parse_args(words)
    assert (program, arguments.command, arguments.address) == ("steadysweep", "run", "auto")
    load_sweep_file(RECIPES / "sweep.yaml", arguments.overrides)
    cluster = job["spec"]["rayClusterSpec"]
    groups: list[dict[str, Any]] = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    pods = [group["template"]["spec"] for group in groups]
    for pod in pods:
        (container,) = pod["containers"]
        assert {mount["name"] for mount in container["volumeMounts"]} <= {volume["name"] for volume in pod["volumes"]}
    assert ["SWEEP_STORAGE" in str(pod) for pod in pods] == [True, False], "the driver alone talks to the storage"


@pytest.fixture
def by_hand(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of someone who follows the recipe, with a token of their own."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "RAY_AUTH_TOKEN_PATH": f"{tmp_path}/token"}
    environment.pop("RAY_AUTH_MODE", None)
    subprocess.run(["bash", str(RECIPES / "by-hand" / "token.sh"), "make"], env=environment, check=True, capture_output=True)
    return environment


def test_the_cluster_made_by_hand_runs_a_sweep_and_lets_nobody_in_without_its_token(by_hand: dict[str, str], tmp_path: Path) -> None:
    assert (tmp_path / "token").stat().st_mode & 0o077 == 0
    again = subprocess.run(["bash", str(RECIPES / "by-hand" / "token.sh"), "make"], env=by_hand, check=False, capture_output=True)
    assert again.returncode == 1, "a token that exists is kept"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    folder = tempfile.mkdtemp(prefix="sweep-hand-", dir="/tmp")
    small = ["--num-gpus=0", "--object-store-memory=80000000", f"--temp-dir={folder}"]
    head = ["start-head.sh", f"--port={port}", "--node-ip-address=127.0.0.1", "--num-cpus=0", *small]
    worker = ["start-worker.sh", address, "--num-cpus=1", "--num-gpus=0"]
    nodes: list[subprocess.Popen[bytes]] = []
    logs = tmp_path / "nodes.log"

    def start(script: str, *options: str) -> None:
        with logs.open("ab") as log:
            command = ["bash", str(RECIPES / "by-hand" / script), *options]
            nodes.append(subprocess.Popen(command, env=by_hand, stdout=log, stderr=log, start_new_session=True))

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        start(*head)
        wait_for(answers, f"the head answers: {logs.read_text() if logs.exists() else ''}")
        start(*worker)
        (tmp_path / "sweep.yaml").write_text(SWEEP)
        run = ["bash", str(RECIPES / "by-hand" / "run-sweep.sh"), address, "sweep.yaml", "--quiet", "--set", "resources.concurrent=1"]
        done = subprocess.run(run, cwd=tmp_path, env=by_hand, capture_output=True, text=True, check=False, timeout=2 * PATIENCE)
        assert done.returncode == 0, done.stderr + logs.read_text()
        (trial,) = read_study(f"sqlite:///{tmp_path}/by-hand.db", "by-hand").trials
        assert (trial.state, trial.num_epochs) == ("COMPLETE", 2)
        program = f"from sweeps.executor.ray_session import open_ray; open_ray({address!r})"
        stranger = {**by_hand, "RAY_AUTH_MODE": "disabled"}
        refused = subprocess.run([sys.executable, "-c", program], env=stranger, capture_output=True, text=True, check=False)
        assert refused.returncode != 0
        assert "RAY_AUTH_TOKEN_PATH" in refused.stderr, "it says what is missing"
    finally:
        for node in reversed(nodes):
            node.send_signal(signal.SIGINT)
        for node in reversed(nodes):
            try:
                node.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(node.pid, signal.SIGKILL)
                node.wait()
