"""Blocks of large plain convolutions with dropout and no BatchNorm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras


def plain_cnn(
    input_shape: tuple[int, int, int],
    *,
    filters: Sequence[int] = (32, 32, 32, 64, 64, 64, 128),
    kernel: int = 7,
    dropout: float | Sequence[float] = (0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6),
) -> keras.Model:
    """One block per entry of `filters`: Conv same, Conv same, relu, MaxPool 2, Dropout.

    With the defaults, ``pooling: flatten``, ``dense: [512, 512]`` and ``output: sigmoid`` at 128x128x3 it has 2,893,729 parameters.

    Args:
        input_shape: height, width, channels; each side at least ``2 ** len(filters)``.
        filters: of both convolutions of each block.
        kernel: side of every kernel, in pixels.
        dropout: rate at the end of each block, or one rate for all; longer than `filters` is cut.

    Raises:
        ConfigError: fewer dropout rates than blocks, or an image that the pools shrink to nothing.
    """
    import keras

    rates = [float(dropout)] * len(filters) if isinstance(dropout, int | float) else [float(rate) for rate in dropout]
    if len(rates) < len(filters):
        raise ConfigError(f"model.options.dropout: expected one rate or {len(filters)} (one per block of filters), got {len(rates)}.")
    if min(input_shape[:2]) < 2 ** len(filters):
        raise ConfigError(
            f"data.image_size: plain_cnn halves the image {len(filters)} times and needs at least {2 ** len(filters)} pixels a side, "
            f"got {input_shape[0]}x{input_shape[1]}; use larger images or fewer model.options.filters."
        )
    inputs = keras.Input(input_shape)
    x = inputs
    for number, (width, rate) in enumerate(zip(filters, rates, strict=False), start=1):
        x = keras.layers.Conv2D(width, kernel, padding="same", name=f"block{number}_conv1")(x)
        x = keras.layers.Conv2D(width, kernel, padding="same", name=f"block{number}_conv2")(x)
        x = keras.layers.Activation("relu", name=f"block{number}_relu")(x)
        x = keras.layers.MaxPooling2D(2, name=f"block{number}_pool")(x)
        x = keras.layers.Dropout(rate, name=f"block{number}_dropout")(x)
    return keras.Model(inputs, x, name="plain_cnn")
