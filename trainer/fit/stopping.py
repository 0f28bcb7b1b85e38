"""Early stopping on the level, and which epoch's checkpoint is exported; functions of the past curve alone, so a resumed training needs no state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.stability.score import level

if TYPE_CHECKING:
    from collections.abc import Sequence

LATE_EPOCHS = 9
"""How many of the last epochs are late: those that carry more than 5 % of the newest one's weight e^(-age/3) in the level."""


def level_has_stalled(curve: Sequence[float], patience: int, *, maximize: bool) -> bool:
    """Whether the level of a curve ``(num_epochs,)`` has not improved for `patience` epochs."""
    best, waited = -np.inf, 0
    for end in range(1, len(curve) + 1):
        present = np.asarray(curve[:end], dtype=np.float64)
        if np.isnan(present).all():
            continue
        held = level(present, maximize=maximize) * (1.0 if maximize else -1.0)
        best, waited = (held, 0) if held > best else (best, waited + 1)
    return waited >= patience


def candidates(curve: Sequence[float], epochs: Sequence[int], *, maximize: bool) -> tuple[int, ...]:
    """Which of the checkpointed epochs may still be the one to export, now or after more epochs.

    Args:
        curve: of the metric, shape ``(num_epochs,)``.
        epochs: with a checkpoint, counted from 1.
        maximize: whether higher is better.

    Returns:
        Late epochs that no later checkpointed epoch equals or beats, oldest and best first. The first is the one to export.
    """
    sign = 1.0 if maximize else -1.0
    kept: list[int] = []
    best = -np.inf
    for epoch in sorted(epochs, reverse=True):
        value = sign * curve[epoch - 1]
        late = epoch > len(curve) - LATE_EPOCHS
        if late and (value > best or not kept):
            kept.append(epoch)
            best = value if not np.isnan(value) else best
    return tuple(reversed(kept))
