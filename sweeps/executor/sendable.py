"""Whether a task can travel to a worker."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweeps.executor.protocol import TrialTask


def why_not_sendable(task: TrialTask) -> str | None:
    """What keeps `task` from being pickled, or None."""
    try:
        pickle.dumps(task)
    except Exception as error:  # noqa: BLE001 - pickling runs the objects' own code, which may raise anything
        return (
            f"trial {task.trial}: its task cannot be sent to a worker: {error}\n"
            "Expected plain data (numbers, texts, lists, mappings); name a function or a class by its text package.module:name instead."
        )
    return None
