"""No augmentation.

Mirror images.
Rotation of a share of the images.
Shear and zoom, as Keras's ImageDataGenerator understands them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from trainer.augmentation.geometry import Fill, Geometry
from trainer.augmentation.policy import Drawn, GeometryAndColor, Policy, check_fill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainer.augmentation.draws import Draws


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
