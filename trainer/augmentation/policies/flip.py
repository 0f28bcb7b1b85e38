"""Mirror images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainer.augmentation.geometry import Geometry
from trainer.augmentation.policy import GeometryAndColor


@dataclass(frozen=True)
class Flip(GeometryAndColor):
    """Mirror images at random; left-right by default.

    Attributes:
        horizontal: probability of a left-right mirror image.
        vertical: probability of an upside-down one.
    """

    name: ClassVar[str] = "flip"
    horizontal: float = 0.5
    vertical: float = 0.0

    def __post_init__(self) -> None:
        self._require("horizontal", 0, 1)
        self._require("vertical", 0, 1)

    @property
    def geometry(self) -> Geometry:
        """Mirrors alone."""
        return Geometry(flip=self.horizontal, flip_vertical=self.vertical)
