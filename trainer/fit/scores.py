"""Figures of a classification from its logits (NumPy), and of an exported model on the test images, which nothing was chosen by."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainer.checkpoints.layout import EXPORT, TEST
from trainer.checkpoints.local import Checkpoints
from trainer.errors import DataError
from trainer.fit.metrics import metrics_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import keras
    from numpy.typing import NDArray

    from trainer.config import TrainConfig
    from trainer.data import ImageSet


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
        predicted: ``(n,)``, class of each image.
    """

    loss: float
    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    top5: float | None
    predicted_share: float
    correct: NDArray[np.bool_]
    predicted: NDArray[np.integer]


def scores(logits: NDArray[np.floating], labels: NDArray[np.integer], num_classes: int) -> Scores:
    """Score logits.

    Args:
        logits: ``(n, num_classes)``, or ``(n, 1)`` for a sigmoid's single unit.
        labels: ``(n,)``, in [0, num_classes).
        num_classes: classes of the data.
    """
    logits = np.asarray(logits, dtype=np.float64)
    if logits.shape[1] == 1:  # a sigmoid's logit z as the softmax logits (0, z), which give the same probabilities
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    labels = np.asarray(labels, dtype=np.int64)
    predicted = logits.argmax(axis=1)
    correct = predicted == labels
    counts = np.bincount(labels * num_classes + predicted, minlength=num_classes**2).reshape(num_classes, num_classes)
    hits, labelled, predictions = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    recall = hits[labelled > 0] / labelled[labelled > 0]
    occurring = (labelled + predictions) > 0
    f1 = 2.0 * hits[occurring] / (labelled + predictions)[occurring]  # 2·TP / (2·TP + FP + FN)
    own = logits[np.arange(len(labels)), labels]
    highest = logits.max(axis=1, keepdims=True)
    loss = float(np.mean(highest[:, 0] + np.log(np.exp(logits - highest).sum(axis=1)) - own))  # -log softmax at each label
    top5 = float(np.mean((logits > own[:, None]).sum(axis=1) < TOP)) if num_classes > TOP else None
    majority = float(predictions.max() / len(labels))
    return Scores(loss, float(np.mean(correct)), float(np.mean(recall)), float(np.mean(f1)), top5, majority, correct, predicted)


_SMALLEST = 1e-12


def held_out_figures(logits: NDArray[np.floating], images: ImageSet, class_names: Sequence[str], config: TrainConfig) -> dict[str, float]:
    """Figures of a model on the test images, from its logits as `scores` takes them; with what its training measures on demand (``test_auc``)."""
    result = scores(logits, images.labels, len(class_names))
    measured = metrics_of(config, class_names).measure(logits, images.labels, result.predicted)
    figures = {"test_accuracy": result.accuracy, "test_loss": result.loss, "test_balanced_accuracy": result.balanced_accuracy}
    return {**{name.replace("val_", "test_", 1): value for name, value in measured.items()}, **figures}


def noted_figures(checkpoints: Checkpoints, exported: Mapping[str, object]) -> dict[str, float] | None:
    """Test figures noted earlier for this ``epoch`` of as many ``epochs``; None where there are none."""
    note = checkpoints.read_note(TEST)
    if not exported or "figures" not in note or any(note.get(name) != value for name, value in exported.items()):
        return None
    return {str(name): float(value) for name, value in note["figures"].items()}


def _exported(notes: Checkpoints) -> dict[str, object]:
    """Which epoch the exported model is of."""
    return {name: value for name, value in notes.read_note(EXPORT).items() if name in {"epoch", "epochs"}}


def known_figures(folder: Path) -> dict[str, float] | None:
    """Figures of an exported model on the test images, from the note beside it; None where nobody has measured it."""
    notes = Checkpoints(folder)
    return noted_figures(notes, _exported(notes))


def measure_exported(folder: Path, config: TrainConfig, network: keras.Model) -> dict[str, float]:
    """Figures of an exported model on the test images of its data, measured once and then read from the note beside it.

    Args:
        folder: of the ``model.keras`` and its notes.
        config: of its training.
        network: the model of that file.

    Returns:
        ``test_accuracy``, ``test_loss``, ``test_balanced_accuracy``; empty where the data has no test images.

    Raises:
        TrainerInputError: the data cannot be read, or does not fit the model.
    """
    known = known_figures(folder)
    if known is not None:
        return known
    from trainer.data import load_data

    notes = Checkpoints(folder)
    exported = _exported(notes)

    data = load_data(config.data)
    if data.test is None:
        return {}
    from trainer.data.batches import evaluation_batches

    batches = evaluation_batches(data.test, config)
    try:
        probabilities = np.concatenate([np.asarray(network(batch[0], training=False)) for batch in batches]).astype(np.float64)
    except ValueError as error:  # a file that somebody put in the place of the training's
        raise DataError(f"the model does not take the images of {config.data.source}: it is not of this training") from error
    logits = np.log(np.clip(probabilities, _SMALLEST, 1.0))  # logits that give these probabilities; one unit is a sigmoid's
    if probabilities.shape[1] == 1:
        logits -= np.log(np.clip(1.0 - probabilities, _SMALLEST, 1.0))
    figures = held_out_figures(logits, data.test, data.class_names, config)
    with contextlib.suppress(OSError):  # a folder that only its owner may write: measured again the next time
        notes.write_note(TEST, {**exported, "figures": figures})
    return figures
