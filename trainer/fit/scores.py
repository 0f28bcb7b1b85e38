"""Figures of a classification from its logits; NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOP = 5


@dataclass(frozen=True)
class Scores:
    """How well logits fit labels.

    Attributes:
        loss: mean cross-entropy in nats, without label smoothing or class weights, so that trials compare.
        accuracy: fraction.
        balanced_accuracy: mean recall of the classes that occur, fraction.
        macro_f1: mean F1 of the classes that occur or are predicted, fraction.
        top5: share of images whose class is among the five likeliest, or None below six classes.
        predicted_share: share of the most-predicted class.
        correct: ``(n,)``, which images are right.
    """

    loss: float
    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    top5: float | None
    predicted_share: float
    correct: NDArray[np.bool_]


def scores(logits: NDArray[np.floating], labels: NDArray[np.integer], num_classes: int) -> Scores:
    """Score logits.

    Args:
        logits: ``(n, num_classes)``, or ``(n, 1)`` for a sigmoid's single unit.
        labels: ``(n,)``, in [0, num_classes).
        num_classes: classes of the data.
    """
    logits = two_columns(np.asarray(logits, dtype=np.float64))
    labels = np.asarray(labels, dtype=np.int64)
    predicted = logits.argmax(axis=1)
    correct = predicted == labels
    counts = np.bincount(labels * num_classes + predicted, minlength=num_classes**2).reshape(num_classes, num_classes)
    hits, actual, told = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    recall = hits[actual > 0] / actual[actual > 0]
    seen = (actual + told) > 0
    f1 = 2.0 * hits[seen] / (actual + told)[seen]  # 2·TP / (2·TP + FP + FN)
    top5 = None
    if num_classes > TOP:
        own = logits[np.arange(len(labels)), labels][:, None]
        top5 = float(np.mean((logits > own).sum(axis=1) < TOP))
    return Scores(
        float(np.mean(cross_entropy(logits, labels))),
        float(np.mean(correct)),
        float(np.mean(recall)),
        float(np.mean(f1)),
        top5,
        float(told.max() / len(labels)),
        correct,
    )


def two_columns(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """A sigmoid's logit z as the softmax logits (0, z), which give the same probabilities."""
    return np.concatenate([np.zeros_like(logits), logits], axis=1) if logits.shape[1] == 1 else logits


def cross_entropy(logits: NDArray[np.float64], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """-log softmax at each label, shape ``(n,)``, in nats."""
    highest = logits.max(axis=1, keepdims=True)
    log_sum = highest[:, 0] + np.log(np.exp(logits - highest).sum(axis=1))
    losses: NDArray[np.float64] = log_sum - logits[np.arange(len(labels)), labels]
    return losses
