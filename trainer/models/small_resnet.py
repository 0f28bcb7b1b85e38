"""A small residual network with BatchNorm, for images of 8 to 64 pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras


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
