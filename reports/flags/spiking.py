"""`spiking`: a mostly steady curve with isolated deep drops that recover."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.flags.chance import sampling_noise
from reports.flags.diverging import find_diverging
from reports.flags.drops import DEPTH, find_drops
from reports.flags.flag import Flag, FlagKind, grade
from reports.flags.oscillating import measure
from reports.flags.rule import Condition, Rule
from reports.flags.run_curves import median
from reports.wording import points

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.flags.run_curves import RunCurves

RULE = Rule(
    (
        (
            Condition("depth", ">=", 0.06),
            Condition("depth over noise", ">=", 1.5),
            Condition("depth over movement", ">=", 5.0),
        ),
    ),
    intercept=-1.09,
    slope=3.99,
)
"""Chosen and calibrated by ``python benchmarks/flags.py --choose``."""
SMALLEST_STEP = 0.003
"""Accuracy that the usual step and movement count at least: below it a curve is as good as still."""
LIKE_THE_DEEPEST = 0.6
"""Share of the deepest drop from which another one is named beside it."""


def figures(run: RunCurves) -> Mapping[str, float] | None:
    """How far the deepest drop of a run stands out; None for a run that is too short.

    Returns:
        ``depth``: of the deepest drop after the first third, accuracy. ``depth over noise``: in standard deviations of an epoch by the size of
        the validation set. ``depth over steps``: in usual steps from one epoch to the next. ``depth over movement``: in to-and-fro
        movement, isolated drops set aside. ``depth over third``: over the third deepest.
    """
    drops, swings = find_drops(run), measure(run)
    if drops is None or swings is None:
        return None
    depth = drops.deepest
    settled = run.validation[drops.start :]
    noise = sampling_noise(run)
    return {
        "depth": depth,
        "depth over noise": depth / noise if noise else float("inf"),
        "depth over steps": depth / (median(np.abs(settled[1:] - settled[:-1])) + SMALLEST_STEP),
        "depth over movement": depth / (swings.movement + SMALLEST_STEP),
        "depth over third": depth / max(drops.third, SMALLEST_STEP),
    }


def find_spiking(run: RunCurves) -> Flag | None:
    """Flag isolated deep drops after the start of a run."""
    found, drops = figures(run), find_drops(run)
    if found is None or drops is None or find_diverging(run) is not None or RULE.margin(found) < 0.0:
        return None
    deepest = found["depth"]
    alike = drops.depth >= LIKE_THE_DEEPEST * deepest
    alike[: drops.start] = False
    epochs = tuple(int(epoch) for epoch in run.epochs[alike])
    plural = "s" if len(epochs) > 1 else ""
    return Flag(
        "spiking",
        grade(deepest, medium=2 * DEPTH, high=6 * DEPTH),
        {"drops": len(epochs), "depth": deepest, "usual": median(np.abs(drops.depth)), "epochs": (epochs[0], epochs[-1]), "at": epochs},
        "Clip gradients (gradient_clip) or lower the learning rate; keep the exported checkpoint away from these epochs.",
        f"{len(epochs)} isolated drop{plural} of up to {points(deepest)} at epoch {', '.join(map(str, epochs[:5]))}, recovered",
        RULE.probability(found),
    )


SPIKING = FlagKind("spiking", find_spiking, "have rare deep drops that recover")
