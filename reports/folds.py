"""Figures of the folds of a training, beside their means: how they are called, and a training's curves fold by fold."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = TypeVar("Value")

CURVES = (
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "val_batch_accuracy",
    "val_predicted_share",
    "val_gained",
    "val_lost",
)
"""Curves that are kept of each fold, beside the ranked metric's: those that findings are made from (`reports.flags`)."""
_OF_FOLD = re.compile(r"fold_(\d+)_(.+)")


def fold_figure(fold: int, name: str) -> str:
    """What a figure of one fold, counted from 1, is called among those of its training: ``fold_2_val_accuracy``."""
    return f"fold_{fold}_{name}"


def is_of_fold(name: str) -> bool:
    """Whether a figure is that of one fold."""
    return _OF_FOLD.fullmatch(name) is not None


def by_fold(figures: Mapping[str, Value]) -> dict[int, dict[str, Value]]:
    """Fold, counted from 1, to its figures by their own names; empty of a training without folds."""
    found: dict[int, dict[str, Value]] = defaultdict(dict)
    for name, value in figures.items():
        if match := _OF_FOLD.fullmatch(name):
            found[int(match[1])][match[2]] = value
    return dict(sorted(found.items()))
