"""A user's own data and backbone. This folder is on nobody's path: it reaches workers as `runtime.working_dir` alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras


def load() -> tuple[np.ndarray, np.ndarray]:
    """Two classes of images that a mean tells apart; needs the key, and notes in whose process it was called from which copy of this file."""
    if not os.environ["DATA_KEY"].startswith("canary"):
        raise ValueError("DATA_KEY is wrong")
    Path(os.environ["NOTES"], f"{os.getpid()}.txt").write_text(__file__)
    generator = np.random.default_rng(0)
    labels = np.arange(120) % 2
    images = generator.integers(0, 120, (120, 8, 8, 1)) + 100 * labels[:, None, None, None]
    return images.astype(np.uint8), labels


def backbone(input_shape: tuple[int, int, int]) -> keras.Model:
    import keras
    from layers_of_mine import block

    image = keras.Input(input_shape)
    return keras.Model(image, block(image))
