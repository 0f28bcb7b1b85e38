"""Ray's start and end: settings for small machines, an existing cluster by its address, and what Ray changes in a process put back.

Also why Ray lost a worker (`cause_of_death`): a lost node, a full memory or a plain death.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import signal
import socket
import tempfile
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.errors import SweepError
from sweeps.executor.protocol import Cause
from sweeps.stop_signals import held_back

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping


OBJECT_STORE_BYTES = 100_000_000
"""Tasks and events are kilobytes; Ray's default takes a third of the memory."""

WORKER_ENVIRONMENT = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # a trial without GPUs must not see them all (Ray leaves CUDA_VISIBLE_DEVICES unset otherwise)
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative paths of a sweep file mean the same in a worker as in the driver
}
"""What every Ray process of ours must find in its environment."""

DRIVER_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_register_timeout_seconds": "180",  # a busy machine needs longer than the default 60 s to start a process
}

START_ATTEMPTS = 3
"""On a busy machine Ray's agents miss a deadline of 15 s that Ray does not let us set."""

FOLDER_PREFIX = "sweep-ray-"


@dataclass(frozen=True)
class RaySession:
    """A connection to Ray.

    Attributes:
        address: of the cluster that was joined, or None for one of our own.
        folder: Ray's session files of our own cluster, or None.
        owned: whether closing shuts Ray down.
    """

    address: str | None
    folder: Path | None
    owned: bool


def open_ray(
    address: str | None = None,
    *,
    num_cpus: int | None = None,
    num_gpus: int | None = None,
    runtime_env: Mapping[str, Any] | None = None,
    private: Collection[str] = (),
) -> RaySession:
    """Connect to Ray; one that this process already uses is taken as it is.

    Args:
        address: of an existing cluster (``auto``, ``host:6379``, ``ray://host:10001``); None starts one on this machine that ends with this process.
        num_cpus: logical CPUs of an own cluster, and
        num_gpus: its logical GPUs; default: as Ray counts them.
        runtime_env: Ray's ``working_dir``, ``py_modules``, ``pip``. Secrets do not belong here: Ray writes it to its logs.
        private: environment variables of this process that processes of an own cluster do not inherit.

    Raises:
        SweepError: Ray cannot be started or joined, or it runs in this process already and `runtime_env` comes too late.
    """
    os.environ.update({name: value for name, value in (WORKER_ENVIRONMENT | DRIVER_ENVIRONMENT).items() if name not in os.environ})
    import ray

    logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)  # how to opt out of token authentication, at every start
    if ray.is_initialized():
        if runtime_env:
            raise SweepError(
                f"runtime: Ray runs in this process already, and {', '.join(runtime_env)} can only be given when it is started or joined. "
                "Call ray.shutdown() first, or give them to your own ray.init(runtime_env=...) and leave them out of the sweep."
            )
        return RaySession(address, None, owned=False)
    common = {"log_to_driver": False, "logging_level": logging.WARNING, "configure_logging": False}
    with _own_signals():
        if address is not None:
            return _join(address, common, runtime_env)
        with _without(private):
            return _start({**common, "num_cpus": num_cpus, "num_gpus": num_gpus, "runtime_env": dict(runtime_env) if runtime_env else None})


def close_ray(session: RaySession) -> None:
    """Leave the cluster; an own one ends and its files go."""
    import ray

    if not session.owned:
        return
    with _own_signals():
        ray.shutdown()
    if session.folder is not None:
        shutil.rmtree(session.folder, ignore_errors=True)


def lost_parts() -> tuple[str, ...]:
    """The processes without which Ray does nothing (``raylet``, ``gcs_server``) that have ended, of a Ray that this process started; asks no one but the system.

    Ray itself says nothing of a dead raylet, and ends the whole process a minute after its GCS has died.
    """
    from ray._private import worker

    node = worker._global_node  # noqa: SLF001 - Ray tells it nowhere else
    return () if node is None else tuple(kind for kind, _ in node.dead_processes() if kind in {"raylet", "gcs_server"})


@contextmanager
def _without(names: Collection[str]) -> Iterator[None]:
    """Processes that are started meanwhile do not inherit these variables."""
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


