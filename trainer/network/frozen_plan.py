"""How a training treats its frozen part: runs it in each step, or feeds the rest with activations that are computed once, and why.

The choice follows from settings, sizes and counts alone, never from a clock, so that the same training always makes the same one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

import numpy as np

from trainer.augmentation import policy_from
from trainer.data.cache import cache_folder, has_room
from trainer.network.boundary import find_boundary
from trainer.network.compile_key import frozen_problem
from trainer.network.features import GIGABYTE, check_exact, feature_split
from trainer.network.parts import BuiltModel, leaves, split_at

if TYPE_CHECKING:
    import keras

    from trainer.config import TrainConfig
    from trainer.network.parts import Split

Mode = Literal["each_step", "precomputed", "by_epoch"]
"""``by_epoch``: activations of each epoch's augmented images, shared with the trainings that see the same."""
MULTIPLY_ADDS_A_SECOND = {"CPU": 1.2e11, "GPU": 3e12}
OUTPUT_BYTES_A_SECOND = {"CPU": 1e10, "GPU": 5e11}
"""A forward pass takes its multiply-adds over the one and the bytes of all layers' outputs over the other. Fitted to ResNet50 at 64 pixels on two cores (3.9 ms an
image); of MobileNetV2 and EfficientNetB0, whose layers are bound by memory, the sum is half of what they take. GPU: a data-centre card at a third of its peaks."""
BYTES_A_SECOND = {"CPU": 4e8, "GPU": 2e9}
"""Activations gathered from a mapped file, cast and batched; on a GPU also moved there."""
PAYS_FROM = 8.0
"""So many times longer must computing take than reading. ResNet50 at 64 pixels: epochs on activations after a quarter of the blocks (ratio 2) take as long as
on images, after half of them (14) .9 of it, after three quarters .67, after all .03."""
FLOAT32_BYTES = 4
LARGEST_SHARE = 0.5
"""Of the cache's limit, that one training's activations may take."""


@dataclass(frozen=True)
class FrozenPlan:
    """What a training does with its frozen part.

    Attributes:
        mode: see `Mode`.
        reason: why, in words that follow "each step: " or "kept: ".
        cut: name of the layer whose activations are kept, or None.
        gigabytes: that they take.
        share: fraction of a training's multiply-adds, forward and backward, that reading replaces once the activations are there.
    """

    mode: Mode
    reason: str
    cut: str | None = None
    gigabytes: float = 0.0
    share: float = 0.0

    @property
    def fed(self) -> bool:
        """Whether the compiled step takes activations."""
        return self.mode != "each_step"


def plan_frozen(built: BuiltModel, config: TrainConfig, num_train: int, num_val: int, trainings: int) -> FrozenPlan:
    """Decide for a training.

    Args:
        built: its network.
        config: its settings.
        num_train: training images.
        num_val: validation images.
        trainings: that will plausibly see the same images, this one included; 0: nothing may be shared.

    Raises:
        ConfigError: ``frozen_features: precomputed`` where that is impossible.
    """
    varied = policy_from(config.data.augmentation).name != "none"
    boundary = find_boundary(built.backbone, config.model.frozen_layers)
    if trainings == 0 or config.training.frozen_features == "each_step":
        return FrozenPlan("each_step", "frozen_features: each_step" if trainings else "sharing is off")
    if config.training.frozen_features == "precomputed":
        check_exact(config)
        return FrozenPlan("precomputed", "frozen_features: precomputed", feature_split(built, boundary).cut)
    problem = frozen_problem(config) or (_not_the_same_images(config, trainings) if varied else None)
    split = None if problem else split_at(built, boundary)
    if split is None or split.frozen is None:
        return FrozenPlan("each_step", problem or f"the backbone cannot be cut at or before {boundary.layer}")
    epochs = config.training.epochs if varied else 1
    folds = config.data.split.folds or 1
    width = np.dtype(config.training.cache_dtype).itemsize * math.prod(split.fed_shape)
    frozen, rest, outputs = _work(built, split)
    plan = FrozenPlan(
        "by_epoch" if varied else "precomputed",
        f"activations {f'of {epochs} epochs ' if varied else ''}at {split.cut}",
        split.cut,
        width * (num_train * epochs * (folds if varied else 1) + num_val) / GIGABYTE,  # each fold varies its own images
        frozen / max(frozen + 3 * rest, 1.0),  # a trained layer also computes two gradients
    )
    device = _device()
    computing = frozen / MULTIPLY_ADDS_A_SECOND[device] + outputs / OUTPUT_BYTES_A_SECOND[device]
    ratio = computing / (width / BYTES_A_SECOND[device])
    obstacle = _too_dear(plan, ratio, config)
    return plan if obstacle is None else replace(plan, mode="each_step", reason=obstacle)


