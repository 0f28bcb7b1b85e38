"""How good an exported model is on the test images, which nothing was chosen by."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np

from trainer.fit.checkpoints import Checkpoints
from trainer.fit.layout import EXPORT, TEST
from trainer.fit.scores import scores

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from trainer.config import TrainConfig
    from trainer.data import ImageSet

_SMALLEST = 1e-12


def held_out_figures(logits: NDArray[np.floating], images: ImageSet, num_classes: int) -> dict[str, float]:
    """Figures of a model on the test images.

    Args:
        logits: ``(n, num_classes)``, or ``(n, 1)`` for a sigmoid's single unit.
        images: the test images.
        num_classes: classes of the data.
    """
    found = scores(logits, images.labels, num_classes)
    return {"test_accuracy": found.accuracy, "test_loss": found.loss, "test_balanced_accuracy": found.balanced_accuracy}


def measure_exported(model: Path, config: TrainConfig) -> dict[str, float]:
    """Figures of an exported ``model.keras`` on the test images of its data, measured once and then read from the note beside it.

    Args:
        model: the file, in the folder of its training's checkpoints.
        config: the training's.

    Returns:
        ``test_accuracy``, ``test_loss``, ``test_balanced_accuracy``; empty where the data has no test images.

    Raises:
        TrainerInputError: the data cannot be read.
    """
    notes = Checkpoints(model.parent)
    known, exported = notes.read_note(TEST), notes.read_note(EXPORT)
    of: dict[str, object] = {name: exported[name] for name in ("epoch", "epochs") if name in exported}
    if "figures" in known and of and of == {name: known.get(name) for name in of}:
        return {str(name): float(value) for name, value in known["figures"].items()}
    from trainer.data import load_data
    from trainer.fit.quiet_import import import_tensorflow_quietly

    data = load_data(config.data)
    if data.test is None:
        return {}
    import_tensorflow_quietly()
    import keras

    from trainer.data.batches import evaluation_batches

    network = keras.models.load_model(model, compile=False)
    batches = evaluation_batches(data.test, config)
    told = np.concatenate([np.asarray(network(batch[0], training=False)) for batch in batches]).astype(np.float64)
    figures = held_out_figures(_logits(told), data.test, data.num_classes)
    with contextlib.suppress(OSError):  # a folder that only its owner may write: measured again the next time
        notes.write_note(TEST, {**of, "figures": figures})
    return figures


def _logits(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logits that give these probabilities, ``(n, units)``; one unit is a sigmoid's."""
    clipped = np.clip(probabilities, _SMALLEST, 1.0)
    if probabilities.shape[1] > 1:
        return np.log(clipped)
    return np.log(clipped) - np.log(np.clip(1.0 - probabilities, _SMALLEST, 1.0))
