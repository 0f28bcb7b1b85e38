"""How many trials fit at a time, and which warm process gets a task."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweeps.executor.protocol import TrialTask
    from sweeps.sweep_file.settings import ResourceSettings


TOLERANCE = 1e-9

REFRESH_SECONDS = 2.0
"""Between two looks at the size of a joined cluster."""


class Capacity:
    """Trials at a time, looked up again as the machines of a joined cluster come and go. Ray must be initialised."""

    def __init__(self, resources: ResourceSettings, *, joined: bool) -> None:
        """Look for the first time.

        Raises:
            SweepInputError: not even one trial fits.
        """
        self._resources = resources
        self._slots = slots(resources, autoscaling=joined)
        self._looks = joined and resources.concurrent is None
        self._looked = time.monotonic()

    def slots(self) -> int:
        """At present; 0 while no machine is there that has room."""
        if self._looks and time.monotonic() - self._looked > REFRESH_SECONDS:
            self._looked = time.monotonic()
            self._slots = fit(self._resources, _alive())
        return self._slots


def slots(resources: ResourceSettings, *, autoscaling: bool = False) -> int:
    """Trials at a time: at most ``resources.concurrent``, and as many as the cluster has room for.

    Args:
        resources: what one trial gets.
        autoscaling: whether the cluster may grow on demand; then `resources.concurrent` alone counts when it is given.

    Raises:
        SweepInputError: not even one trial fits.
    """
    import ray

    if autoscaling and resources.concurrent is not None:
        return resources.concurrent
    fitting = fit(resources, _alive())
    if fitting == 0:
        have = ray.cluster_resources()
        raise SweepInputError(
            f"resources: a trial asks for cpu {resources.cpu:g} and gpu {resources.gpus:g} on one machine, but Ray has "
            f"{have.get('CPU', 0):g} CPUs and {have.get('GPU', 0):g} GPUs over {sum(node['Alive'] for node in ray.nodes())} machine(s). "
            + (
                "Ask for less; or, where the cluster grows on demand, say with resources.concurrent how many trials it shall grow for."
                if autoscaling
                else "Ask for less, or join a larger cluster with --address."
            )
        )
    return fitting if resources.concurrent is None else min(resources.concurrent, fitting)


def _alive() -> list[Mapping[str, float]]:
    """Resources of the machines that are there."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def fit(resources: ResourceSettings, nodes: list[Mapping[str, float]]) -> int:
    """Trials that fit on `nodes` at once; a trial never spans two of them."""
    count = 0
    for node in nodes:
        by_cpu = int(node.get("CPU", 0.0) / resources.cpu + TOLERANCE)
        by_gpu = int(node.get("GPU", 0.0) / resources.gpus + TOLERANCE) if resources.gpus else by_cpu
        count += min(by_cpu, by_gpu)
    return count


REMEMBERED = 8
"""Affinities that a process is taken to be warm for; a trainer keeps its last few compiled models."""


@dataclass(eq=False)
class Seat:
    """A worker process.

    Attributes:
        handle: of the actor.
        shape: CPU cores and GPUs that it holds.
        tasks: what it runs, by trial; none while idle.
        retiring: whether it ends when the last of them does.
        warm_for: affinities of its last attempts, newest last.
        used: rank of its last use; higher is later.
        node: Ray's ID of its node, once known.
    """

    handle: Any
    shape: tuple[float, float]
    tasks: dict[int, TrialTask] = field(default_factory=dict)
    retiring: bool = False
    warm_for: list[str] = field(default_factory=list)
    used: int = 0
    node: str | None = None

    def take(self, task: TrialTask, rank: int) -> None:
        """Give the process a task."""
        self.tasks[task.trial] = task
        self.used = rank
        if task.affinity:
            self.warm_for = [*(each for each in self.warm_for if each != task.affinity), task.affinity][-REMEMBERED:]


def beside(seats: list[Seat], task: TrialTask) -> Seat | None:
    """The busy process in which a task may run beside others of its affinity, of several the one with the fewest; None when there is none."""
    open_ = [seat for seat in seats if seat.shape == (task.cpu, task.gpu) and _joins(seat, task)]
    return min(open_, key=lambda seat: (len(seat.tasks), seat.used), default=None)


def _joins(seat: Seat, task: TrialTask) -> bool:
    others = seat.tasks.values()
    slots = min((each.slots for each in (*others, task)), default=1)
    return 0 < len(others) < slots and not seat.retiring and all(each.affinity == task.affinity for each in others)


def choose(seats: list[Seat], task: TrialTask) -> Seat | None:
    """The idle process of all for a task, or None when there is none.

    A process that is warm for the task's affinity comes first. Then any idle one: starting a process costs seconds (TensorFlow's import), compiling another
    model in a running one does not cost more than in a new one. Among those, one that has run nothing of an affinity yet, then the one used longest ago,
    so that warm models last.
    """
    idle = [seat for seat in seats if not seat.tasks and seat.shape == (task.cpu, task.gpu)]
    if not idle:
        return None
    warm = [seat for seat in idle if task.affinity and task.affinity in seat.warm_for]
    if warm:
        return max(warm, key=lambda seat: seat.used)
    return min(idle, key=lambda seat: (len(seat.warm_for), seat.used))
