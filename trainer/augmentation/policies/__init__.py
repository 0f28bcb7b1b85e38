"""The augmentation policies that ship, one a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.augmentation.policies.color import ChangeColor
from trainer.augmentation.policies.cutmix import CutMix
from trainer.augmentation.policies.flip import Flip
from trainer.augmentation.policies.keras_layers import KerasLayers
from trainer.augmentation.policies.light import Light
from trainer.augmentation.policies.mixup import Mixup
from trainer.augmentation.policies.nothing import Nothing
from trainer.augmentation.policies.randaugment import RandAugment
from trainer.augmentation.policies.rotate import Rotate
from trainer.augmentation.policies.shear_zoom import ShearZoom
from trainer.augmentation.policies.strong import Strong

if TYPE_CHECKING:
    from trainer.augmentation.policy import Policy

NAMED: dict[str, type[Policy]] = {
    policy.name: policy for policy in (Nothing, Flip, Rotate, ShearZoom, Light, Strong, ChangeColor, RandAugment, Mixup, CutMix)
}

__all__ = [
    "NAMED",
    "ChangeColor",
    "CutMix",
    "Flip",
    "KerasLayers",
    "Light",
    "Mixup",
    "Nothing",
    "RandAugment",
    "Rotate",
    "ShearZoom",
    "Strong",
]
