"""Executors on Ray, and the machines of a cluster: each is asked for its package versions before trials run there, those that join later too."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sweeps import environment
from sweeps.environment import compare_versions, versions
from sweeps.errors import SweepError
from sweeps.executor import sent
from sweeps.executor.lost_ray import HeadCheck, RestartingExecutor
from sweeps.executor.placement import fit
from sweeps.executor.protocol import Ended, Started
from sweeps.executor.ray_session import close_ray, open_ray

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sweeps.executor.factory import ExecutorRequest
    from sweeps.executor.protocol import Event, Executor, TrialTask
    from sweeps.executor.ray_session import RaySession
    from sweeps.executor.worker import WorkerSettings
    from sweeps.sweep_file.settings import ResourceSettings


ANSWER_SECONDS = 600.0
"""A node may have to install packages (``runtime.pip``) before it answers."""

WAIT_SECONDS = 0.5
"""At a time, so that a signal is heard meanwhile."""

LOOK_SECONDS = 5.0
"""Between two looks for nodes that have joined."""

MESSAGE_LINES = 12
"""Of a message of Ray's, in which a traceback of its own comes first."""


class NodeCheck:
    """Compares each node that has room for a trial with the driver. Ray must be initialised."""

    def __init__(self, resources: ResourceSettings, versions: Mapping[str, str], say: Callable[[str], object]) -> None:
        """Start without a node. What differs from the driver's versions and is allowed is said."""
        self._resources = resources
        self._versions = dict(versions)
        self._say = say
        self._known: set[str] = set()
        self._asked: dict[Any, Mapping[str, Any]] = {}
        self._looked = 0.0

    def check_all(self) -> None:
        """Ask every node that is there, and wait.

        Raises:
            SweepError: a node would train with other versions, or does not answer.
        """
        import ray

        self._ask()
        deadline = time.monotonic() + ANSWER_SECONDS
        while self._asked and time.monotonic() < deadline:
            ray.wait(list(self._asked), num_returns=1, timeout=WAIT_SECONDS)
            self._take_answers()
        if self._asked:
            silent = "; ".join(name_of(node) for node in self._asked.values())
            raise SweepError(
                f"no answer in {ANSWER_SECONDS:g} s from {silent}. Look at it with 'ray status' and 'ray list nodes', or remove it from the cluster."
            )

    def look(self) -> None:
        """Ask nodes that have joined since, and hear those that have answered; returns at once.

        Raises:
            SweepError: a node that joined would train with other versions.
        """
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        self._ask()
        self._take_answers()

    def _ask(self) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        for node in ray.nodes():
            if not node["Alive"] or node["NodeID"] in self._known or not fit(self._resources, [node["Resources"]]):
                continue
            self._known.add(node["NodeID"])
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            question = ray.remote(sent.as_code(environment).versions).options(num_cpus=0, max_retries=0, scheduling_strategy=there)
            self._asked[question.remote()] = node

    def _take_answers(self) -> None:
        import ray

        if not self._asked:
            return
        answered, _ = ray.wait(list(self._asked), num_returns=len(self._asked), timeout=0)
        for call in answered:
            node = self._asked.pop(call)
            try:
                found: Mapping[str, str] = ray.get(call)
            except Exception as error:  # noqa: BLE001 - Ray's many ways to say that a task did not run
                self._excuse_or_refuse(node, error)
            else:
                self._judge(node, found)

    def _judge(self, node: Mapping[str, Any], found: Mapping[str, str]) -> None:
        differences = compare_versions(self._versions, found)
        if differences.refused:
            raise SweepError(
                f"{name_of(node)} would not train as the driver does: {'; '.join(differences.refused)}.\n"
                "Install the same versions on every node (one image, or one requirements file), or take that node out of the cluster. Nothing finished is lost."
            )
        if differences.warned:
            self._say(f"{name_of(node)} has other versions: {'; '.join(differences.warned)}. Results may differ in the last digits.")

    def _excuse_or_refuse(self, node: Mapping[str, Any], error: Exception) -> None:
        """A node or a process that has gone meanwhile is no harm: it is asked again if it is still there. One that cannot run our task is."""
        from ray.exceptions import RayTaskError, RuntimeEnvSetupError

        if isinstance(error, RuntimeEnvSetupError):
            raise SweepError(
                f"{name_of(node)} cannot make what the sweep's runtime section asks for:\n{_why_not_made(str(error))}\n"
                "Expected: requirements of runtime.pip that pip finds from there, folders that Ray can send. No trial was started there, nothing is lost."
            ) from error
        if isinstance(error, RayTaskError):
            raise SweepError(f"{name_of(node)} cannot run a task ({type(error).__name__}):\n{error}") from error
        self._known.discard(node["NodeID"])


