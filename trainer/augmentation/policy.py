"""What an augmentation policy is: draws random parameters for images (NumPy), applies them to a batch (TensorFlow)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from trainer.augmentation.color import Color, recolor
from trainer.augmentation.geometry import Geometry, coefficients, mirror, warp, warp_some
from trainer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from trainer.augmentation.draws import Draws

Drawn = dict[str, "npt.NDArray[Any]"]
"""Random parameters by name; each array has one row per image."""


@dataclass(frozen=True)
class Policy(ABC):
    """A named way to vary training images. Subclasses are frozen dataclasses whose fields are the policy's parameters.

    `draw` is a pure function of its keys and decides everything random; `apply` is a pure function of pixels and what was drawn, image by
    image, so that a result depends on (seed, epoch, image) alone.
    """

    name: ClassVar[str]
    mixes: ClassVar[bool] = False
    """Whether images are mixed in pairs; `apply` is then given partners and `share` says how much of the first is left."""
    at_once: ClassVar[bool] = True
    """Whether a small epoch may be varied in one call. TensorFlow's graph optimiser, which data sets do without, then runs over `apply`."""

    @property
    def description(self) -> str:
        """One sentence for lists."""
        return (type(self).__doc__ or "").split("\n", 1)[0]

    @abstractmethod
    def draw(self, draws: Draws, shape: tuple[int, int, int]) -> Drawn:
        """Random parameters of n images of `shape` (height, width, channels)."""

    @abstractmethod
    def apply(self, images: Any, drawn: Mapping[str, Any]) -> Any:  # noqa: ANN401 - TensorFlow tensors
        """Vary float32 images ``(b, height, width, channels)`` in [0, 255]; the caller clips."""

    def applier(self) -> Callable[[Any, Mapping[str, Any]], Any]:
        """`apply`, with whatever must exist before a graph is traced already made."""
        return self.apply

    def _require(self, parameter: str, low: float, high: float) -> None:
        """Check a parameter's range."""
        value = getattr(self, parameter)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ConfigError(f"data.augmentation: {self.name}: {parameter} must be a number from {low:g} to {high:g}, but got {value!r}")

    def parameters(self) -> dict[str, Any]:
        """Parameter names and values."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class GeometryAndColor(Policy):
    """A policy made of one projective transform and one change of colour."""

    @property
    def geometry(self) -> Geometry:
        """Ranges of the projective transform."""
        return Geometry()

    @property
    def color(self) -> Color:
        """Ranges of the change of colour."""
        return Color()

    def draw(self, draws: Draws, shape: tuple[int, int, int]) -> Drawn:
        """Draw matrices; mirror images alone are drawn as booleans."""
        height, width, channels = shape
        drawn: Drawn = {}
        if self.geometry.warps:
            matrices = self.geometry.matrices(draws, height, width)
            drawn["transform"] = coefficients(matrices, height, width)
            if self.geometry.share < 1:
                drawn["warped"] = (matrices != np.eye(3)).any(axis=(1, 2))
        elif self.geometry.flip or self.geometry.flip_vertical:
            drawn["flip"], drawn["flip_vertical"] = self.geometry.flips(draws)
        if self.color.changes:
            drawn |= self.color.maps(draws, channels).numbers()
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


def check_fill(policy: Policy, fill: str) -> None:
    """Check that `fill` is a known way to continue an image beyond its border."""
    known = ("reflect", "nearest", "constant", "wrap")
    if fill not in known:
        raise ConfigError(f"data.augmentation: {policy.name}: fill must be one of {', '.join(known)}, but got {fill!r}")


def as_float32(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Drawn numbers in the type of the pixels."""
    return values.astype(np.float32)
