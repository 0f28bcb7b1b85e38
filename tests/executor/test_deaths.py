"""What Ray says about lost workers, told apart; messages as Ray 2.60 writes them."""

from __future__ import annotations

import pytest

from sweeps.executor.protocol import Cause
from sweeps.executor.ray_session import cause_of_death

UNEXPECTED = (
    "The actor died unexpectedly before finishing this task.\n\tpid: 123\nThe actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR "
    "Worker exit detail: Worker unexpectedly exits with a connection error code 2. End of file. Some common causes include: (1) the process was killed by the "
    "OOM killer due to high memory usage, (2) ray stop --force was called, or (3) the worker crashed unexpectedly due to SIGSEGV or another unexpected error."
)
NODE = "The actor died unexpectedly before finishing this task.\n\tpid: 123\nThe actor died because its node has died. Node Id: 5a53"
MEMORY = (
    "The actor is dead because its worker process has died. Worker exit type: NODE_OUT_OF_MEMORY "
    "Worker exit detail: Task was killed due to the node running low on memory."
)


class RayActorError(Exception):
    preempted = False
    actor_init_failed = False


class OutOfMemoryError(Exception):
    pass


class TaskFailedError(Exception):
    pass


TaskFailedError.__name__ = "RayTaskError(ValueError)"


def test_a_guess_about_the_oom_killer_is_not_taken_for_memory() -> None:
    assert cause_of_death(RayActorError(UNEXPECTED)) is Cause.WORKER_DIED


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RayActorError(NODE), Cause.NODE_LOST),
        (RayActorError(MEMORY), Cause.OUT_OF_MEMORY),
        (OutOfMemoryError("Task was killed due to the node running low on memory."), Cause.OUT_OF_MEMORY),
        (TaskFailedError("No module named 'sweeps'"), Cause.EXCEPTION),
        (None, Cause.WORKER_DIED),
    ],
)
def test_messages_of_ray_tell_the_cause(error: BaseException | None, cause: Cause) -> None:
    assert cause_of_death(error) is cause


def test_a_node_taken_away_by_the_autoscaler_is_a_lost_node() -> None:
    error = RayActorError(UNEXPECTED)
    error.preempted = True
    assert cause_of_death(error) is Cause.NODE_LOST
