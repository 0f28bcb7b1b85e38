"""Policies made of one projective transform and one change of colour, from none to strong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from trainer.augmentation.color import Color
from trainer.augmentation.geometry import Fill, Geometry
from trainer.augmentation.policy import Degrees, Drawn, GeometryAndColor, Policy, Range, Share, Zoom

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainer.augmentation.draws import Draws

Shear = Annotated[float, Range(0, 80)]


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
    horizontal: Share = 0.5
    vertical: Share = 0.0

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
    degrees: Degrees = 30.0
    share: Share = 0.5
    fill: Fill = "reflect"

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
    shear: Shear = 0.2
    zoom: Zoom = 0.2
    flip: Share = 0.0
    fill: Fill = "nearest"

    @property
    def geometry(self) -> Geometry:
        """A shear and a zoom."""
        return Geometry(flip=self.flip, shear_degrees=self.shear, zoom=self.zoom, fill=self.fill)


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
    flip: Share = 0.5
    degrees: Degrees = 10.0
    shift: Share = 0.05
    zoom: Zoom = 0.1
    fill: Fill = "reflect"

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
    flip: Share = 0.5
    degrees: Degrees = 25.0
    shift: Share = 0.1
    shear: Shear = 10.0
    zoom: Zoom = 0.2
    brightness: Share = 0.15
    contrast: Share = 0.2
    saturation: Share = 0.2
    fill: Fill = "reflect"

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
    brightness: Share = 0.2
    contrast: Share = 0.3
    saturation: Share = 0.3
    hue: Annotated[float, Range(0, 0.5)] = 0.05
    flip: Share = 0.0

    @property
    def geometry(self) -> Geometry:
        """Mirrors, if asked for."""
        return Geometry(flip=self.flip)

    @property
    def color(self) -> Color:
        """All four."""
        return Color(self.brightness, self.contrast, self.saturation, self.hue)
