"""Policies made of one projective transform and one change of colour, from none to strong.

Their parameters are those of `Geometry` and `Color`, which say what each means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from trainer.augmentation.color import Color, recolor
from trainer.augmentation.geometry import Fill, Geometry, coefficients, mirror, warp, warp_some
from trainer.augmentation.policy import Drawn, Policy, Range, Share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainer.augmentation.draws import Draws

Degrees = Annotated[float, Range(0, 180)]
Shear = Annotated[float, Range(0, 80)]
Zoom = Annotated[float, Range(0, 0.9)]


@dataclass(frozen=True)
class Nothing(Policy):
    """The images as they are."""

    name: ClassVar[str] = "none"

    def draw(self, draws: Draws, shape: tuple[int, int, int]) -> Drawn:  # noqa: ARG002
        """Draw nothing."""
        return {}

    def apply(self, images: Any, drawn: Mapping[str, Any]) -> Any:  # noqa: ANN401, ARG002
        """Change nothing."""
        return images


class GeometryAndColor(Policy):
    """A policy made of one projective transform and one change of colour, whose ranges are its own parameters of the same names."""

    @property
    def geometry(self) -> Geometry:
        """Ranges of the projective transform."""
        return Geometry(**{name: value for name, value in self.parameters().items() if name in Geometry.__dataclass_fields__})

    @property
    def color(self) -> Color:
        """Ranges of the change of colour."""
        return Color(**{name: value for name, value in self.parameters().items() if name in Color.__dataclass_fields__})

    def draw(self, draws: Draws, shape: tuple[int, int, int]) -> Drawn:
        """Draw matrices; mirror images alone are drawn as booleans."""
        height, width, channels = shape
        geometry, color = self.geometry, self.color
        drawn: Drawn = {}
        if geometry.warps:
            matrices = geometry.matrices(draws, height, width)
            drawn["transform"] = coefficients(matrices, height, width)
            if geometry.share < 1:
                drawn["warped"] = (matrices != np.eye(3)).any(axis=(1, 2))
        elif geometry.flip or geometry.flip_vertical:
            drawn["flip"], drawn["flip_vertical"] = geometry.flips(draws)
        if color.changes:
            drawn |= color.maps(draws, channels).numbers()
        return drawn

    def apply(self, images: Any, drawn: Mapping[str, Any]) -> Any:  # noqa: ANN401 - TensorFlow tensors
        """Warp or mirror, then recolor."""
        if "warped" in drawn:
            images = warp_some(images, drawn["transform"], drawn["warped"], self.geometry.fill)
        elif "transform" in drawn:
            images = warp(images, drawn["transform"], self.geometry.fill)
        elif "flip" in drawn:
            images = mirror(images, drawn["flip"], drawn["flip_vertical"])
        if "color_minus_of_pixel" in drawn:
            images = recolor(images, drawn["color_minus_of_pixel"], drawn["color_minus_of_mean"], drawn["color_shift"])
        return images


@dataclass(frozen=True)
class Flip(GeometryAndColor):
    """Mirror images at random; left-right by default.

    Attributes:
        horizontal: probability of a left-right mirror image.
        vertical: probability of an upside-down one.
    """

    name: ClassVar[str] = "flip"
    horizontal: Share = 0.5
    vertical: Share = 0.0

    @property
    def geometry(self) -> Geometry:
        """Mirrors alone."""
        return Geometry(flip=self.horizontal, flip_vertical=self.vertical)


@dataclass(frozen=True)
class Rotate(GeometryAndColor):
    """Rotate a share of the images (half by default) by a random angle."""

    name: ClassVar[str] = "rotate"
    degrees: Degrees = 30.0
    share: Share = 0.5
    fill: Fill = "reflect"


@dataclass(frozen=True)
class ShearZoom(GeometryAndColor):
    """Shear and zoom every image at random, as ImageDataGenerator(shear_range=.2, zoom_range=.2) does.

    There as here, shear is in degrees, so that .2 is next to nothing.
    """

    name: ClassVar[str] = "shear_zoom"
    shear: Shear = 0.2
    zoom: Zoom = 0.2
    flip: Share = 0.0
    fill: Fill = "nearest"


@dataclass(frozen=True)
class Light(GeometryAndColor):
    """Small rotations, shifts and zooms, and left-right mirror images."""

    name: ClassVar[str] = "light"
    flip: Share = 0.5
    degrees: Degrees = 10.0
    shift: Share = 0.05
    zoom: Zoom = 0.1
    fill: Fill = "reflect"


@dataclass(frozen=True)
class Strong(GeometryAndColor):
    """Rotations, shifts, shears, zooms, mirror images and changes of colour."""

    name: ClassVar[str] = "strong"
    flip: Share = 0.5
    degrees: Degrees = 25.0
    shift: Share = 0.1
    shear: Shear = 10.0
    zoom: Zoom = 0.2
    brightness: Share = 0.15
    contrast: Share = 0.2
    saturation: Share = 0.2
    fill: Fill = "reflect"


@dataclass(frozen=True)
class ChangeColor(GeometryAndColor):
    """Change brightness, contrast, saturation and hue; of grey images, brightness and contrast."""

    name: ClassVar[str] = "color"
    brightness: Share = 0.2
    contrast: Share = 0.3
    saturation: Share = 0.3
    hue: Annotated[float, Range(0, 0.5)] = 0.05
    flip: Share = 0.0
