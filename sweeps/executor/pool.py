"""Which warm process gets a task: pure choice, without Ray."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from sweeps.executor.protocol import TrialTask

Handle = TypeVar("Handle")

REMEMBERED = 8
"""Affinities that a process is taken to be warm for; a trainer keeps its last few compiled models."""


@dataclass(eq=False)
class Seat(Generic[Handle]):
    """A worker process.

    Attributes:
        handle: of the actor.
        shape: CPU cores and GPUs that it holds.
        task: what it runs, or None while idle.
        warm_for: affinities of its last attempts, newest last.
        used: rank of its last use; higher is later.
        node: Ray's ID of its node, once known.
    """

    handle: Handle
    shape: tuple[float, float]
    task: TrialTask | None = None
    warm_for: list[str] = field(default_factory=list)
    used: int = 0
    node: str | None = None

    def take(self, task: TrialTask, rank: int) -> None:
        """Give the process a task."""
        self.task = task
        self.used = rank
        if task.affinity:
            self.warm_for = [*(each for each in self.warm_for if each != task.affinity), task.affinity][-REMEMBERED:]


def shape_of(task: TrialTask) -> tuple[float, float]:
    """What a process for `task` holds."""
    return task.cpu, task.gpu


def choose(seats: list[Seat[Handle]], task: TrialTask) -> Seat[Handle] | None:
    """The idle process for a task, or None when there is none.

    A process that is warm for the task's affinity comes first. Then any idle one: starting a process costs seconds (TensorFlow's import), compiling another
    model in a running one does not cost more than in a new one. Among those, one that has run nothing of an affinity yet, then the one used longest ago,
    so that warm models last.

    Args:
        seats: all processes.
        task: to be run.
    """
    idle = [seat for seat in seats if seat.task is None and seat.shape == shape_of(task)]
    if not idle:
        return None
    warm = [seat for seat in idle if task.affinity and task.affinity in seat.warm_for]
    if warm:
        return max(warm, key=lambda seat: seat.used)
    return min(idle, key=lambda seat: (len(seat.warm_for), seat.used))
