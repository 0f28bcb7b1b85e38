"""How far a validation accuracy moves by the size of the validation set alone."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from reports.flags.medians import mean

if TYPE_CHECKING:
    from reports.flags.run_curves import RunCurves


@lru_cache(maxsize=2)
def sampling_noise(run: RunCurves) -> float | None:
    """Standard deviation of one epoch's accuracy when nothing but chance moves it; None when the set's size is unknown.

    With the trainer's counts of images gained (g) and lost (l) between epochs, chance alone moves each of those g + l images either
    way, so a difference of two epochs has variance (g + l)/n² (McNemar 1947) and one epoch half of it. Without counts the accuracy is
    taken as a binomial share of n images drawn anew each epoch, σ² = p(1 - p)/n. That is an upper bound: on a fixed validation set
    steady curves move by about .56 of it, so it asks for more evidence than it must.

    Args:
        run: curves of a training, with `num_val`.

    Source: McNemar, Psychometrika 12 (1947) 153; the share .56 was measured on steady curves of real trainings.
    """
    if run.num_val is None:
        return None
    gained, lost = run.curves.get("val_gained"), run.curves.get("val_lost")
    if gained is not None and lost is not None:
        moved = (gained + lost)[-run.window :]
        moved = moved[np.isfinite(moved)]
        if moved.size >= run.window // 2 and moved.size > 0:
            return float(max(math.sqrt(mean(moved) / 2.0), 0.5) / run.num_val)
    return binomial_noise(mean(run.settled), run.num_val)


def binomial_noise(accuracy: float, num_val: int) -> float:
    """Standard deviation of a share of `num_val` images, the share itself drawn half an image towards ½ so that 0 and 1 keep some."""
    share = (accuracy * num_val + 0.5) / (num_val + 1.0)
    return math.sqrt(share * (1.0 - share) / num_val)
