"""Storms: a study is killed with SIGKILL at random moments until it is done, ours, Ray Tune's with `Tuner.restore` and KerasTuner's.

``python benchmarks/faults.py`` (`--kills 20` by default). Each kill meets the driver alone, the driver with all its processes (as a machine that loses its power), or
one worker; when the driver is dead the same command is typed again. Printed: trials that were lost, trials that are there twice, epochs that were computed
more than once, and the time from the first start to the end beside that of an undisturbed run, with and without what the starts took.

``python benchmarks/faults.py --nodes 20 --trials 110 --epochs 60`` instead loses nodes of a three-node cluster at random, as Spot instances are, for 20 minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

HERE = Path(__file__).resolve().parent
MODULES = HERE / "faults_modules"
CONTENDERS = ("ours, ray-core", "ours, inline", "ray tune", "keras-tuner")
TARGETS = ("driver", "group", "worker")
PATIENCE = 900.0
"""Seconds for a start to reach its first epoch, or its end, before the benchmark gives it up."""


@dataclass
class Storm:
    """What became of one study.

    Attributes:
        kills: target to number of kills.
        starts: of the command.
        lost: trials wanted and not finished with all their epochs.
        doubled: trials finished beyond those wanted.
        repeated: epochs that were computed more than once, each extra time counted.
        seconds: from the first start to the end.
        starting: of them, from each start to the first epoch after it, or to that start's death.
    """

    kills: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TARGETS, 0))
    starts: int = 0
    lost: int = 0
    doubled: int = 0
    repeated: int = 0
    seconds: float = 0.0
    starting: float = 0.0


@dataclass(frozen=True)
class Study:
    """What every contender runs."""

    trials: int
    epochs: int
    seconds: float


def storm(contender: str, study: Study, kills: int, seed: int, folder: Path) -> Storm:
    """Run a contender's study in `folder` under so many kills; then to its end."""
    moment, result = random.Random(seed), Storm()  # noqa: S311 - no secret
    left, began, seen = kills, time.monotonic(), set[psutil.Process]()
    process = _start(contender, study, folder, result)
    try:
        while True:
            started, before = time.monotonic(), _epochs(folder)
            while process.poll() is None and _epochs(folder) == before and time.monotonic() - started < PATIENCE:
                time.sleep(0.05)
            result.starting += time.monotonic() - started
            alive = True
            while alive and left and process.poll() is None:
                time.sleep(moment.uniform(0.2, 4.0) * max(study.seconds, 0.2) * 2)
                if process.poll() is None:
                    target = _kill(process, moment, seen)
                    result.kills[target] += 1
                    left, alive = left - 1, target == "worker"
            code = process.wait(PATIENCE)
            if code == 0:
                break
            if not left and result.starts > kills + 3:
                raise SystemExit(f"{contender}: does not end: {(folder / 'program.log').read_text()[-2000:]}")
            process = _start(contender, study, folder, result)
        result.seconds = time.monotonic() - began
    finally:
        _clean(process, seen)
    _count(study, folder, result)
    return result