def _join(address: str, common: Mapping[str, Any], runtime_env: Mapping[str, Any] | None) -> RaySession:
    import ray

    given = dict(runtime_env or {})
    given["env_vars"] = WORKER_ENVIRONMENT | dict(given.get("env_vars", {}))
    try:
        ray.init(address=address, runtime_env=given, **common)
    except Exception as error:
        raise SweepError(
            f"no Ray cluster could be joined at {address!r}: {error}\n"
            "Expected the address of a running head node (ray start --head), the same Ray version, and the cluster's token: "
            "set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH to the file that the head node was started with."
        ) from error
    return RaySession(address, None, owned=True)


def _start(settings: Mapping[str, Any]) -> RaySession:
    import ray

    _remove_left_overs()
    _give_token_place()
    for attempt in range(1, START_ATTEMPTS + 1):
        folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", dir=_short_temporary_folder()))
        try:
            with _needed_parts_only():
                ray.init(object_store_memory=OBJECT_STORE_BYTES, include_dashboard=False, _temp_dir=str(folder), **settings)
        except KeyboardInterrupt:
            ray.shutdown()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        except Exception as error:
            ray.shutdown()
            if attempt == START_ATTEMPTS:
                raise SweepError(
                    f"Ray could not be started on this machine in {attempt} attempts: {error}\nIts logs are in {folder}. "
                    f"What usually lacks: free memory, disk space in {folder.parent}, processes (ulimit -u), or an idle core for the first half minute."
                ) from error
            shutil.rmtree(folder, ignore_errors=True)
        else:
            return RaySession(None, folder, owned=True)
    raise AssertionError("unreachable: the last attempt returns or raises")


UNUSED_PARTS = ("start_api_server", "start_monitor", "start_log_monitor")
"""Methods of Ray's ``Node`` that start the dashboard's server (also where no dashboard is wanted), the autoscaler and the reader of workers' output.

A local Ray of ours has no use for them. Each is a Python process, `ray.init` waits for the first, and Ray has a setting for none.
"""


@contextmanager
def _needed_parts_only() -> Iterator[None]:
    """A Ray that is started meanwhile has no `UNUSED_PARTS`."""
    from ray._private.node import Node

    theirs = {name: getattr(Node, name) for name in UNUSED_PARTS}
    for name in UNUSED_PARTS:
        setattr(Node, name, lambda *_given, **_named: None)
    try:
        yield
    finally:
        for name, starting in theirs.items():
            setattr(Node, name, starting)


TOKEN_PATH = "RAY_AUTH_TOKEN_PATH"  # noqa: S105 - the name of a variable


def _give_token_place() -> None:
    """Where this user's home cannot be written, Ray's token for its own processes gets a file of ours: Ray would not start without one."""
    if TOKEN_PATH in os.environ or "RAY_AUTH_TOKEN" in os.environ or os.environ.get("RAY_AUTH_MODE") == "disabled":
        return
    usual = Path.home() / ".ray"
    try:
        usual.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=usual):
            pass
    except OSError:
        if not (usual / "auth_token").is_file():
            folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-token-", dir=_short_temporary_folder()))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            (folder / "auth_token").write_text(uuid.uuid4().hex)
            os.environ[TOKEN_PATH] = str(folder / "auth_token")


def _short_temporary_folder() -> str:
    """Ray puts sockets below it, whose whole path may have 107 characters."""
    usual = tempfile.gettempdir()
    return usual if len(usual) < len("/var/tmp/abcdef") or not Path("/tmp").is_dir() else "/tmp"  # noqa: S108 - a fresh 0700 folder is made in it


def _remove_left_overs() -> None:
    """Session files of our own drivers that were killed, and what of their Ray still runs."""
    for folder in Path(_short_temporary_folder()).glob(f"{FOLDER_PREFIX}*"):
        process = folder.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        is_over = process.isdigit() and Path("/proc/self").exists() and not Path("/proc", process).exists()
        with suppress(OSError):  # strangers leave what they like in a shared folder: dangling links, files that go meanwhile
            if is_over and not folder.is_symlink() and folder.stat().st_uid == os.getuid():
                _end_processes_of(folder)
                shutil.rmtree(folder, ignore_errors=True)


