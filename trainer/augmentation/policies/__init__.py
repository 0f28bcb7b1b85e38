"""The augmentation policies that ship, one a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.augmentation.policies.all_round import ChangeColor, Light, Strong
from trainer.augmentation.policies.geometric import Flip, Nothing, Rotate, ShearZoom
from trainer.augmentation.policies.keras_layers import KerasLayers
from trainer.augmentation.policies.mixing import CutMix, Mixup
from trainer.augmentation.policies.randaugment import RandAugment

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
