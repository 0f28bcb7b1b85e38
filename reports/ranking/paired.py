"""What the same validation images tell about noise: how much two trainings differ in which of them they get right.

Two trainings of one configuration disagree on about as many images as trainings of two good configurations do (tabular study: within
5 %). McNemar's test of two single trainings therefore says nothing about their configurations: what it takes for a difference is what any
two seeds show. It is the measure of that noise instead, and there after the first training of each configuration. What remains between
configurations once seeds are averaged out is that some images suit one more than another: .1 to .6 points of a difference with 150 to 300
images, small beside the 1.1 to 2.1 points between seeds, and left out (`benchmarks/race.py --noise`).

Source: McNemar, Psychometrika 12 (1947) 153.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from reports.ledger import shared_images

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reports.ledger import Ledger

FEWEST_IMAGES = 20
FEWEST_TRAININGS = 3


def paired_sd(ledgers: Sequence[Ledger]) -> float | None:
    """Standard deviation of a training's accuracy by which images it happens to get right, judged on the images that all trainings share.

    Args:
        ledgers: of one training each of several good configurations.

    Returns:
        Half the variance of a difference of two trainings, as a standard deviation in accuracy; None with too few trainings or images.
    """
    if len(ledgers) < FEWEST_TRAININGS:
        return None
    places, columns = shared_images(ledgers)
    if places.size < FEWEST_IMAGES:
        return None
    late = min(len(ledger.epochs) for ledger in ledgers)
    return disagreement(np.stack([ledger.right[-late:, column].mean(axis=0) for ledger, column in zip(ledgers, columns, strict=True)]))


def disagreement(right: NDArray[np.float64]) -> float:
    """The same from the share of late epochs in which each training got each image right, ``(num_trainings, num_images)``."""
    trainings, images = right.shape
    apart = right - right.mean(axis=0)
    apart -= apart.mean(axis=1, keepdims=True)
    return math.sqrt(float((apart**2).sum()) / (trainings - 1) / (images - 1) / images)
