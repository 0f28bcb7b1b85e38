"""Brightness, contrast, saturation and hue as one linear map of colour per image: drawn as matrices, applied once.

A pixel x of an image with mean colour m becomes ``A x + B m + c``. Every one of the four is of that form, and so is their composition,
because the mean of the result is ``(A + B) m + c``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from trainer.augmentation.draws import Draws

RGB = 3
BRIGHTEST = 255.0
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in grey. Source: ITU-R BT.601, as Pillow's convert("L")."""

_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
"""Luminance and two chrominances. Source: FCC NTSC, 47 CFR 73.682."""


@dataclass(frozen=True)
class Color:
    """Ranges of a random change of colour.

    Attributes:
        brightness: shift in [-brightness, brightness], fraction of the full range.
        contrast: factor about the image's mean in [1 - contrast, 1 + contrast].
        saturation: factor about grey in [1 - saturation, 1 + saturation]; nothing for grey images.
        hue: turn in [-hue, hue], fraction of the colour circle; nothing for grey images.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0

    @property
    def changes(self) -> bool:
        """Whether any range is open."""
        return any((self.brightness, self.contrast, self.saturation, self.hue))

    def maps(self, draws: Draws, channels: int) -> ColorMaps:
        """Draw one map per image."""
        out = ColorMaps.identity(len(draws), channels)
        if self.brightness:
            out = out.brightened(draws.uniform("brightness", -self.brightness, self.brightness))
        if self.contrast:
            out = out.contrasted(draws.uniform("contrast", 1 - self.contrast, 1 + self.contrast))
        if self.saturation:
            out = out.saturated(draws.uniform("saturation", 1 - self.saturation, 1 + self.saturation))
        if self.hue:
            out = out.turned(draws.uniform("hue", -self.hue, self.hue))
        return out


@dataclass(frozen=True, eq=False)
class ColorMaps:
    """One map ``A x + B m + c`` per image.

    Attributes:
        of_pixel: A, ``(n, channels, channels)``.
        of_mean: B, ``(n, channels, channels)``.
        shift: c, ``(n, channels)``, in units of pixels, 0..255.
    """

    of_pixel: npt.NDArray[np.float64]
    of_mean: npt.NDArray[np.float64]
    shift: npt.NDArray[np.float64]

    @classmethod
    def identity(cls, count: int, channels: int) -> ColorMaps:
        """Maps that change nothing."""
        return cls(np.tile(np.eye(channels), (count, 1, 1)), np.zeros((count, channels, channels)), np.zeros((count, channels)))

    @property
    def channels(self) -> int:
        """Channels of the images."""
        return int(self.shift.shape[1])

    def brightened(self, amount: npt.NDArray[np.float64]) -> ColorMaps:
        """Then add `amount` ``(n,)``, fraction of the full range."""
        return ColorMaps(self.of_pixel, self.of_mean, self.shift + amount[:, None] * BRIGHTEST)

    def contrasted(self, factor: npt.NDArray[np.float64]) -> ColorMaps:
        """Then scale the distance from the mean by `factor` ``(n,)``: x becomes f x + (1 - f) mean(x)."""
        scale = factor[:, None, None]
        return ColorMaps(scale * self.of_pixel, self.of_mean + (1 - scale) * self.of_pixel, self.shift)

    def saturated(self, factor: npt.NDArray[np.float64]) -> ColorMaps:
        """Then scale the distance from grey by `factor` ``(n,)``."""
        if self.channels != RGB:
            return self
        grey = np.tile(LUMINANCE.astype(float), (RGB, 1))
        scale = factor[:, None, None]
        return self._times(scale * np.eye(RGB) + (1 - scale) * grey)

    def turned(self, turn: npt.NDArray[np.float64]) -> ColorMaps:
        """Then turn the hue by `turn` ``(n,)``, fraction of the circle, keeping luminance."""
        if self.channels != RGB:
            return self
        angle = 2 * np.pi * turn
        inner = np.tile(np.eye(RGB), (len(turn), 1, 1))
        inner[:, 1, 1] = inner[:, 2, 2] = np.cos(angle)
        inner[:, 2, 1] = np.sin(angle)
        inner[:, 1, 2] = -inner[:, 2, 1]
        return self._times(np.linalg.inv(_TO_YIQ) @ inner @ _TO_YIQ)

    def where(self, chosen: npt.NDArray[np.bool_], other: ColorMaps) -> ColorMaps:
        """`other`'s maps for the images that `chosen` ``(n,)`` marks, these for the rest."""
        pick = chosen[:, None, None]
        return ColorMaps(
            np.where(pick, other.of_pixel, self.of_pixel),
            np.where(pick, other.of_mean, self.of_mean),
            np.where(chosen[:, None], other.shift, self.shift),
        )

    def numbers(self) -> dict[str, npt.NDArray[np.float32]]:
        """The maps as float32 arrays for `recolor`, which subtracts and so takes them negated."""
        return {
            "color_minus_of_pixel": -self.of_pixel.astype(np.float32),
            "color_minus_of_mean": -self.of_mean.astype(np.float32),
            "color_shift": self.shift.astype(np.float32),
        }

    def _times(self, matrix: npt.NDArray[np.float64]) -> ColorMaps:
        shift = (matrix @ self.shift[:, :, None])[:, :, 0]
        return ColorMaps(matrix @ self.of_pixel, matrix @ self.of_mean, shift)


def recolor(images: Any, minus_of_pixel: Any, minus_of_mean: Any, shift: Any) -> Any:  # noqa: ANN401 - TensorFlow tensors
    """Apply maps to float32 images ``(b, height, width, channels)``; the result is not clipped."""
    import tensorflow as tf

    height, width, channels = images.shape[1:]
    # Bit-equal for any batch: whole numbers add up to the same in any order, which fractions do not; and a chain of subtractions is left
    # alone, where TensorFlow's graph optimiser, which may run or not, regroups additions by the shapes it happens to know; it also turns a
    # division by a constant into this product.
    exact = tf.int32 if height * width * BRIGHTEST < tf.int32.max else tf.int64
    sums = tf.reduce_sum(tf.cast(tf.round(images), exact), axis=(1, 2))
    mean = tf.cast(sums, tf.float32) * np.float32(1 / (height * width))
    offset = shift
    for channel in range(channels):
        offset -= mean[:, channel : channel + 1] * minus_of_mean[:, :, channel]
    out = offset[:, None, None, :]
    for channel in range(channels):
        out -= images[..., channel : channel + 1] * minus_of_pixel[:, None, None, :, channel]
    return out
