"""A user's own package: it reaches workers by `runtime.py_modules`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def block(x: keras.KerasTensor) -> keras.KerasTensor:
    import keras

    return keras.layers.ReLU()(keras.layers.Conv2D(4, 3)(x))
