"""Conditions of conditional parameters, the texts after ``when:``: a small grammar, never ``eval``.

Grammar (``and`` binds tighter than ``or``)::

    when       = all { "or" all }
    all        = term { "and" term }
    term       = "(" when ")" | NAME OP value | NAME ("in" | "not in") list
    OP         = "==" | "!=" | "<" | "<=" | ">" | ">="
    list       = "[" value { "," value } "]"
    value      = a bare word (``all``, ``50%``, ``1e-3``) or quoted text (``'4 blocks'``)
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, cast

from search_spaces.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


PointValue = float | int | str
Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in"]


@dataclass(frozen=True)
class Condition:
    """``parameter OP value``, e.g. ``frozen_layers != all``; false while the parameter it names is itself inactive.

    Attributes:
        parameter: name of the parameter that is compared.
        operator: how.
        values: labels or numbers; one of them unless the operator is ``in`` or ``not in``.
        text: as written.
    """

    parameter: str
    operator: Operator
    values: tuple[PointValue, ...]
    text: str

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that the condition depends on."""
        return (self.parameter,)

    def holds(self, point: Mapping[str, PointValue]) -> bool:
        """Whether the condition is true of `point`."""
        if self.parameter not in point:
            return False
        found = point[self.parameter]
        if self.operator in ("==", "in"):
            return found in self.values
        if self.operator in ("!=", "not in"):
            return found not in self.values
        number, bound = float(found), float(self.values[0])
        return {"<": number < bound, "<=": number <= bound, ">": number > bound, ">=": number >= bound}[self.operator]


@dataclass(frozen=True)
class AllOf:
    """``A and B``: true where all its parts are."""

    parts: tuple[When, ...]
    text: str

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that the condition depends on, each once."""
        return _names(self.parts)

    def holds(self, point: Mapping[str, PointValue]) -> bool:
        """Whether the condition is true of `point`."""
        return all(part.holds(point) for part in self.parts)


@dataclass(frozen=True)
class AnyOf:
    """``A or B``: true where one of its parts is."""

    parts: tuple[When, ...]
    text: str

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that the condition depends on, each once."""
        return _names(self.parts)

    def holds(self, point: Mapping[str, PointValue]) -> bool:
        """Whether the condition is true of `point`."""
        return any(part.holds(point) for part in self.parts)


When = Condition | AllOf | AnyOf


def all_of(parts: Sequence[When]) -> When:
    """``A and B`` of one or more conditions, its text from theirs."""
    if len(parts) == 1:
        return parts[0]
    return AllOf(tuple(parts), " and ".join(f"({part.text})" if isinstance(part, AnyOf) else part.text for part in parts))


def any_of(parts: Sequence[When]) -> When:
    """``A or B`` of one or more conditions, its text from theirs."""
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts), " or ".join(part.text for part in parts))


def _names(parts: tuple[When, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for part in parts for name in part.names))


ORDER = ("<", "<=", ">", ">=")
_TOKEN = re.compile(r"""\s*(?:(?P<quoted>'[^']*'|"[^"]*")|(?P<sign>==|!=|<=|>=|[<>()\[\],])|(?P<word>[^\s()\[\],<>=!'"]+))""")
_EXAMPLE = "write e.g. 'frozen_layers != all', 'optimizer in [sgd, rmsprop]' or 'dropout > 0 and head_bn == true'"


class ConditionError(ValueError):
    """A ``when:`` text that cannot be used; the message has neither file nor line."""


class Comparable(Protocol):
    """What a condition asks of a parameter."""

    def compare(self, operator: Operator, words: Sequence[tuple[str, str]], text: str) -> Condition:
        """One comparison, its words turned into the parameter's labels or numbers."""
        ...


