"""RandAugment, vectorised: each image its own operations, in one pass over the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from trainer.augmentation.color import ColorMaps, recolor
from trainer.augmentation.geometry import Fill, coefficients, rotation, scaling, shear_by, translation, warp
from trainer.augmentation.policy import Drawn, Policy, Range, Share

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from trainer.augmentation.draws import Draws

OPERATIONS = (
    "identity",
    "rotate",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
    "brightness",
    "contrast",
    "saturation",
    "sharpness",
    "autocontrast",
    "posterize",
    "solarize",
)
LEVELS = 256
MOST_DEGREES = 30.0
MOST_SHEAR = 0.3
MOST_SHIFT = 0.45
MOST_FACTOR = 0.9
FEWEST_BITS = 4
"""Strength of each operation at magnitude 1. Source: arXiv:1909.13719 and AutoAugment's table 6, arXiv:1805.09501."""


@dataclass(frozen=True)
class RandAugment(Policy):
    """Apply a few operations drawn at random to each image, all with one magnitude (RandAugment).

    Source: Cubuk et al. 2020, "RandAugment: Practical automated data augmentation with a reduced search space", arXiv:1909.13719.
    Geometric operations are combined into one transform and applied first, linear changes of colour into one map after it, and
    sharpness, autocontrast, posterize and solarize last. Equalize is left out.

    Attributes:
        operations: how many are drawn for each image, with replacement.
        magnitude: their strength, from 0 (next to nothing) to 1.
        flip: probability of a left-right mirror image.
        fill: what lies beyond the border: reflect, nearest, constant (black) or wrap.
    """

    name: ClassVar[str] = "randaugment"
    operations: Annotated[int, Range(1, len(OPERATIONS))] = 2
    magnitude: Share = 0.3
    flip: Share = 0.5
    fill: Fill = "reflect"

    def draw(self, draws: Draws, shape: tuple[int, int, int]) -> Drawn:
        """Draw the operations and their signs, and combine what can be combined."""
        height, width, channels = shape
        count, strength = len(draws), self.magnitude
        matrices = scaling(np.where(draws.chance("flip", self.flip), -1.0, 1.0), np.ones(count))
        colors = ColorMaps.identity(count, channels)
        chosen = np.stack([draws.integers(f"operation {slot}", len(OPERATIONS)) for slot in range(self.operations)], axis=1)
        for slot in range(self.operations):
            sign = np.where(draws.chance(f"sign {slot}", 0.5), strength, -strength)
            names = {name: chosen[:, slot] == number for number, name in enumerate(OPERATIONS)}
            matrices = matrices @ _geometry(names, sign, height, width)
            factor = 1 + sign * MOST_FACTOR
            colors = colors.where(names["brightness"], colors.brightened(sign * MOST_FACTOR / 2))
            colors = colors.where(names["contrast"], colors.contrasted(factor))
            colors = colors.where(names["saturation"], colors.saturated(factor))
        drawn_any = {name: (chosen == number).any(axis=1) for number, name in enumerate(OPERATIONS)}
        bits = FEWEST_BITS + round((8 - FEWEST_BITS) * (1 - strength))
        sharpness = np.where(draws.chance("sharper", 0.5), strength, -strength) * MOST_FACTOR
        return {
            "transform": coefficients(matrices, height, width),
            **colors.numbers(),
            "sharpness": np.where(drawn_any["sharpness"], sharpness, 0.0).astype(np.float32),
            "autocontrast": drawn_any["autocontrast"],
            "step": np.where(drawn_any["posterize"], 2.0 ** (8 - bits), 0.0).astype(np.float32),
            "threshold": np.where(drawn_any["solarize"], LEVELS * (1 - strength), LEVELS).astype(np.float32),
        }

    def apply(self, images: Any, drawn: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """Warp, recolor, then the operations that are neither."""
        import tensorflow as tf

        images = warp(images, drawn["transform"], self.fill)
        images = recolor(images, drawn["color_minus_of_pixel"], drawn["color_minus_of_mean"], drawn["color_shift"])
        images = tf.clip_by_value(images, 0.0, 255.0)
        images = _sharpened(images, drawn["sharpness"][:, None, None, None])
        images = _stretched(images, drawn["autocontrast"][:, None, None, None])
        step = drawn["step"][:, None, None, None]
        images = tf.where(step > 0, tf.floor(images / tf.maximum(step, 1.0)) * step, images)
        return tf.where(images >= drawn["threshold"][:, None, None, None], 255.0 - images, images)


def _geometry(
    names: Mapping[str, npt.NDArray[np.bool_]], sign: npt.NDArray[np.float64], height: int, width: int
) -> npt.NDArray[np.float64]:
    """The geometric operation of one slot, ``(n, 3, 3)``; the identity where another kind was drawn."""
    none = np.zeros(len(sign))

    def only(name: str, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.where(names[name], values, none)

    out = rotation(np.radians(only("rotate", sign * MOST_DEGREES)))
    out = out @ shear_by(only("shear_x", sign * MOST_SHEAR), only("shear_y", sign * MOST_SHEAR))
    return out @ translation(only("translate_x", sign * MOST_SHIFT * width), only("translate_y", sign * MOST_SHIFT * height))


def _sharpened(images: Any, amount: Any) -> Any:  # noqa: ANN401 - TensorFlow tensors
    """Move away from (or towards) the mean of the 3x3 neighbourhood; sums of shifted planes, bit-equal for any batch size."""
    import tensorflow as tf

    padded = tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    rows = tf.add_n([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]])
    mean = tf.add_n([rows[:, :, :-2], rows[:, :, 1:-1], rows[:, :, 2:]]) * np.float32(1 / 9)  # as `recolor`: no division by a constant
    return tf.where(amount == 0, images, tf.clip_by_value(images + amount * (images - mean), 0.0, 255.0))


def _stretched(images: Any, chosen: Any) -> Any:  # noqa: ANN401 - TensorFlow tensors
    """Stretch each channel of the chosen images to the full range."""
    import tensorflow as tf

    low = tf.reduce_min(images, axis=(1, 2), keepdims=True)
    high = tf.reduce_max(images, axis=(1, 2), keepdims=True)
    stretched = (images - low) * (255.0 / tf.maximum(high - low, 1.0))
    return tf.where(chosen, stretched, images)
