"""Rotation of a share of the images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainer.augmentation.geometry import Fill, Geometry
from trainer.augmentation.policy import GeometryAndColor, check_fill


@dataclass(frozen=True)
class Rotate(GeometryAndColor):
    """Rotate a share of the images (half by default) by a random angle.

    Attributes:
        degrees: largest angle, either way.
        share: probability that an image is rotated.
        fill: what lies beyond the border: reflect, nearest, constant (black) or wrap.
    """

    name: ClassVar[str] = "rotate"
    degrees: float = 30.0
    share: float = 0.5
    fill: Fill = "reflect"

    def __post_init__(self) -> None:
        self._require("degrees", 0, 180)
        self._require("share", 0, 1)
        check_fill(self, self.fill)

    @property
    def geometry(self) -> Geometry:
        """A rotation."""
        return Geometry(degrees=self.degrees, share=self.share, fill=self.fill)
