"""The backbones that ship: one record each, from which names, help, checks and preprocessing derive. No TensorFlow.

To add one, write its builder and register it in `_REGISTERED`.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from trainer.errors import ConfigError
from trainer.user_code import is_reference

Scaling = Literal["caffe", "torch", "tf", "inside"]
"""``caffe``: BGR minus ImageNet's mean; ``torch``: [0, 1] standardised by ImageNet's mean and deviation; ``tf``: [-1, 1]; ``inside``: the
model scales raw pixels itself. Source: keras.applications.imagenet_utils.preprocess_input and each family's module."""

KERAS = "keras.applications"
PRESET = "keras_hub:"
"""What stands before a preset's name."""
FILE = ".keras"
"""End of the name of a file that holds a network."""


def brings_weights(name: str) -> bool:
    """Whether a backbone is a ``.keras`` file or a preset of KerasHub, which come with their weights."""
    return name.endswith(FILE) or name.startswith(PRESET)


KERAS_MOMENTUM = 0.99
"""Of a BatchNorm layer that is given none, those of a head among them."""


@dataclass(frozen=True)
class Backbone:
    """A backbone that `ModelConfig.backbone` may name.

    Attributes:
        name: what the sweep file says.
        description: one line for ``steadysweep models``.
        builder: ``module:function`` that builds it from ``input_shape`` and ``model.options``.
        min_side: smallest height and width, in pixels.
        momentum: of its BatchNorm layers as built; None where it has none.
        family: submodule of ``keras.applications``; None for ours.
        scaling: how its ImageNet weights expect pixels; None where there are no such weights.
        left_out: scaling that remains to be done where ``include_preprocessing: false`` leaves the one inside out.
    """

    name: str
    description: str
    builder: str
    min_side: int
    momentum: float | None = None
    family: str | None = None
    scaling: Scaling | None = None
    left_out: Literal["torch", "tf"] | None = None

    @property
    def pretrained(self) -> bool:
        """Whether ImageNet weights exist for it."""
        return self.scaling is not None


def _keras(
    family: str,
    builders: str,
    scaling: Scaling,
    momentum: float | None = KERAS_MOMENTUM,
    *,
    min_side: int = 32,
    left_out: Literal["torch", "tf"] | None = None,
) -> tuple[Backbone, ...]:
    """Members of one family of ``keras.applications``, by their builders' names."""
    return tuple(
        Backbone(
            builder.lower(), f"{builder} of {KERAS}, ImageNet weights", f"{KERAS}:{builder}", min_side, momentum, family, scaling, left_out
        )
        for builder in builders.split()
    )


_OURS = "trainer.network.small_networks"
_REGISTERED = (
    Backbone("simple_cnn", "two 3x3 convolutions and a pool (32, 64 filters), for images of any size", f"{_OURS}:simple_cnn", 6),
    Backbone("plain_cnn", "seven blocks of two 7x7 convolutions, relu, pool and dropout, without BatchNorm", f"{_OURS}:plain_cnn", 128),
    Backbone(
        "small_resnet", "residual blocks with BatchNorm for images of 8 to 64 pixels; quick on a CPU", f"{_OURS}:small_resnet", 8, 0.9
    ),
    *_keras("resnet", "ResNet50 ResNet101 ResNet152", "caffe"),
    *_keras("resnet_v2", "ResNet50V2 ResNet101V2 ResNet152V2", "tf"),
    *_keras("vgg16", "VGG16", "caffe", None),
    *_keras("vgg19", "VGG19", "caffe", None),
    *_keras("densenet", "DenseNet121 DenseNet169 DenseNet201", "torch"),
    *_keras("efficientnet", " ".join(f"EfficientNetB{size}" for size in range(8)), "inside"),
    *_keras("efficientnet_v2", " ".join(f"EfficientNetV2B{size}" for size in range(4)), "inside", 0.9, left_out="torch"),
    *_keras("efficientnet_v2", "EfficientNetV2S EfficientNetV2M EfficientNetV2L", "inside", 0.9, left_out="tf"),
    *_keras("mobilenet", "MobileNet", "tf"),
    *_keras("mobilenet_v2", "MobileNetV2", "tf", 0.999),
    *_keras("mobilenet_v3", "MobileNetV3Small MobileNetV3Large", "inside", 0.999, left_out="tf"),
    *_keras("nasnet", "NASNetMobile NASNetLarge", "tf", 0.9997),
    *_keras("inception_v3", "InceptionV3", "tf", min_side=75),
    *_keras("inception_resnet_v2", "InceptionResNetV2", "tf", min_side=75),
    *_keras("xception", "Xception", "tf", min_side=71),
    *_keras("convnext", "ConvNeXtTiny ConvNeXtSmall ConvNeXtBase ConvNeXtLarge ConvNeXtXLarge", "inside", None, left_out="torch"),
)

BACKBONES: dict[str, Backbone] = {backbone.name: backbone for backbone in _REGISTERED}


_SIDES = {"mobilenet": (128, 160, 192, 224), "mobilenet_v2": (96, 128, 160, 192, 224)}
"""Sides of square images that a family has weights of its own for; other images get the last one's."""


def imagenet_file(name: str, side: int | None = None) -> str | None:
    """Name of the file that Keras keeps the ImageNet weights of a backbone in, without their head; None for a backbone that has none.

    Args:
        name: of the backbone.
        side: of square images, in pixels; None where they are not square.

    Source: the modules of ``keras.applications``.
    """
    backbone = BACKBONES.get(name)
    if backbone is None or not backbone.pretrained:
        return None
    sides = _SIDES.get(backbone.family or "", (224,))
    rows = side if side in sides else 224
    size = name.removeprefix("mobilenetv3").removeprefix("nasnet").removeprefix("efficientnetv2").removeprefix("convnext")
    kernels = f"{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    return {
        "mobilenet": f"mobilenet_1_0_{rows}_tf_no_top.h5",
        "mobilenet_v2": f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_{rows}_no_top.h5",
        "mobilenet_v3": f"weights_mobilenet_v3_{size}_224_1.0_float_no_top_v2.h5",
        "nasnet": f"nasnet_{size}_no_top.h5",
        "efficientnet": f"{name}_notop.h5",
        "efficientnet_v2": f"efficientnetv2-{size}_notop.h5",
        "convnext": f"convnext_{size}_notop.h5",
        "inception_v3": kernels.replace(name, "inception_v3"),
        "inception_resnet_v2": kernels.replace(name, "inception_resnet_v2"),
    }.get(backbone.family or "", kernels)


def available() -> dict[str, str]:
    """Names of the backbones that ship and one line about each, in the order of ``steadysweep models``."""
    return {name: backbone.description for name, backbone in BACKBONES.items()}


def backbone_info(name: str) -> Backbone | None:
    """What is known of a backbone; None for a person's own ``package.module:function`` or ``.keras`` file, and for ``keras_hub:PRESET``.

    Raises:
        ConfigError: no such backbone; the nearest names are proposed.
    """
    if name in BACKBONES:
        return BACKBONES[name]
    if brings_weights(name) or is_reference(name):
        return None
    plain = name.lower().replace("_", "").replace("-", "")
    near = difflib.get_close_matches(plain, BACKBONES, n=3, cutoff=0.6) or difflib.get_close_matches(name, BACKBONES, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise ConfigError(
        f"model.backbone: unknown backbone {name!r}.{hint} 'steadysweep models' lists all; your own is package.module:function or "
        "a .keras file, keras_hub:PRESET one of KerasHub."
    )