def parse_condition(text: str, earlier: Mapping[str, Comparable]) -> When:
    """Read one condition.

    Args:
        text: e.g. ``frozen_layers != all``.
        earlier: the parameters defined before the one that carries the condition; only they may be named, so no condition can be cyclic.

    Raises:
        ConditionError: bad syntax, an unknown or later parameter, a label that does not exist, text compared by order, a comparison that can never hold.
    """
    reader = _Reader(text, _tokens(text), earlier)
    when = reader.any_of()
    if reader.position < len(reader.tokens):
        found = reader.tokens[reader.position][1]
        raise ConditionError(f"expected 'and', 'or' or the end, got {found!r} in {text!r}; quote labels that hold spaces, as in '4 blocks'")
    return when


def names_in(text: str) -> tuple[str, ...]:
    """The words of a condition that stand where a parameter's name does; of a text with bad syntax, those found before the error."""
    try:
        tokens = _tokens(text)
    except ConditionError:
        return ()
    return tuple(
        word for (kind, word), (_, after) in itertools.pairwise(tokens) if kind == "word" and after in ("==", "!=", *ORDER, "in", "not")
    )


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise ConditionError(f"cannot read {text[position:].strip()!r} in {text!r}; {_EXAMPLE}")
        kind = cast("str", match.lastgroup)
        tokens.append((kind, match[kind]))
        position = match.end()
    return tokens


class _Reader:
    """Recursive descent over the tokens of one condition."""

    def __init__(self, text: str, tokens: Sequence[tuple[str, str]], earlier: Mapping[str, Comparable]) -> None:
        self.text = text
        self.tokens = tokens
        self.earlier = earlier
        self.position = 0

    def any_of(self) -> When:
        parts = [self.all_of()]
        while self._skip("or"):
            parts.append(self.all_of())
        return any_of(parts)

    def all_of(self) -> When:
        parts = [self.term()]
        while self._skip("and"):
            parts.append(self.term())
        return all_of(parts)

    def term(self) -> When:
        if self._skip("("):
            inside = self.any_of()
            self._require(")")
            return inside
        start = self.position
        _, name = self._next("a parameter's name")
        if name not in self.earlier:
            meant = nearest(name, self.earlier)
            hint = f"did you mean {meant!r}?" if meant else f"parameters before it: {', '.join(self.earlier) or 'none'}"
            raise ConditionError(f"names {name!r}, which is not a parameter defined above this one; {hint}")
        operator = self._operator()
        words = self._list() if operator in ("in", "not in") else [self._next("a value")]
        return self.earlier[name].compare(operator, words, _joined(self.tokens[start : self.position]))

    def _operator(self) -> Operator:
        _, word = self._next("an operator")
        if word == "not":
            self._require("in")
            return "not in"
        if word not in ("==", "!=", *ORDER, "in"):
            raise ConditionError(f"expected one of ==, !=, <, <=, >, >=, in, not in, got {word!r} in {self.text!r}; {_EXAMPLE}")
        return cast("Operator", word)

    def _list(self) -> list[tuple[str, str]]:
        self._require("[")
        words = [self._next("a value")]
        while self._skip(","):
            words.append(self._next("a value"))
        self._require("]")
        return words

    def _next(self, expected: str) -> tuple[str, str]:
        if self.position == len(self.tokens):
            raise ConditionError(f"expected {expected} after {self.text!r}; {_EXAMPLE}")
        kind, word = self.tokens[self.position]
        if kind == "sign" and expected != "an operator":
            raise ConditionError(f"expected {expected}, got {word!r} in {self.text!r}; {_EXAMPLE}")
        self.position += 1
        return kind, word

    def _skip(self, word: str) -> bool:
        if self.position < len(self.tokens) and self.tokens[self.position] in (("word", word), ("sign", word)):
            self.position += 1
            return True
        return False

    def _require(self, word: str) -> None:
        if not self._skip(word):
            found = repr(self.tokens[self.position][1]) if self.position < len(self.tokens) else "the end"
            raise ConditionError(f"expected {word!r}, got {found} in {self.text!r}; {_EXAMPLE}")


def _joined(tokens: Sequence[tuple[str, str]]) -> str:
    """Tokens as text with the usual spaces."""
    text = ""
    for _, word in tokens:
        text += word if not text or text.endswith("[") or word in ("]", ",") else f" {word}"
    return text
