"""A mild all-round policy.

A strong all-round policy.
Changes of colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainer.augmentation.color import Color
from trainer.augmentation.geometry import Fill, Geometry
from trainer.augmentation.policy import GeometryAndColor, check_fill


@dataclass(frozen=True)
class Light(GeometryAndColor):
    """Small rotations, shifts and zooms, and left-right mirror images.

    Attributes:
        flip: probability of a left-right mirror image.
        degrees: largest rotation, either way.
        shift: largest shift, fraction of width and height.
        zoom: scale of width and height, independently, in [1 - zoom, 1 + zoom].
        fill: what lies beyond the border: reflect, nearest, constant (black) or wrap.
    """

    name: ClassVar[str] = "light"
    flip: float = 0.5
    degrees: float = 10.0
    shift: float = 0.05
    zoom: float = 0.1
    fill: Fill = "reflect"

    def __post_init__(self) -> None:
        for parameter, high in (("flip", 1), ("degrees", 180), ("shift", 1), ("zoom", 0.9)):
            self._require(parameter, 0, high)
        check_fill(self, self.fill)

    @property
    def geometry(self) -> Geometry:
        """Flip, rotation, shift, zoom."""
        return Geometry(flip=self.flip, degrees=self.degrees, shift=self.shift, zoom=self.zoom, fill=self.fill)


@dataclass(frozen=True)
class Strong(GeometryAndColor):
    """Rotations, shifts, shears, zooms, mirror images and changes of colour.

    Attributes:
        flip: probability of a left-right mirror image.
        degrees: largest rotation, either way.
        shift: largest shift, fraction of width and height.
        shear: largest shear angle in degrees.
        zoom: scale of width and height, independently, in [1 - zoom, 1 + zoom].
        brightness: largest shift of brightness, fraction of the full range.
        contrast: contrast factor in [1 - contrast, 1 + contrast].
        saturation: saturation factor in [1 - saturation, 1 + saturation].
        fill: what lies beyond the border: reflect, nearest, constant (black) or wrap.
    """

    name: ClassVar[str] = "strong"
    flip: float = 0.5
    degrees: float = 25.0
    shift: float = 0.1
    shear: float = 10.0
    zoom: float = 0.2
    brightness: float = 0.15
    contrast: float = 0.2
    saturation: float = 0.2
    fill: Fill = "reflect"

    def __post_init__(self) -> None:
        limits = {"degrees": 180.0, "shear": 80.0, "zoom": 0.9}
        for parameter in ("flip", "degrees", "shift", "shear", "zoom", "brightness", "contrast", "saturation"):
            self._require(parameter, 0, limits.get(parameter, 1.0))
        check_fill(self, self.fill)

    @property
    def geometry(self) -> Geometry:
        """All of it."""
        return Geometry(self.flip, 0.0, self.degrees, self.shift, self.shear, self.zoom, 1.0, self.fill)

    @property
    def color(self) -> Color:
        """Brightness, contrast, saturation."""
        return Color(self.brightness, self.contrast, self.saturation)


@dataclass(frozen=True)
class ChangeColor(GeometryAndColor):
    """Change brightness, contrast, saturation and hue; of grey images, brightness and contrast.

    Attributes:
        brightness: largest shift of brightness, fraction of the full range.
        contrast: contrast factor in [1 - contrast, 1 + contrast].
        saturation: saturation factor in [1 - saturation, 1 + saturation].
        hue: largest turn of the hue, fraction of the colour circle.
        flip: probability of a left-right mirror image.
    """

    name: ClassVar[str] = "color"
    brightness: float = 0.2
    contrast: float = 0.3
    saturation: float = 0.3
    hue: float = 0.05
    flip: float = 0.0

    def __post_init__(self) -> None:
        for parameter, high in (("brightness", 1), ("contrast", 1), ("saturation", 1), ("hue", 0.5), ("flip", 1)):
            self._require(parameter, 0, high)

    @property
    def geometry(self) -> Geometry:
        """Mirrors, if asked for."""
        return Geometry(flip=self.flip)

    @property
    def color(self) -> Color:
        """All four."""
        return Color(self.brightness, self.contrast, self.saturation, self.hue)
