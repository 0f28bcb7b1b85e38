"""`spiking`: a mostly steady curve with isolated deep drops that recover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.flags.diverging import find_diverging
from reports.flags.flag import Flag, grade
from reports.flags.oscillating import measure
from reports.flags.swings import DEPTH, isolated_drops

if TYPE_CHECKING:
    from reports.flags.run_curves import RunCurves

OVER_THIRD_OSCILLATING = 3.0
"""On a curve that oscillates as well, the deepest drop exceeds the third deepest by this factor."""


def find_spiking(run: RunCurves) -> Flag | None:
    """Flag isolated deep drops after the start of a run."""
    drops = isolated_drops(run)
    if drops is None or find_diverging(run) is not None:
        return None
    swings = measure(run)
    if swings is not None and swings.flagged and drops.deepest < OVER_THIRD_OSCILLATING * drops.third:
        return None
    deepest = drops.deepest
    epochs = tuple(int(epoch) for epoch in run.epochs[drops.at])
    plural = "s" if len(epochs) > 1 else ""
    return Flag(
        "spiking",
        grade(deepest, medium=2 * DEPTH, high=6 * DEPTH),
        {"drops": len(epochs), "depth": deepest, "usual": drops.usual, "epochs": (epochs[0], epochs[-1]), "at": epochs},
        "Clip gradients (gradient_clip) or lower the learning rate; keep the exported checkpoint away from these epochs.",
        f"{len(epochs)} isolated drop{plural} of up to {deepest:.3f} at epoch {', '.join(map(str, epochs[:5]))}, recovered",
    )
