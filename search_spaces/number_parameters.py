"""Searched numbers: a range, on a logarithmic scale or in steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, cast

from search_spaces.conditions import Condition, ConditionError
from search_spaces.errors import shown
from search_spaces.located_yaml import scalar
from search_spaces.parameters import Parameter, RefusedError, Scale

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from search_spaces.conditions import Operator, PointValue, When
    from search_spaces.errors import KeyPath

_STEP_TOLERANCE = 1e-6  # of a step: rounding of low + k * step, not another value
_NUM_ENDS = 2


class _Numbers(Parameter):
    """What floats and ints have in common."""

    options = ("log", "step", "when", "description")
    labels = ()
    values: Mapping[str, Any] = MappingProxyType({})
    _wanted: ClassVar[str]
    _example: ClassVar[str]
    _least_step: ClassVar[float | None]
    """The step that is not written."""

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        low, high = cls._ends(given[cls.kind])
        log = given.get("log", False)
        if not isinstance(log, bool):
            raise RefusedError(("log",), f"expected true or false, got {shown(log)}")
        if log and low <= 0:
            raise RefusedError(
                (cls.kind, 0), f"expected a low end above 0 with log: true, got {low!r}; raise it (e.g. 1.0e-6) or remove log"
            )
        if given.get("step") is None:
            return {"low": low, "high": high, "log": log}
        step = cls._number(given["step"], ("step",))
        if step <= 0:
            raise RefusedError(("step",), f"expected a step above 0, got {step!r}")
        if log:
            raise RefusedError(("step",), "log and step exclude each other; remove one of the two")
        if step > (high - low) * (1 + 1e-9):  # .009 - .002 is a little less than .007
            raise RefusedError(
                ("step",), f"expected a step no larger than the range, {high - low:g}, got {step!r}; make it smaller or widen the range"
            )
        stepped = cls(name="", low=low, high=high, step=step)  # type: ignore[call-arg]  # the kinds are dataclasses with these fields
        last = cast("float", (stepped.finite_values() or (high,))[-1])
        if not math.isclose(last, high, rel_tol=1e-9):
            raise RefusedError(
                ("step",), f"steps of {step!r} from {low!r} end at {last!r}, not at {high!r}; write [{low!r}, {last!r}] or another step"
            )
        return {"low": low, "high": high, "log": log, "step": step}

    @classmethod
    def _ends(cls, given: object) -> tuple[float, float]:
        if not isinstance(given, list) or len(given) != _NUM_ENDS:
            raise RefusedError((cls.kind,), f"expected the two ends [low, high], got {shown(given)}; write e.g. {cls._example}")
        low, high = (cls._number(end, (cls.kind, index)) for index, end in enumerate(given))
        if low > high:
            raise RefusedError((cls.kind,), f"expected low <= high, got [{low!r}, {high!r}]; write [{high!r}, {low!r}]")
        return low, high

    @classmethod
    def _number(cls, given: object, keys: KeyPath) -> float:
        if isinstance(given, bool) or not isinstance(given, (int, float)) or (cls.kind == "int" and isinstance(given, float)):
            raise RefusedError(keys, f"expected {cls._wanted}, got {shown(given)}")
        if not math.isfinite(given):
            raise RefusedError(keys, f"expected {cls._wanted}, got {given!r}; give a finite one")
        return float(given) if cls.kind == "float" else given

    def _in_range(self, value: object) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and self.low <= value <= self.high

    def setting(self, value: PointValue) -> Any:  # noqa: ANN401 - a setting holds any plain value
        return self.canonical(value) if self.contains(value) else value

    def value_of(self, setting: Any) -> PointValue | None:  # noqa: ANN401 - a setting holds any plain value
        return self.canonical(setting) if self.contains(setting) else None

    def compared_as(self, setting: Any) -> PointValue:  # noqa: ANN401 - a setting holds any plain value
        if isinstance(setting, (int, float)) and not isinstance(setting, bool):
            return setting
        return float("nan")  # no number (e.g. null): every comparison with it is false

    def compare(self, operator: Operator, words: Sequence[tuple[str, str]], text: str) -> Condition:
        numbers: list[PointValue] = []
        for _, word in words:
            number = scalar(word)
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                raise ConditionError(f"expected a number to compare {self.name} with, got {word!r}")
            numbers.append(number)
        condition = Condition(self.name, operator, tuple(numbers), text)
        if not self._can_satisfy(condition):
            raise ConditionError(f"{text!r} never holds: {self.name} lies in [{self.low!r}, {self.high!r}]")
        return condition

    def _can_satisfy(self, condition: Condition) -> bool:
        """Whether some value of the range satisfies the comparison (steps are not looked at)."""
        if condition.operator in ("==", "in"):
            return any(self.low <= float(value) <= self.high for value in condition.values)
        if condition.operator in ("!=", "not in"):
            return bool(self.low < self.high) or self.low not in condition.values
        return any(condition.holds({self.name: end}) for end in (self.low, self.high))

    def restate(self, condition: Condition) -> Condition | bool:
        if any(isinstance(value, str) for value in condition.values):
            raise ValueError(f"the condition {condition.text!r} compares {self.name} with text, but it is a number here")
        return condition

    def why_wider(self, after: Parameter) -> str:
        if after.low < self.low or after.high > self.high:
            return f"is wider: [{after.low!r}, {after.high!r}] against [{self.low!r}, {self.high!r}]"
        if self.log != after.log:
            return f"{'is now' if after.log else 'is no longer'} drawn on a logarithmic scale"
        if self.step is None:
            return ""
        if after.step is None:
            return "" if after.low == after.high and self.contains(after.low) else f"no longer moves in steps of {self.step!r}"
        ratio = after.step / self.step
        if round(ratio) < 1 or not math.isclose(ratio, round(ratio), rel_tol=1e-9) or not self.contains(after.low):
            return f"has other steps: {after.step!r} from {after.low!r} against {self.step!r} from {self.low!r}"
        return ""

    def tried(self) -> Iterator[tuple[KeyPath, Any]]:
        yield (self.kind, 0), self.low
        yield (self.kind, 1), self.high

    def to_mapping(self) -> dict[str, Any]:
        mapping: dict[str, Any] = {self.kind: [self.low, self.high]}
        if self.log:
            mapping["log"] = True
        if self.step != self._least_step:
            mapping["step"] = self.step
        return mapping

    @property
    def allowed(self) -> str:
        steps = f" in steps of {self.step!r} from {self.low!r}" if self.step not in (None, 1) else ""
        return f"{self._wanted} in [{self.low!r}, {self.high!r}]{steps}"

    @property
    def single_value_example(self) -> str:
        return f"{{{self.kind}: [{self.low!r}, {self.low!r}]}}"


@dataclass(frozen=True)
class FloatParameter(_Numbers):
    """A real number in [low, high], drawn on a logarithmic scale or in steps from `low`."""

    kind = "float"
    _wanted = "a number"
    _example = "[0.0, 0.6]"
    _least_step = None
    name: str
    low: float
    high: float
    log: bool = False
    step: float | None = None
    when: When | None = None
    description: str = ""

    def contains(self, value: object) -> bool:
        """Whether the parameter can take `value`."""
        if not self._in_range(value):
            return False
        if self.step is None:
            return True
        steps = (cast("float", value) - self.low) / self.step
        return abs(steps - round(steps)) < _STEP_TOLERANCE

    def canonical(self, value: PointValue) -> PointValue:
        """`value` in its one form."""
        if self.step is None:
            return float(value) + 0.0  # -0.0 becomes 0.0
        return self._stepped(round((float(value) - self.low) / self.step))

    def finite_values(self) -> Sequence[PointValue] | None:
        """Every value in order, where there is an end to them."""
        if self.low == self.high:
            return (self.low,)
        if self.step is None:
            return None
        count = math.floor((self.high - self.low) / self.step + _STEP_TOLERANCE) + 1
        return tuple(self._stepped(index) for index in range(count))

    def at(self, unit: float) -> PointValue:
        """The value at a share in [0, 1) of the range."""
        if self.step is not None:
            return super().at(unit)
        if not self.log:
            return self.low + unit * (self.high - self.low)
        return min(max(math.exp(math.log(self.low) + unit * (math.log(self.high) - math.log(self.low))), self.low), self.high)

    @property
    def scale(self) -> Scale:
        """What a sampler sees."""
        return Scale(whole=False, low=self.low, high=self.high, log=self.log, step=self.step)

    def _stepped(self, index: int) -> float:
        """``low + index * step`` in decimal arithmetic, so that .1 + 2 * .1 is .3."""
        return float(Decimal(repr(self.low)) + index * Decimal(repr(self.step)))


@dataclass(frozen=True)
class IntParameter(_Numbers):
    """A whole number in [low, high]."""

    kind = "int"
    _wanted = "a whole number"
    _example = "[1, 8]"
    _least_step = 1
    name: str
    low: int
    high: int
    log: bool = False
    step: int = 1
    when: When | None = None
    description: str = ""

    def contains(self, value: object) -> bool:
        """Whether the parameter can take `value`."""
        return self._in_range(value) and float(cast("float", value)).is_integer() and (int(cast("int", value)) - self.low) % self.step == 0

    def canonical(self, value: PointValue) -> PointValue:
        """`value` in its one form."""
        return int(value)

    def finite_values(self) -> Sequence[PointValue]:
        """Every value in order, where there is an end to them."""
        return range(self.low, self.high + 1, self.step)

    def at(self, unit: float) -> PointValue:
        """The value at a share in [0, 1) of the range."""
        if not self.log:
            return super().at(unit)
        drawn = math.exp(math.log(self.low - 0.5) + unit * (math.log(self.high + 0.5) - math.log(self.low - 0.5)))
        return min(max(round(drawn), self.low), self.high)

    @property
    def scale(self) -> Scale:
        """What a sampler sees."""
        return Scale(whole=True, low=self.low, high=self.high, log=self.log, step=self.step)
