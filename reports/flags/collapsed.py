"""`collapsed`: stuck at chance or at the majority class from the start."""

from __future__ import annotations

import math
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
SOLVED = 0.999
"""Accuracy from which nothing is left to learn."""
SOLVED_LOSS = 0.1
BELOW_ENTROPY = 0.8
"""Share of the best constant prediction's loss below which a model tells images apart."""
FEWEST_EPOCHS = 6
"""Epochs from which two accuracies that add up to 1 are no coincidence."""
FEWEST_IMAGES = 20
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
    sides = _two_sides(run)
    if sides is not None:
        return _one_class_each_epoch(run, sides)
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
    stuck = still and share is None and not _learns(run, level) and not _discriminates(run, level)
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


def _two_sides(run: RunCurves) -> tuple[float, float] | None:
    """The only two validation accuracies of a run when they add up to 1, larger first; None otherwise.

    With two classes, p and 1 - p are what predicting one class and predicting the other is worth.
    """
    values = sorted(set(run.validation.tolist()))
    few = run.num_val is not None and run.num_val < FEWEST_IMAGES
    if run.validation.size < FEWEST_EPOCHS or len(values) != 2 or few or (run.num_classes or 2) != 2:  # noqa: PLR2004
        return None
    low, high = values
    return (high, low) if abs(low + high - 1.0) <= 2 * SAME and 0.0 < low < high - 4 * SAME else None


def _one_class_each_epoch(run: RunCurves, sides: tuple[float, float]) -> Flag:
    """The flag of a run that predicts now one class, now the other, for every image."""
    high, low = sides
    return Flag(
        "collapsed",
        "high",
        {"level": high, "other_level": low, "predicted_share": 1.0, "epochs": (int(run.epochs[0]), int(run.epochs[-1]))},
        "In validation the model gives every image the same class, now one, now the other. Check that validation images are scaled as training images "
        "are; lower bn_momentum or use precise_bn, lower the learning rate, and counter imbalance (imbalance: class_weight).",
        f"one class is predicted for every image: the only validation accuracies are {high:.6g} and {low:.6g}, which add up to 1",
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


def _discriminates(run: RunCurves, level: float) -> bool:
    """Whether the validation loss is lower than any model that gives every image the same answer could have.

    Where the largest class has share p, the best constant prediction costs at least -p ln p - (1 - p) ln(1 - p), the entropy of "that class or
    another". A level of 1 leaves nothing to tell apart.

    Args:
        run: the run.
        level: its validation accuracy, which would be p.
    """
    loss = run.curve("val_loss")
    if loss is None:
        return False
    if level >= SOLVED:
        return median(loss) < SOLVED_LOSS
    if level <= 0.5:  # noqa: PLR2004  # the entropy bound speaks of a majority
        return False
    return median(loss) < BELOW_ENTROPY * -(level * math.log(level) + (1.0 - level) * math.log(1.0 - level))


def _saturated(run: RunCurves, level: float) -> bool | None:
    """Whether the validation loss is what confident wrong answers cost; None without a loss."""
    loss = run.curve("val_loss")
    if loss is None:
        return None
    return bool(median(loss) >= 0.75 * SATURATED_LOSS * (1.0 - level))
