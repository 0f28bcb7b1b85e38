"""A mild all-round policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

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