def _why_not_made(message: str) -> str:
    """What pip says was wrong, or the end of Ray's message."""
    lines = [line.rstrip() for line in message.splitlines() if line.strip()]
    return "\n".join([line for line in lines if line.lstrip().startswith("ERROR:")] or lines[-MESSAGE_LINES:])


def name_of(node: Mapping[str, Any]) -> str:
    """A node for a message: address, host, the start of Ray's ID."""
    return f"node {node['NodeManagerAddress']} ({node['NodeManagerHostname']}, {node['NodeID'][:8]})"


WAIT_SAID_AFTER = 60.0
"""A trial that has not started for so long is worth a word."""


class WatchedExecutor:
    """Another executor on a joined cluster: checks nodes that join, and says when trials wait for room or the head node is away."""

    def __init__(self, inner: Executor, nodes: NodeCheck, say: Callable[[str], object]) -> None:
        self._inner = inner
        self._nodes = nodes
        self._head = HeadCheck(say)
        self._say = say
        self._waiting: dict[int, tuple[TrialTask, float]] = {}
        self._has_said = False

    def room(self) -> int:
        """As the other says."""
        return self._inner.room()

    def submit(self, task: TrialTask) -> None:
        """Hand the task on."""
        self._waiting[task.trial] = (task, time.monotonic())
        self._inner.submit(task)

    def poll(self, timeout: float) -> Sequence[Event]:
        """Events of the other.

        Raises:
            SweepError: a node has joined that would train with other versions, or the head node is gone.
        """
        if not self._head.answers():  # Ray's own calls would wait for it
            time.sleep(min(timeout, WAIT_SECONDS))
            return ()
        events = self._inner.poll(timeout)
        for event in events:
            if isinstance(event, Started | Ended):
                self._waiting.pop(event.trial, None)
        self._nodes.look()
        self._say_that_trials_wait()
        return events

    def stop(self, trial: int) -> None:
        """Hand it on."""
        self._inner.stop(trial)

    def kill(self, trial: int, why: str) -> bool:
        """Hand it on."""
        return self._inner.kill(trial, why)

    def close(self, grace: float) -> Sequence[Event]:
        """Close the other."""
        return self._inner.close(grace)

    def _say_that_trials_wait(self) -> None:
        """Say once that trials wait for a machine."""
        since = min((began for _, began in self._waiting.values()), default=None)
        if since is None:
            self._has_said = False
        elif not self._has_said and time.monotonic() - since > WAIT_SAID_AFTER:
            self._has_said = True
            task = next(iter(self._waiting.values()))[0]
            self._say(
                f"{len(self._waiting)} trial(s) wait for a machine with room for cpu {task.cpu:g} and gpu {task.gpu:g}; "
                "a cluster that grows on demand starts one, any other has to finish something first ('ray status' shows which)"
            )


def on_ray(request: ExecutorRequest, build: Callable[[WorkerSettings, RaySession], Executor], *, num_cpus: int | None = None) -> Executor:
    """An executor on Ray, once each machine has installed the packages; on machines that may differ from this one, one that watches them.

    Args:
        request: what it is made of.
        build: makes it of the workers' settings and of a Ray that is there, and closes that Ray with it.
        num_cpus: logical CPUs of an own Ray; default: as Ray counts them.
    """
    if request.address is not None or _ray_runs():
        return _on_session(request, build, num_cpus)
    return RestartingExecutor(lambda: _on_session(request, build, num_cpus), request.say)


def _ray_runs() -> bool:
    import ray

    return bool(ray.is_initialized())


def _on_session(request: ExecutorRequest, build: Callable[[WorkerSettings, RaySession], Executor], num_cpus: int | None) -> Executor:
    packages = (request.runtime_env or {}).get("pip", ())
    session = open_ray(request.address, num_cpus=num_cpus, runtime_env=request.runtime_env, private=request.private)
    try:
        own = versions()
        nodes = NodeCheck(request.resources, own, request.say)
        if packages:
            request.say(
                f"installing {', '.join(packages)} on each machine; where Ray runs in a virtual environment, that is copied first, for a minute or more ..."
            )
        if packages or session.address is not None:
            nodes.check_all()
        if session.address is None:
            return build(request.worker, session)
        return WatchedExecutor(build(replace(request.worker, versions=tuple(own.items())), session), nodes, request.say)
    except BaseException:
        close_ray(session)
        raise
