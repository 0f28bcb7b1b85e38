"""`collapsed`: stuck at chance or at the majority class from the start."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from reports.flags.chance import binomial_noise
from reports.flags.flag import Flag, FlagKind
from reports.flags.rule import Condition, Rule
from reports.flags.run_curves import median
from reports.wording import plain_score

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from reports.flags.run_curves import RunCurves

RULE = Rule(
    (
        (Condition("off chance", "<=", 1.0),),
        (Condition("at level", ">=", 0.45), Condition("learnt", "<=", 0.016), Condition("level", "<=", 0.95)),
    ),
    intercept=-0.56,
    slope=5.2,
)
"""Chosen and calibrated by ``python benchmarks/flags.py --choose``."""
ONE_CLASS_SHARE = 0.99
"""Share of the most-predicted class from which all predictions count as one class."""
SAME = 2e-4
"""Accuracy within which epochs are at one level: a model that predicts one class does not move, one that all but does moves by an image."""
CHANCE_BAND = 0.04
"""Distance from chance within which a whole curve is at chance, where sampling noise is not larger."""
SOLVED = 0.999
"""Accuracy from which nothing is left to learn."""
SOLVED_LOSS = 0.1
BELOW_ENTROPY = 0.7
"""Share of the best constant prediction's loss below which a model tells images apart. Not closer to 1: where every image has several labels, one
constant prediction for each label may cost less than their mean share says; a labelled curve of that kind stands at .76."""
HALF = 0.5
"""Level above which one class may be the majority, of which alone the entropy bound speaks."""
FEWEST_EPOCHS = 6
"""Epochs from which two accuracies that add up to 1, or a single one, are no coincidence."""
FEWEST_IMAGES = 20
SHORTEST = 4
"""Epochs below which nothing is said: two at chance are how many a run begins."""
FEW_CLASSES_CHANCE = 0.25
"""Chance level from which the band around it is `CHANCE_BAND`; below, a quarter of the level."""
SATURATED_LOSS = 16.118
"""-log(1e-7), Keras' clipping: the cross-entropy of a confident wrong answer. A loss of that times the error rate is a saturated softmax."""


def figures(run: RunCurves) -> Mapping[str, float] | None:
    """How still a run is; None for one that is too short.

    Returns:
        ``off chance``: the farthest that the curve gets from 1/classes, in bands around it. ``range``: between its first and last tenth of
        values, accuracy. ``at level``: share of epochs at the median, within a fiftieth of a point. ``learnt``: training accuracy above the level,
        infinite where the validation loss says that images are told apart, and where nothing but a high level is known.
        ``level``: the median. Where the record says how many classes are predicted, that decides, and ``range`` and
        ``at level`` speak for nothing: a model that is right on an easy set, or always on the same images of a small one, is as still.
        Nor do they on fewer than `FEWEST_IMAGES` images, of which any model gets the same number right again and again.
    """
    curve = run.validation
    if curve.size < SHORTEST:
        return None
    level = median(curve)
    ordered = np.sort(curve)
    tenth = curve.size // 10
    on_record = run.curve("val_predicted_share") is not None
    silent = on_record or _few_images(run)
    at_level = float(np.count_nonzero(np.abs(curve - level) < SAME)) / curve.size
    return {
        "off chance": _off_chance(curve, run),
        "range": math.inf if silent else float(ordered[-1 - tenth] - ordered[tenth]),
        "at level": 0.0 if silent else at_level,
        "learnt": math.inf if _discriminates(run, level) or _unknown(run, level, at_level) else _learnt(run, level),
        "level": level,
    }


