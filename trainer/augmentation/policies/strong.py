"""A strong all-round policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainer.augmentation.color import Color
from trainer.augmentation.geometry import Fill, Geometry
from trainer.augmentation.policy import GeometryAndColor, check_fill


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
