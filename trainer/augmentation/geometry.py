"""Flip, rotation, shift, shear and zoom as one projective transform per image: drawn as matrices, applied once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from trainer.augmentation.draws import Draws

Fill = Literal["reflect", "nearest", "constant", "wrap"]

_COEFFICIENTS = 8


@dataclass(frozen=True)
class Geometry:
    """Ranges of a random projective transform; a zero (or empty) range is left out.

    Attributes:
        flip: probability of a left-right mirror image.
        flip_vertical: probability of an upside-down one.
        degrees: rotation, uniform in [-degrees, degrees].
        shift: translation in x and y, fraction of width and height.
        shear: shear angle, as Keras's ImageDataGenerator counts it.
        zoom: scale of x and y, independently, in [1 - zoom, 1 + zoom].
        share: probability that an image is rotated, shifted, sheared and zoomed at all.
        fill: what lies beyond the image's border.
    """

    flip: float = 0.0
    flip_vertical: float = 0.0
    degrees: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    share: float = 1.0
    fill: Fill = "reflect"

    @property
    def warps(self) -> bool:
        """Whether pixels are interpolated; mirror images alone are exact and much cheaper."""
        return any((self.degrees, self.shift, self.shear, self.zoom))

    def matrices(self, draws: Draws, height: int, width: int) -> npt.NDArray[np.float64]:
        """Draw one transform per image, ``(n, 3, 3)``."""
        out = np.tile(np.eye(3), (len(draws), 1, 1))
        if self.degrees:
            out = out @ rotation(np.radians(draws.uniform("rotation", -self.degrees, self.degrees)))
        if self.shift:
            out = out @ translation(
                draws.uniform("shift x", -self.shift, self.shift) * width, draws.uniform("shift y", -self.shift, self.shift) * height
            )
        if self.shear:
            out = out @ shear(np.radians(draws.uniform("shear", -self.shear, self.shear)))
        if self.zoom:
            out = out @ scaling(
                draws.uniform("zoom x", 1 - self.zoom, 1 + self.zoom), draws.uniform("zoom y", 1 - self.zoom, 1 + self.zoom)
            )
        if self.share < 1:
            out = np.where(draws.chance("share", self.share)[:, None, None], out, np.eye(3))
        return out @ self._mirrors(draws)

    def _mirrors(self, draws: Draws) -> npt.NDArray[np.float64]:
        across, down = self.flips(draws)
        return scaling(np.where(across, -1.0, 1.0), np.where(down, -1.0, 1.0))

    def flips(self, draws: Draws) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Which images are mirrored left-right, and which upside-down; each ``(n,)``."""
        return draws.chance("flip", self.flip), draws.chance("flip vertical", self.flip_vertical)


def rotation(radians: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rotation by angles ``(n,)``."""
    out = _identity(len(radians))
    out[:, 0, 0] = out[:, 1, 1] = np.cos(radians)
    out[:, 1, 0] = np.sin(radians)
    out[:, 0, 1] = -out[:, 1, 0]
    return out


def translation(right: npt.NDArray[np.float64], down: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Shift by pixels ``(n,)``."""
    out = _identity(len(right))
    out[:, 0, 2], out[:, 1, 2] = right, down
    return out


def shear(radians: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Shear of x along y by angles ``(n,)``. Source: keras.src.legacy.preprocessing.image.apply_affine_transform."""
    out = _identity(len(radians))
    out[:, 0, 1] = -np.sin(radians)
    out[:, 1, 1] = np.cos(radians)
    return out


def shear_by(across: npt.NDArray[np.float64], down: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Shear by slopes ``(n,)``: x grows by `across` per y, y by `down` per x."""
    out = _identity(len(across))
    out[:, 0, 1], out[:, 1, 0] = across, down
    return out


def scaling(across: npt.NDArray[np.float64], down: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Scale by factors ``(n,)``; -1 mirrors."""
    out = _identity(len(across))
    out[:, 0, 0], out[:, 1, 1] = across, down
    return out


def coefficients(matrices: npt.NDArray[np.float64], height: int, width: int) -> npt.NDArray[np.float32]:
    """Matrices about the centre to the eight numbers, about the first pixel, that TensorFlow's op takes: ``(n, 8)`` float32."""
    centre = np.array([[1, 0, (width - 1) / 2], [0, 1, (height - 1) / 2], [0, 0, 1]])
    whole = centre @ matrices @ np.linalg.inv(centre)
    return (whole / whole[:, 2:, 2:]).reshape(-1, 9)[:, :_COEFFICIENTS].astype(np.float32)


def warp(images: Any, transforms: Any, fill: Fill) -> Any:  # noqa: ANN401 - TensorFlow tensors
    """Apply transforms ``(b, 8)`` to float32 images ``(b, height, width, channels)``, bilinear."""
    import tensorflow as tf

    out = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode=fill.upper(),
    )
    return tf.ensure_shape(out, images.shape)


def warp_some(images: Any, transforms: Any, chosen: Any, fill: Fill) -> Any:  # noqa: ANN401 - TensorFlow tensors
    """`warp` the images that the booleans `chosen` ``(b,)`` mark; the others are untouched, and cost nothing."""
    import tensorflow as tf

    rows = tf.where(chosen)
    changed = warp(tf.gather_nd(images, rows), tf.gather_nd(transforms, rows), fill)
    return tf.tensor_scatter_nd_update(images, rows, changed)


def mirror(images: Any, across: Any, down: Any) -> Any:  # noqa: ANN401 - TensorFlow tensors
    """Mirror images left-right and upside-down where the booleans ``(b,)`` say so; pixels are moved, not changed."""
    import tensorflow as tf

    for axis, chosen in ((2, across), (1, down)):
        images = tf.where(chosen[:, None, None, None], tf.reverse(images, [axis]), images)
    return images


def _identity(count: int) -> npt.NDArray[np.float64]:
    return np.tile(np.eye(3), (count, 1, 1))
