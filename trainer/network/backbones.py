"""The backbones that ship, by name; no TensorFlow is imported here.

What each `keras.applications` family was trained on: a table, so that checks need no TensorFlow.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from trainer.errors import ConfigError


@dataclass(frozen=True)
class Backbone:
    """A backbone that `ModelConfig.backbone` may name.

    Attributes:
        name: what the sweep file says.
        description: one line for ``steadysweep models``.
        module: submodule of ``keras.applications``, or None for one of ours.
        builder: class or function in that module, or in ``trainer.network.NAME``.
        min_size: smallest height and width in pixels.
        momentum: momentum of its BatchNorm layers as built, None where it has none.
        preprocessing_inside: the backbone itself scales raw pixels, by three channels' figures.
    """

    name: str
    description: str
    module: str | None
    builder: str
    min_size: int
    momentum: float | None
    preprocessing_inside: bool = False

    @property
    def pretrained(self) -> bool:
        """Whether ImageNet weights exist for it."""
        return self.module is not None


_OURS = (
    Backbone("simple_cnn", "two 3x3 convolutions and a pool (32, 64 filters), for images of any size", None, "simple_cnn", 6, None),
    Backbone("plain_cnn", "seven blocks of two 7x7 convolutions, relu, pool and dropout, without BatchNorm", None, "plain_cnn", 128, None),
    Backbone("small_resnet", "residual blocks with BatchNorm for images of 8 to 64 pixels; quick on a CPU", None, "small_resnet", 8, 0.9),
)


def _family(module: str, names: dict[str, str], min_size: int, momentum: float | None, *, inside: bool = False) -> tuple[Backbone, ...]:
    """The members of one family of ``keras.applications``."""
    return tuple(
        Backbone(name, f"{builder} of keras.applications, ImageNet weights", module, builder, min_size, momentum, inside)
        for name, builder in names.items()
    )


_KERAS = (
    *_family("resnet", {f"resnet{n}": f"ResNet{n}" for n in (50, 101, 152)}, 32, 0.99),
    *_family("resnet_v2", {f"resnet{n}v2": f"ResNet{n}V2" for n in (50, 101, 152)}, 32, 0.99),
    *_family("vgg16", {"vgg16": "VGG16"}, 32, None),
    *_family("vgg19", {"vgg19": "VGG19"}, 32, None),
    *_family("densenet", {f"densenet{n}": f"DenseNet{n}" for n in (121, 169, 201)}, 32, 0.99),
    *_family("efficientnet", {f"efficientnetb{n}": f"EfficientNetB{n}" for n in range(8)}, 32, 0.99, inside=True),
    *_family(
        "efficientnet_v2",
        {f"efficientnetv2{n.lower()}": f"EfficientNetV2{n}" for n in ("B0", "B1", "B2", "B3", "S", "M", "L")},
        32,
        0.9,
        inside=True,
    ),
    *_family("mobilenet", {"mobilenet": "MobileNet"}, 32, 0.99),
    *_family("mobilenet_v2", {"mobilenetv2": "MobileNetV2"}, 32, 0.999),
    *_family("mobilenet_v3", {f"mobilenetv3{s.lower()}": f"MobileNetV3{s}" for s in ("Small", "Large")}, 32, 0.999, inside=True),
    *_family("nasnet", {f"nasnet{s.lower()}": f"NASNet{s}" for s in ("Mobile", "Large")}, 32, 0.9997),
    *_family("inception_v3", {"inceptionv3": "InceptionV3"}, 75, 0.99),
    *_family("inception_resnet_v2", {"inceptionresnetv2": "InceptionResNetV2"}, 75, 0.99),
    *_family("xception", {"xception": "Xception"}, 71, 0.99),
    *_family(
        "convnext", {f"convnext{s.lower()}": f"ConvNeXt{s}" for s in ("Tiny", "Small", "Base", "Large", "XLarge")}, 32, None, inside=True
    ),
)

BACKBONES: dict[str, Backbone] = {backbone.name: backbone for backbone in (*_OURS, *_KERAS)}


def available() -> dict[str, str]:
    """Names of the backbones that ship and one line about each, in the order of ``steadysweep models``."""
    return {name: backbone.description for name, backbone in BACKBONES.items()}


def is_custom(name: str) -> bool:
    """Whether a backbone's name means a user's own ``package.module:function``."""
    return ":" in name


def backbone_info(name: str) -> Backbone | None:
    """What is known of a backbone; None for a user's own function.

    Raises:
        ConfigError: no such backbone; the nearest names are proposed.
    """
    if is_custom(name):
        return None
    if name in BACKBONES:
        return BACKBONES[name]
    plain = name.lower().replace("_", "").replace("-", "")
    near = difflib.get_close_matches(plain, BACKBONES, n=3, cutoff=0.6) or difflib.get_close_matches(name, BACKBONES, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise ConfigError(
        f"model.backbone: unknown backbone {name!r}.{hint} 'steadysweep models' lists all; your own is package.module:function."
    )


Scaling = Literal["caffe", "torch", "tf", "inside"]
"""``caffe``: BGR minus ImageNet's mean; ``torch``: [0, 1] standardised by ImageNet's mean and deviation; ``tf``: [-1, 1]; ``inside``: the
model scales raw pixels itself. Source: keras.applications.imagenet_utils.preprocess_input and each family's module."""


