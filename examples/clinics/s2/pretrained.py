"""The two backbones of S2, with the weights beside this file: ``model.backbone: pretrained:resnet`` or ``pretrained:vgg``, ``weights: own``.

``prepare.py`` trains the weights and puts a copy of this file beside them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

FILTERS = (16, 32, 64)
HERE = Path(__file__).resolve().parent


def resnet(input_shape: tuple[int, int, int]) -> keras.Model:
    """A residual network with BatchNorm behind every convolution, as in ResNet50."""
    return _loaded(build_resnet(input_shape), "resnet")


def vgg(input_shape: tuple[int, int, int]) -> keras.Model:
    """Plain convolutions without BatchNorm, as in VGG19."""
    return _loaded(build_vgg(input_shape), "vgg")


def build_resnet(input_shape: tuple[int, int, int]) -> keras.Model:
    """`resnet` with random weights."""
    from trainer.network.small_networks import small_resnet

    return small_resnet(input_shape, filters=FILTERS, blocks=1)


def build_vgg(input_shape: tuple[int, int, int]) -> keras.Model:
    """`vgg` with random weights."""
    import keras

    inputs = keras.Input(input_shape)
    x: Any = inputs
    for block, width in enumerate(FILTERS, start=1):
        for number in (1, 2):
            name = f"block{block}_conv{number}"
            x = keras.layers.Conv2D(width, 3, padding="same", activation="relu", kernel_initializer="he_normal", name=name)(x)
        x = keras.layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    return keras.Model(inputs, x, name="vgg")


def _loaded(model: keras.Model, name: str) -> keras.Model:
    model.load_weights(HERE / f"{name}.weights.h5")
    return model