def _start(contender: str, study: Study, folder: Path, result: Storm) -> subprocess.Popen[bytes]:
    result.starts += 1
    paths = os.pathsep.join([str(MODULES), str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3", "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, str(MODULES / "faults_contenders.py"), contender, str(study.trials), str(study.epochs), str(study.seconds)]
    with (folder / "program.log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)


def _kill(process: subprocess.Popen[bytes], moment: random.Random, seen: set[psutil.Process]) -> str:
    """Kill something of a program that runs; what it was."""
    children = psutil.Process(process.pid).children(recursive=True)
    seen.update(children)
    workers = [child for child in children if _name(child).startswith("ray::")]
    target = moment.choice([each for each in TARGETS if workers or each != "worker"])
    for victim in {"driver": [process], "group": [process, *children], "worker": [moment.choice(workers)] if workers else []}[target]:
        try:
            victim.kill()
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue
    return target


def _name(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return ""


def _clean(process: subprocess.Popen[bytes], seen: set[psutil.Process]) -> None:
    """End what a contender left behind: only processes that were seen as its children, and none that has got the number of one since."""
    if process.poll() is None:
        process.kill()
        process.wait()
    for left in seen:
        with suppress(psutil.NoSuchProcess):
            if left.is_running() and "ray" in _name(left):
                left.kill()


def _lines(folder: Path) -> list[tuple[str, int]]:
    path = folder / "epochs.log"
    return [(trial, epoch) for trial, epoch, _ in map(json.loads, path.read_text().splitlines())] if path.exists() else []


def _epochs(folder: Path) -> int:
    return len(_lines(folder))


def _count(study: Study, folder: Path, result: Storm) -> None:
    finished: dict[str, int] = json.loads((folder / "result.json").read_text())
    whole = sum(epochs >= study.epochs for epochs in finished.values())
    result.lost, result.doubled = max(0, study.trials - whole), max(0, whole - study.trials)
    result.repeated = sum(count - 1 for count in Counter(_lines(folder)).values())
    result.repeated += sum(epoch > study.epochs for _, epoch in _lines(folder))
    known = set(finished)
    result.repeated += sum(1 for trial, _ in set(_lines(folder)) if trial not in known)  # of a trial that was begun anew under another name


def print_node_loss(minutes: float, given: argparse.Namespace) -> None:
    """Our study alone, on nodes that come and go."""
    paths = [str(MODULES), str(HERE.parent)]
    sys.path[:0] = paths
    os.environ["PYTHONPATH"] = os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")])  # of the nodes
    from node_loss import NODES, lose_nodes

    found = lose_nodes(minutes, given.trials, given.epochs, given.seconds, given.seed)
    print(
        f"{given.trials} trials x {given.epochs} epochs of {given.seconds:g} s on {NODES} nodes: {found.nodes} nodes lost in "
        f"{found.seconds:.0f} s, one every {found.out:.0f} s"
    )
    print(
        f"trials lost {found.lost}, doubled {found.doubled}, epochs trained again {found.repeated}; attempts {found.attempts}: {found.causes}"
    )
    if given.json:
        given.json.write_text(json.dumps(asdict(found), indent=1) + "\n")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0.5, help="of an epoch")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=[*CONTENDERS])
    parser.add_argument("--nodes", type=float, metavar="MINUTES", help="instead: lose nodes of a three-node cluster at random for so long")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.nodes:
        print_node_loss(given.nodes, given)
        return
    study = Study(given.trials, given.epochs, given.seconds)
    print(f"{study.trials} trials x {study.epochs} epochs of {study.seconds:g} s, {given.kills} kills, seed {given.seed}", flush=True)
    print(
        "contender        kills (driver, group, worker)  starts  lost  doubled  repeated epochs  seconds  undisturbed  ratio  without starts",
        flush=True,
    )
    figures = {}
    for contender in given.only:
        with tempfile.TemporaryDirectory(prefix="calm-") as calm, tempfile.TemporaryDirectory(prefix="storm-") as wild:
            quiet = storm(contender, study, 0, given.seed, Path(calm))
            rough = storm(contender, study, given.kills, given.seed, Path(wild))
        figures[contender] = {"storm": asdict(rough), "undisturbed": asdict(quiet)}
        kills = f"{sum(rough.kills.values())} ({', '.join(str(rough.kills[target]) for target in TARGETS)})"
        ratio, bare = rough.seconds / quiet.seconds, (rough.seconds - rough.starting) / (quiet.seconds - quiet.starting)
        print(
            f"{contender:16} {kills:>30} {rough.starts:>7} {rough.lost:>5} {rough.doubled:>8} {rough.repeated:>16} {rough.seconds:>8.0f} {quiet.seconds:>12.0f} "
            f"{ratio:>6.2f} {bare:>15.2f}",
            flush=True,
        )
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
