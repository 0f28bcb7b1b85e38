"""What an augmentation policy is: draws random parameters for images (NumPy), applies them to a batch (TensorFlow)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from trainer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from trainer.augmentation.draws import Draws

Drawn = dict[str, "npt.NDArray[Any]"]
"""Random parameters by name; each array has one row per image."""


@dataclass(frozen=True)
class Range:
    """Smallest and largest value of a policy's parameter, written beside its type."""

    low: float
    high: float


Share = Annotated[float, Range(0, 1)]


@dataclass(frozen=True)
class Policy(ABC):
    """A named way to vary training images. Subclasses are frozen dataclasses whose fields are the policy's parameters, checked by their types.

    `draw` is a pure function of its keys and decides everything random; `apply` is a pure function of pixels and what was drawn, image by
    image, so that a result depends on (seed, epoch, image) alone.
    """

    name: ClassVar[str]
    mixes: ClassVar[bool] = False
    """Whether images are mixed in pairs; `apply` is then given partners and `share` says how much of the first is left."""
    at_once: ClassVar[bool] = True
    """Whether a small epoch may be varied in one call. TensorFlow's graph optimiser, which data sets do without, then runs over `apply`."""

    def __post_init__(self) -> None:
        for name, rule in _rules(type(self)).items():
            value = getattr(self, name)
            if isinstance(rule, Range):
                if isinstance(value, bool) or not isinstance(value, int | float) or not rule.low <= value <= rule.high:
                    raise ConfigError(
                        f"data.augmentation: {self.name}: {name} must be a number from {rule.low:g} to {rule.high:g}, but got {value!r}"
                    )
            elif value not in rule:
                raise ConfigError(f"data.augmentation: {self.name}: {name} must be one of {', '.join(rule)}, but got {value!r}")

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

    def parameters(self) -> dict[str, Any]:
        """Parameter names and values."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@cache
def _rules(policy: type[Policy]) -> dict[str, Range | tuple[str, ...]]:
    """What a policy's parameters may be, by name: a range of numbers, or a choice of words. From the types of its fields."""
    rules: dict[str, Range | tuple[str, ...]] = {}
    for name, kind in get_type_hints(policy, include_extras=True).items():
        if get_origin(kind) is Annotated:
            rules[name] = kind.__metadata__[0]
        elif get_origin(kind) is Literal:
            rules[name] = get_args(kind)
    return rules
