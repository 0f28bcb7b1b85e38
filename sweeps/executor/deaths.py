"""Why Ray lost a worker: tells a lost node, memory and a plain death apart."""

from __future__ import annotations

from sweeps.executor.protocol import Cause

NODE_PHRASES = ("its node has died", "node has died", "node is dead", "node was drained", "node was terminated", "raylet died")
"""How Ray 2.60 says in an actor's death message that the node went with it (GCS ``GenNodeDiedCause``, raylet ``LocalRayletDiedError``)."""

MEMORY_PHRASES = ("node_out_of_memory", "running low on memory")
"""How Ray's memory monitor says it killed the worker. Not "OOM killer": that stands as one of three guesses in every message of an unexpected death."""


def cause_of_death(error: BaseException | None, *, node: str | None = None) -> Cause:
    """What became of a worker that Ray says is gone.

    Args:
        error: what ``ray.get`` raised or Ray Tune kept; None when Ray gave none.
        node: ID of the worker's node, asked after when the message does not tell.
    """
    kinds = {kind.__name__ for kind in type(error).__mro__}
    text = str(error).lower()
    if "OutOfMemoryError" in kinds or any(phrase in text for phrase in MEMORY_PHRASES):
        return Cause.OUT_OF_MEMORY
    if kinds & {"NodeDiedError", "LocalRayletDiedError"} or getattr(error, "preempted", False) or any(p in text for p in NODE_PHRASES):
        return Cause.NODE_LOST
    if getattr(error, "actor_init_failed", False) or any(kind.startswith("RayTaskError") for kind in kinds):
        return Cause.EXCEPTION  # our own code raised in the worker: another process would do the same
    if node is not None and not _alive(node):
        return Cause.NODE_LOST
    return Cause.WORKER_DIED


def _alive(node: str) -> bool:
    import ray

    return any(known["NodeID"] == node and known["Alive"] for known in ray.nodes())
