"""Two convolutions and a pool: the small baseline of a two-class study."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def simple_cnn(input_shape: tuple[int, int, int], *, filters: tuple[int, int] = (32, 64), kernel: int = 3) -> keras.Model:
    """Conv relu → Conv relu → MaxPool 2, all without padding.

    With ``pooling: flatten``, ``dense: [128]``, ``dropout: [.25, .5]`` at 200x200x3 and two classes it has 78,695,746 parameters.

    Args:
        input_shape: height, width, channels.
        filters: of the two convolutions.
        kernel: side of both kernels, in pixels.
    """
    import keras

    inputs = keras.Input(input_shape)
    x = inputs
    for number, width in enumerate(filters, start=1):
        x = keras.layers.Conv2D(width, kernel, activation="relu", name=f"block{number}_conv")(x)
    outputs = keras.layers.MaxPooling2D(2, name=f"block{len(filters)}_pool")(x)
    return keras.Model(inputs, outputs, name="simple_cnn")