@dataclass(frozen=True)
class Family:
    """A family of backbones that share a module in `keras.applications`.

    Attributes:
        module: its name, e.g. ``resnet_v2``.
        builders: class names, e.g. ``ResNet50V2``.
        scaling: how its ImageNet weights expect pixels.
        smallest_side: smallest height and width without the top, in pixels.
        can_leave_out: whether ``include_preprocessing=False`` is accepted.
        batchnorm: whether it has BatchNorm layers.
    """

    module: str
    builders: tuple[str, ...]
    scaling: Scaling
    smallest_side: int = 32
    can_leave_out: bool = False
    batchnorm: bool = True


FAMILIES = (
    Family(
        "convnext",
        tuple(f"ConvNeXt{size}" for size in ("Tiny", "Small", "Base", "Large", "XLarge")),
        "inside",
        can_leave_out=True,
        batchnorm=False,
    ),
    Family("densenet", ("DenseNet121", "DenseNet169", "DenseNet201"), "torch"),
    Family("efficientnet", tuple(f"EfficientNetB{size}" for size in range(8)), "inside"),
    Family(
        "efficientnet_v2", tuple(f"EfficientNetV2{size}" for size in ("B0", "B1", "B2", "B3", "S", "M", "L")), "inside", can_leave_out=True
    ),
    Family("inception_resnet_v2", ("InceptionResNetV2",), "tf", 75),
    Family("inception_v3", ("InceptionV3",), "tf", 75),
    Family("mobilenet", ("MobileNet",), "tf"),
    Family("mobilenet_v2", ("MobileNetV2",), "tf"),
    Family("mobilenet_v3", ("MobileNetV3Large", "MobileNetV3Small"), "inside", can_leave_out=True),
    Family("nasnet", ("NASNetLarge", "NASNetMobile"), "tf"),
    Family("resnet", ("ResNet50", "ResNet101", "ResNet152"), "caffe"),
    Family("resnet_v2", ("ResNet50V2", "ResNet101V2", "ResNet152V2"), "tf"),
    Family("vgg16", ("VGG16",), "caffe", batchnorm=False),
    Family("vgg19", ("VGG19",), "caffe", batchnorm=False),
    Family("xception", ("Xception",), "tf", 71),
)


def family_of(backbone: str) -> Family | None:
    """The family of a backbone named as in `keras.applications`, in any case and with or without underscores; None for others."""
    wanted = _plain(backbone)
    return next((family for family in FAMILIES for builder in family.builders if _plain(builder) == wanted), None)


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()
