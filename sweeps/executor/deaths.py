"""Why Ray lost a worker: tells a lost node, memory and a plain death apart."""

from __future__ import annotations

import re
import socket
import time
from typing import TYPE_CHECKING, Any

from sweeps.executor.protocol import Cause

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        if found is None or not found["Alive"] or not _answers(found["NodeManagerAddress"], found["NodeManagerPort"]):
            return False
        if time.monotonic() >= deadline:
            return True
        time.sleep(SETTLE_SECONDS / 4)


def _answers(host: str, port: int) -> bool:
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
