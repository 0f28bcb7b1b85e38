"""Loss weights that counter class imbalance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from trainer.data.images import Labels


def class_weights(labels: Labels, num_classes: int) -> npt.NDArray[np.float32]:
    """Weight of each class, ``(num_classes,)``: n / (classes that occur x images of the class), so that weights average 1 over the images.

    A class without images has weight 0. Source: scikit-learn's ``class_weight="balanced"`` (King, Zeng 2001).
    """
    counts = np.bincount(labels, minlength=num_classes)
    occurring = (counts > 0).sum()
    weights: npt.NDArray[np.float64] = np.divide(len(labels), occurring * counts, out=np.zeros(num_classes), where=counts > 0)
    return weights.astype(np.float32)
