"""scikit-learn's digits: 1,797 grey images of 8 by 8 pixels, ten classes; needs no network and no file."""

from __future__ import annotations

import numpy as np

from trainer.data.collected import Collected

BRIGHTEST = 16


def collect_digits() -> Collected:
    """The digits, their values 0..16 scaled to 0..255.

    Source: https://scikit-learn.org/stable/modules/generated/sklearn.datasets.load_digits.html
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pixels = np.rint(images.reshape(-1, 8, 8, 1) * (255 / BRIGHTEST)).astype(np.uint8)
    return Collected(pixels, labels.astype(np.int32), tuple(str(digit) for digit in range(10)))
