"""Our own backbones: a small plain network, a deep plain one without BatchNorm, and a small residual one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def small_resnet(
    input_shape: tuple[int, int, int],
    *,
    filters: Sequence[int] = (16, 32, 64),
    blocks: int = 2,
    momentum: float = 0.9,
) -> keras.Model:
    """Stem, then stages of residual blocks; the first block of every stage but the first halves the image.

    Args:
        input_shape: height, width, channels.
        filters: of each stage.
        blocks: residual blocks a stage.
        momentum: of every BatchNorm layer, unless ``model.bn_momentum`` says otherwise. Keras's own .99 needs some 500 updates to
            settle, more than a small data set gives.

    Source: the basic block of He et al. 2016, "Deep Residual Learning for Image Recognition", figure 5 left, with a 1x1 projection
    where the shape changes (option B).
    """
    import keras

    inputs = keras.Input(input_shape)
    x = _conv_bn(inputs, filters[0], "stem", momentum)
    x = keras.layers.Activation("relu", name="stem_relu")(x)
    for stage, width in enumerate(filters, start=1):
        for block in range(1, blocks + 1):
            halve = stage > 1 and block == 1
            x = _residual_block(x, width, 2 if halve else 1, f"stage{stage}_block{block}", momentum)
    return keras.Model(inputs, x, name="small_resnet")


def _conv_bn(x: Any, width: int, name: str, momentum: float, kernel: int = 3, stride: int = 1) -> Any:  # noqa: ANN401 - Keras tensors have no type
    import keras

    x = keras.layers.Conv2D(width, kernel, stride, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv")(x)
    return keras.layers.BatchNormalization(momentum=momentum, name=f"{name}_bn")(x)


def _residual_block(x: Any, width: int, stride: int, name: str, momentum: float) -> Any:  # noqa: ANN401 - as above
    import keras

    shortcut = x
    if stride != 1 or x.shape[-1] != width:
        shortcut = _conv_bn(x, width, f"{name}_0", momentum, kernel=1, stride=stride)
    y = _conv_bn(x, width, f"{name}_1", momentum, stride=stride)
    y = keras.layers.Activation("relu", name=f"{name}_1_relu")(y)
    y = _conv_bn(y, width, f"{name}_2", momentum)
    y = keras.layers.Add(name=f"{name}_add")([shortcut, y])
    return keras.layers.Activation("relu", name=f"{name}_out")(y)