def _too_dear(plan: FrozenPlan, ratio: float, config: TrainConfig) -> str | None:
    """Why keeping activations does not pay, or None; `ratio` is the time to compute them over the time to read them."""
    if ratio < PAYS_FROM:
        return f"keeping the activations at {plan.cut} gains too little; computing them takes less than {PAYS_FROM:g} times as long as reading them"
    if plan.gigabytes > LARGEST_SHARE * config.data.cache_disk_gb:
        return f"the activations at {plan.cut} would take {plan.gigabytes:.1f} GB, more than half of data.cache_disk_gb"
    if not has_room(cache_folder(config.data.cache_path), plan.gigabytes * GIGABYTE, config.data.cache_disk_gb * GIGABYTE):
        return f"the disk has no room for {plan.gigabytes:.1f} GB of activations at {plan.cut}"
    return None


def as_begun(plan: FrozenPlan, mode: str | None) -> FrozenPlan:
    """The plan of a training that goes on from a checkpoint: the mode in which it began, or None for a new one."""
    if mode is None or mode == plan.mode:
        return plan
    return FrozenPlan(mode, "as it began", plan.cut, plan.gigabytes, plan.share)  # type: ignore[arg-type]


def _not_the_same_images(config: TrainConfig, trainings: int) -> str | None:
    """Why augmented images of this training are not worth keeping, or None."""
    if config.data_seed is None:
        return "its augmentation is its own; no other training sees the same images"
    if trainings < 2:  # noqa: PLR2004 - this one and another
        return "no other training is expected to see the same augmented images"
    if policy_from(config.data.augmentation).mixes:
        return "a policy that mixes images also mixes their targets"
    if config.data.sampling != "every_image" or config.data.imbalance == "resample":
        return "an image may occur several times in an epoch, each time varied anew"
    return None


def _device() -> str:
    import tensorflow as tf

    return "GPU" if tf.config.list_physical_devices("GPU") else "CPU"


_WORK: WeakKeyDictionary[BuiltModel, dict[str | None, tuple[float, float, float]]] = WeakKeyDictionary()


def _work(built: BuiltModel, split: Split) -> tuple[float, float, float]:
    """Multiply-adds of the frozen part and of the backbone's rest, and bytes of the frozen layers' outputs; counted once for each cut of a network."""
    known = _WORK.setdefault(built, {})
    if split.cut not in known:
        frozen, outputs = layer_work(split.frozen)
        known[split.cut] = frozen, layer_work(split.trained)[0], outputs
    return known[split.cut]


def layer_work(model: keras.Model | None) -> tuple[float, float]:
    """Multiply-adds of one image's forward pass through convolutions and dense layers, beside which other arithmetic is little, and bytes of all outputs."""
    work = outputs = 0.0
    for layer in [] if model is None else leaves(model):
        shape = getattr(getattr(layer, "output", None), "shape", None)  # none for layers inside others that are no functional model
        values = 0 if shape is None else math.prod(size or 1 for size in shape[1:])
        outputs += FLOAT32_BYTES * values
        places = values / (shape[-1] or 1) if shape else 1
        work += sum(math.prod(weight.shape) * places for weight in layer.weights if "kernel" in weight.name)
    return work, outputs
