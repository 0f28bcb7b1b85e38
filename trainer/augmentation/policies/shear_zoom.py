"""Shear and zoom, as Keras's ImageDataGenerator understands them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainer.augmentation.geometry import Fill, Geometry
from trainer.augmentation.policy import GeometryAndColor, check_fill


@dataclass(frozen=True)
class ShearZoom(GeometryAndColor):
    """Shear and zoom every image at random, as ImageDataGenerator(shear_range=.2, zoom_range=.2) does.

    Attributes:
        shear: largest shear angle in degrees (not radians: .2 is next to nothing, as it is there).
        zoom: scale of width and height, independently, in [1 - zoom, 1 + zoom].
        flip: probability of a left-right mirror image.
        fill: what lies beyond the border: reflect, nearest, constant (black) or wrap.
    """

    name: ClassVar[str] = "shear_zoom"
    shear: float = 0.2
    zoom: float = 0.2
    flip: float = 0.0
    fill: Fill = "nearest"

    def __post_init__(self) -> None:
        self._require("shear", 0, 80)
        self._require("zoom", 0, 0.9)
        self._require("flip", 0, 1)
        check_fill(self, self.fill)

    @property
    def geometry(self) -> Geometry:
        """A shear and a zoom."""
        return Geometry(flip=self.flip, shear_degrees=self.shear, zoom=self.zoom, fill=self.fill)