def find_collapsed(run: RunCurves) -> Flag | None:
    """Flag a validation accuracy that never leaves a chance or majority level, or predictions of one class only."""
    found = figures(run)
    if found is None:
        return None
    sides = _two_sides(run)
    if sides is not None:
        return _one_class_each_epoch(run, sides)
    share = run.curve("val_predicted_share")
    last_share = float(share[-1]) if share is not None else None
    one_class = share is not None and median(share[-max(1, share.size // 2) :]) >= ONE_CLASS_SHARE
    if not (one_class or RULE.margin(found) >= 0.0):
        return None
    level = found["level"]
    evidence = {
        "level": level,
        "chance": 1.0 / (run.num_classes or 2) if found["off chance"] <= 1.0 else None,
        "predicted_share": last_share,
        "epochs_at_level": int(np.count_nonzero(np.abs(run.validation - level) < SAME)),
        "saturated_loss": _saturated(run, level),
        "epochs": (int(run.epochs[0]), int(run.epochs[-1])),
    }
    where = "one class is predicted for every image" if one_class else f"validation accuracy stays at {plain_score(level)}"
    saturated = "; the loss is that of a saturated softmax" if evidence["saturated_loss"] else ""
    return Flag(
        "collapsed",
        "high",
        evidence,
        "Check that inputs are scaled as the backbone expects; unfreeze layers (frozen_layers), lower the learning rate, "
        "lower bn_momentum or use precise_bn, and counter imbalance (imbalance: class_weight).",
        f"{where} from the start{saturated}",
        None if one_class else RULE.probability(found),
    )


def _few_images(run: RunCurves) -> bool:
    """Whether a validation set is known to be so small that its accuracy stands still by itself."""
    return run.num_val is not None and not run.num_val_assumed and run.num_val < FEWEST_IMAGES


def _two_sides(run: RunCurves) -> tuple[float, float] | None:
    """The only two validation accuracies of a run when they add up to 1, larger first; None otherwise.

    With two classes, p and 1 - p are what predicting one class and predicting the other is worth.
    """
    values = sorted(set(run.validation.tolist()))
    if run.validation.size < FEWEST_EPOCHS or len(values) != 2 or _few_images(run) or (run.num_classes or 2) != 2:  # noqa: PLR2004
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
        f"one class is predicted for every image: the only validation accuracies are {plain_score(high)} and {plain_score(low)}, which add up to 100 %",
    )


def _off_chance(curve: NDArray[np.float64], run: RunCurves) -> float:
    """The farthest from the chance level 1/classes, in bands of what counts as at chance. Two classes are assumed where the number is unknown."""
    chance = 1.0 / (run.num_classes or 2)
    noise = binomial_noise(chance, run.num_val) if run.num_val else 0.0
    band = min(CHANCE_BAND if chance >= FEW_CLASSES_CHANCE else chance / 4.0, max(3.0 * noise, CHANCE_BAND * 2 * chance))
    return float(np.abs(curve - chance).max()) / band


def _learnt(run: RunCurves, level: float) -> float:
    """Late training accuracy above the validation level; minus infinity when it is not on record."""
    training = run.curve("accuracy")
    if training is None or training.size < SHORTEST:
        return -math.inf
    return median(training[-max(1, training.size // 4) :]) - level


def _unknown(run: RunCurves, level: float, at_level: float) -> bool:
    """Whether a level above half of the images may as well be a good model's.

    Neither training accuracy nor validation loss is on record, and the curve moves, or is too short for standing still to mean much.
    """
    stands_still = at_level >= 1.0 and run.validation.size >= FEWEST_EPOCHS
    return level > HALF and run.curve("accuracy") is None and run.curve("val_loss") is None and not stands_still


def _discriminates(run: RunCurves, level: float) -> bool:
    """Whether the validation loss is lower than any model that gives every image the same answer could have.

    Where the largest class has share p, the best constant prediction costs at least -p ln p - (1 - p) ln(1 - p), the entropy of "that class or
    another". A level of 1 leaves nothing to tell apart. A wrong answer costs at least ln 2; what costs less is no cross-entropy, and says nothing.

    Args:
        run: the run.
        level: its validation accuracy, which would be p.
    """
    loss = run.curve("val_loss")
    if loss is None:
        return False
    if level >= SOLVED:
        return median(loss) < SOLVED_LOSS
    if level <= HALF:
        return False
    entropy = -(level * math.log(level) + (1.0 - level) * math.log(1.0 - level))
    return (1.0 - level) * math.log(2.0) <= median(loss) < BELOW_ENTROPY * entropy


def _saturated(run: RunCurves, level: float) -> bool | None:
    """Whether the validation loss is what confident wrong answers cost; None without a loss."""
    loss = run.curve("val_loss")
    if loss is None:
        return None
    return bool(median(loss) >= 0.75 * SATURATED_LOSS * (1.0 - level))


COLLAPSED = FlagKind("collapsed", find_collapsed, "stuck at the share of one class")
