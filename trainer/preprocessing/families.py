"""What each `keras.applications` family was trained on: a table, so that checks need no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
