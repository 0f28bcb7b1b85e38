"""Changes of colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainer.augmentation.color import Color
from trainer.augmentation.geometry import Geometry
from trainer.augmentation.policy import GeometryAndColor


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
