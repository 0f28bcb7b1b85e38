"""What a searched parameter is asked: which values it takes, how they are written, drawn and compared. `number_parameters` and `label_parameters` hold the kinds.

A point of a space is ``{name: value}``; choices and ordinals are stored by their label.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from search_spaces.conditions import Condition, Operator, PointValue, When
    from search_spaces.errors import KeyPath


class RefusedError(ValueError):
    """What is wrong below a parameter; `keys` lead to it from the parameter."""

    def __init__(self, keys: KeyPath, message: str) -> None:
        super().__init__(message)
        self.keys = keys


@dataclass(frozen=True)
class Scale:
    """A range of numbers that a sampler sees order in.

    Attributes:
        whole: whether only whole numbers lie in it.
        low: lower end.
        high: upper end, included.
        log: whether it is drawn on a logarithmic scale.
        step: between two values; None for all of them.
    """

    whole: bool
    low: Any
    high: Any
    log: bool = False
    step: Any = None


class Parameter(ABC):
    """What the kinds have in common. Of `labels` and `low` to `step`, a kind has those that it is made of."""

    kind: ClassVar[Literal["float", "int", "choice", "ordinal"]]
    options: ClassVar[tuple[str, ...]]
    name: str
    when: When | None
    description: str
    labels: tuple[str, ...]
    values: Mapping[str, Any]
    low: Any
    high: Any
    log: bool
    step: Any

    @classmethod
    @abstractmethod
    def read(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of the kind from a mapping of the file.

        Raises:
            RefusedError: a value of it cannot be used.
        """

    @abstractmethod
    def contains(self, value: object) -> bool:
        """Whether `value` (a label, for choices) is one that the parameter can take."""

    @abstractmethod
    def canonical(self, value: PointValue) -> PointValue:
        """`value` in the one form that stands for it: a label, an int, or a float without the rounding of its steps (.15, not .15000000000000002)."""

    @abstractmethod
    def finite_values(self) -> Sequence[PointValue] | None:
        """Every value in order, or None for a float without a step."""

    @abstractmethod
    def setting(self, value: PointValue) -> Any:  # noqa: ANN401 - a setting holds any plain value
        """What the setting receives for a point's value."""

    @abstractmethod
    def value_of(self, setting: Any) -> PointValue | None:  # noqa: ANN401 - a setting holds any plain value
        """The point's value that gives the setting this value, or None."""

    @abstractmethod
    def compared_as(self, setting: Any) -> PointValue:  # noqa: ANN401 - a setting holds any plain value
        """What conditions compare while the setting is fixed to a value, which need not be one of the parameter's."""

    @abstractmethod
    def compare(self, operator: Operator, words: Sequence[tuple[str, str]], text: str) -> Condition:
        """A condition on the parameter.

        Args:
            operator: of the comparison.
            words: what it is compared with, each with its kind of token (``quoted`` or ``word``).
            text: the comparison as written.

        Raises:
            ConditionError: it cannot be made, or can never hold.
        """

    @abstractmethod
    def restate(self, condition: Condition) -> Condition | bool:
        """A condition on an earlier parameter of this name, in terms of this one; a truth where it no longer depends on it.

        Raises:
            ValueError: the comparison has lost its meaning.
        """

    @abstractmethod
    def why_wider(self, after: Parameter) -> str:
        """Why `after`, of the same kind, is not a part of this one, or nothing."""

    @abstractmethod
    def tried(self) -> Iterator[tuple[KeyPath, Any]]:
        """Values that its setting must accept, each with the keys that lead to it: every label's value, both ends of a range."""

    @abstractmethod
    def to_mapping(self) -> dict[str, Any]:
        """Its kind and options in the syntax of the file, defaults left out; without condition and description."""

    @property
    @abstractmethod
    def allowed(self) -> str:
        """Its values, as messages name them."""

    @property
    @abstractmethod
    def single_value_example(self) -> str:
        """How it is written with one value."""

    @property
    @abstractmethod
    def scale(self) -> Scale | None:
        """The range that a sampler sees, or None where there is no order."""

    def at(self, unit: float) -> PointValue:
        """The value at a share in [0, 1) of the range."""
        values = self.finite_values() or ()
        return values[min(int(unit * len(values)), len(values) - 1)]

    def to_scale(self, value: PointValue) -> PointValue:
        """A value's place on the scale."""
        return value

    def from_scale(self, place: Any) -> PointValue:  # noqa: ANN401 - what a sampler returns
        """The value at a place on the scale."""
        return self.canonical(place)

    def with_condition(self, when: When | None) -> Self:
        """The same parameter under another condition."""
        return replace(cast("Any", self), when=when)  # type: ignore[no-any-return]  # every kind is a dataclass

    def identity(self) -> dict[str, Any]:
        """What spaces are compared by: as `to_mapping`, with every label's value."""
        return self.to_mapping()