def _end_processes_of(folder: Path) -> None:
    """End the processes of this user whose command line names a session's folder: no other driver's has this name."""
    import psutil

    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.uids().real == os.getuid() and any(str(folder) in word for word in process.cmdline()):
                process.kill()


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep this process's handlers: Ray's own for SIGTERM ends the process and skips its clean-up, and it stands from the first moment of Ray's start."""
    from ray._private import utils

    theirs = utils.set_sigterm_handler
    utils.set_sigterm_handler = lambda _handler: None
    try:
        with held_back():
            yield
    finally:
        utils.set_sigterm_handler = theirs
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):  # Ray's C++ code puts a handler of its own in front, which prints a stack
                signal.signal(number, signal.getsignal(number) or signal.SIG_DFL)


NODE_PHRASES = ("its node has died", "node has died", "node is dead", "node was drained", "node was terminated", "raylet died")
"""How Ray 2.60 says in an actor's death message that the node went with it (GCS ``GenNodeDiedCause``, raylet ``LocalRayletDiedError``)."""

MEMORY_PHRASES = ("node_out_of_memory", "running low on memory")
"""How Ray's memory monitor says it killed the worker. Not "OOM killer": that stands as one of three guesses in every message of an unexpected death."""

ACTOR = re.compile(r"(?:actor_id: |the actor )([0-9a-f]{32})")
"""Its ID in the messages of ``ActorDiedError`` and ``ActorUnavailableError``, in lower case."""

SETTLE_SECONDS = 2.0
"""How long a machine that goes down may still answer after its first worker was missed."""

CALL_SECONDS = 3.0


def cause_of_death(error: BaseException | None, *, node: str | None = None) -> Cause:
    """What became of a worker that Ray says is gone.

    Args:
        error: what ``ray.get`` raised or Ray Tune kept; None when Ray gave none.
        node: ID of the worker's node, asked after when the message does not tell; default: that of the actor named in the message.
    """
    kinds = {kind.__name__ for kind in type(error).__mro__}
    text = str(error).lower()
    if lost_parts():
        return Cause.NODE_LOST
    if "OutOfMemoryError" in kinds or any(phrase in text for phrase in MEMORY_PHRASES):
        return Cause.OUT_OF_MEMORY
    if kinds & {"NodeDiedError", "LocalRayletDiedError"} or getattr(error, "preempted", False) or any(p in text for p in NODE_PHRASES):
        return Cause.NODE_LOST
    if getattr(error, "actor_init_failed", False) or any(kind.startswith("RayTaskError") for kind in kinds):
        return Cause.EXCEPTION  # our own code raised in the worker: another process would do the same
    place = node or _node_of(text)
    if place and not _alive(place):
        return Cause.NODE_LOST
    return Cause.WORKER_DIED


def _alive(node: str) -> bool:
    """Whether a node is there. Ray itself notices a machine that is gone after some ten seconds only, its workers are missed at once: so its raylet is called.

    Where workers and raylet are killed one after the other, the worker's death is heard first; a raylet that answers is called again.
    """
    import ray

    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        found = next((known for known in ray.nodes() if known["NodeID"] == node), None)
        if found is None or not found["Alive"] or not answers(found["NodeManagerAddress"], found["NodeManagerPort"]):
            return False
        if time.monotonic() >= deadline:
            return True
        time.sleep(SETTLE_SECONDS / 4)


def head_address() -> tuple[str, int] | None:
    """Host and port of the cluster's head node; None where it lies behind a gateway (``ray://``)."""
    import ray

    if ray.util.client.ray.is_connected():
        return None
    host, _, port = str(ray.get_runtime_context().gcs_address).rpartition(":")
    return host, int(port)


def answers(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    import ray

    if ray.util.client.ray.is_connected():  # ray://: nodes may lie behind a gateway
        return True
    try:
        with socket.create_connection((host, port), timeout=CALL_SECONDS):
            return True
    except OSError:
        return False


def _node_of(text: str) -> str | None:
    """Where the actor of a death message ran, as far as Ray remembers."""
    found = ACTOR.search(text)
    if found is None:
        return None
    from ray._private import state

    actor: Mapping[str, Any] = state.actors(found[1]) or {}
    node = dict(actor.get("Address") or {}).get("NodeID")
    return str(node) if node else None
