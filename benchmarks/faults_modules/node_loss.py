"""Loss of nodes, as of Spot instances: a study on a cluster of three nodes, of which one after another vanishes at random and another joins."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import faults_contenders

NODES = 3
NODE = {"num_cpus": 1, "object_store_memory": 80_000_000}
PATIENCE = 900.0
"""Seconds for the study to end once no node is taken any more."""


@dataclass(frozen=True)
class NodeLoss:
    """What became of the study.

    Attributes:
        nodes: that were lost.
        attempts: of all trials.
        causes: how the attempts ended, to their number.
        lost: trials wanted and not finished with all their epochs.
        doubled: trials finished beyond those wanted, and epochs that are on record twice.
        repeated: epochs that were computed more than once, each extra time counted.
        seconds: of the study.
        out: seconds on average between two losses.
    """

    nodes: int
    attempts: int
    causes: dict[str, int]
    lost: int
    doubled: int
    repeated: int
    seconds: float
    out: float


def lose_nodes(minutes: float, trials: int, epochs: int, seconds: float, seed: int) -> NodeLoss:
    """Run a study on three nodes and kill one at random every 10 to 40 s for so many minutes; another one joins 5 s later."""
    from ray.cluster_utils import Cluster

    from sweeps.executor.ray_session import DRIVER_ENVIRONMENT

    os.environ.update(DRIVER_ENVIRONMENT)
    moment, folder = random.Random(seed), Path(tempfile.mkdtemp(prefix="nodes-", dir="/tmp"))  # noqa: S311 - sockets need a short path; no secret
    os.chdir(folder)
    cluster = Cluster(
        initialize_head=True, head_node_args={**NODE, "num_cpus": 0, "include_dashboard": False, "temp_dir": str(folder / "ray")}
    )
    try:
        nodes = [cluster.add_node(**NODE) for _ in range(NODES)]
        ended: dict[str, Any] = {}
        thread = threading.Thread(target=_study, args=(cluster.address, folder, (trials, epochs, seconds), ended), daemon=True)
        began = time.monotonic()
        thread.start()
        losses = 0
        while thread.is_alive() and time.monotonic() - began < 60 * minutes:
            thread.join(moment.uniform(10, 40))
            if thread.is_alive() and _has_begun(folder):
                cluster.remove_node(nodes.pop(moment.randrange(len(nodes))), allow_graceful=False)
                losses += 1
                print(f"{time.monotonic() - began:6.0f} s: node {losses} lost", file=sys.stderr, flush=True)
                thread.join(5)
                nodes.append(cluster.add_node(**NODE))
        thread.join(PATIENCE)
        whole = time.monotonic() - began
        if thread.is_alive() or "error" in ended:
            raise SystemExit(f"the study did not end: {ended.get('error', 'it is still running')}")
        result = _counted(folder, trials, epochs)
        return replace(result, nodes=losses, seconds=whole, out=whole / max(losses, 1))
    finally:
        cluster.shutdown()
        os.chdir("/")
        shutil.rmtree(folder, ignore_errors=True)


def _study(address: str, folder: Path, size: tuple[int, int, float], ended: dict[str, Any]) -> None:
    from sweeps.executor.factory import ExecutorRequest, make_executor
    from sweeps.executor.worker import WorkerSettings
    from sweeps.study.running import run_study

    trials, epochs, seconds = size
    settings = json.dumps([str(folder), seconds])
    paths = (str(Path(faults_contenders.__file__).parent),)
    worker = WorkerSettings(import_paths=paths, environment=((faults_contenders.SETTINGS, settings),))
    sweep = faults_contenders.sweep_of(trials, epochs, NODES, cpu=1, folder=folder)
    try:
        executor = make_executor(ExecutorRequest(sweep.resources, address=address, worker=worker), "ray-core")
        run_study(sweep, executor, trainable="faults_contenders:train")
    except BaseException as error:  # noqa: BLE001 - the main thread says it
        ended["error"] = repr(error)


def _has_begun(folder: Path) -> bool:
    return (folder / "epochs.log").exists()


def _counted(folder: Path, trials: int, epochs: int) -> NodeLoss:
    from sweeps.record import read_study

    record = read_study(f"sqlite:///{folder}/faults.db", "faults")
    whole = [trial for trial in record.trials if trial.state == "COMPLETE" and trial.num_epochs == epochs]
    computed = Counter((trial, epoch) for trial, epoch, _ in map(json.loads, (folder / "epochs.log").read_text().splitlines()))
    attempts = [attempt for trial in record.trials for attempt in trial.attempts]
    return NodeLoss(
        nodes=0,
        attempts=len(attempts),
        causes=dict(Counter(str(attempt.cause) for attempt in attempts)),
        lost=max(0, trials - len(whole)),
        doubled=max(0, len(whole) - trials) + sum(max(0, trial.num_epochs - epochs) for trial in record.trials),
        repeated=sum(count - 1 for count in computed.values()),
        seconds=0.0,
        out=0.0,
    )
