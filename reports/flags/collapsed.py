"""`collapsed`: stuck at chance or at the majority class from the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.flags.chance import binomial_noise
from reports.flags.flag import Flag
from reports.flags.run_curves import median

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reports.flags.run_curves import RunCurves

ONE_CLASS_SHARE = 0.99
"""Share of the most-predicted class from which all predictions count as one class."""
STILL = 0.002
"""A curve that stays within ± this is still: a model that predicts one class does not move at all, one that all but does hardly moves."""
SAME = 5e-5
"""Half a unit of the fourth decimal, in which logs print."""
STILL_SHARE = 0.75
"""Share of epochs at one value that makes a curve stuck where validation sets are small."""
CHANCE_BAND = 0.04
"""Distance from chance within which a whole curve is at chance, where sampling noise is not larger."""
LEARNT = 0.02
"""Training accuracy above validation, or gained since the second epoch, by which the model has learnt something."""
SHORTEST = 2
FEW_CLASSES_CHANCE = 0.25
"""Chance level from which the band around it is `CHANCE_BAND`; below, a quarter of the level."""
SATURATED_LOSS = 16.118
"""-log(1e-7), Keras' clipping: the cross-entropy of a confident wrong answer. A loss of that times the error rate is a saturated softmax."""


def find_collapsed(run: RunCurves) -> Flag | None:
    """Flag a validation accuracy that never leaves a chance or majority level, or predictions of one class only."""
    curve = run.validation
    if curve.size < SHORTEST:
        return None
    share = run.curve("val_predicted_share")
    last_share = float(share[-1]) if share is not None else None
    one_class = share is not None and median(share[-max(1, share.size // 2) :]) >= ONE_CLASS_SHARE
    level = median(curve)
    ordered = np.sort(curve)
    tenth = curve.size // 10
    at_level = np.count_nonzero(np.abs(curve - level) < SAME)
    still = float(ordered[-1 - tenth] - ordered[tenth]) <= 2 * STILL or at_level >= STILL_SHARE * curve.size
    chance = _chance(curve, run)
    # Where the predictions are on record they decide: a model that is right on an easy set, or always on the same images of a small one, is as still.
    stuck = still and share is None and not _learns(run, level)
    if not (one_class or stuck or chance is not None):
        return None
    evidence = {
        "level": level,
        "chance": chance,
        "predicted_share": last_share,
        "epochs_at_level": int(at_level),
        "saturated_loss": _saturated(run, level),
        "epochs": (int(run.epochs[0]), int(run.epochs[-1])),
    }
    where = "one class is predicted for every image" if one_class else f"validation accuracy stays at {level:.3f}"
    saturated = "; the loss is that of a saturated softmax" if evidence["saturated_loss"] else ""
    return Flag(
        "collapsed",
        "high",
        evidence,
        "Check that inputs are scaled as the backbone expects; unfreeze layers (frozen_layers), lower the learning rate, "
        "lower bn_momentum or use precise_bn, and counter imbalance (imbalance: class_weight).",
        f"{where} from the start{saturated}",
    )


def _chance(curve: NDArray[np.float64], run: RunCurves) -> float | None:
    """The chance level 1/classes that a whole curve keeps to, or None. Two classes are assumed where the number is unknown."""
    chance = 1.0 / (run.num_classes or 2)
    noise = binomial_noise(chance, run.num_val) if run.num_val else 0.0
    band = min(CHANCE_BAND if chance >= FEW_CLASSES_CHANCE else chance / 4.0, max(3.0 * noise, CHANCE_BAND * 2 * chance))
    return chance if float(np.abs(curve - chance).max()) <= band else None


def _learns(run: RunCurves, level: float) -> bool:
    """Whether training accuracy shows learning that the validation level does not."""
    training = run.curve("accuracy")
    if training is None or training.size <= SHORTEST:
        return False
    late = median(training[-max(1, training.size // 4) :])
    return late > level + LEARNT or (late - float(training[1]) > LEARNT and late > level)


def _saturated(run: RunCurves, level: float) -> bool | None:
    """Whether the validation loss is what confident wrong answers cost; None without a loss."""
    loss = run.curve("val_loss")
    if loss is None:
        return None
    return bool(median(loss) >= 0.75 * SATURATED_LOSS * (1.0 - level))
