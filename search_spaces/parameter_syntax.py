"""Reads one parameter of a space: ``{float: [lo, hi], log: true}``, ``{int: [...]}``, ``{choice: [...]}``, ``{ordinal: [...]}``."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, cast

from search_spaces.conditions import ConditionError, parse_condition
from search_spaces.errors import nearest
from search_spaces.parameters import ChoiceParameter, FloatParameter, IntParameter, OrdinalParameter, Parameter, label_of
from search_spaces.space import finite_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from search_spaces.conditions import When
    from search_spaces.errors import KeyPath, Problem
    from search_spaces.located_yaml import Located

KINDS = ("float", "int", "choice", "ordinal")
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "float": ("log", "step", "when", "description"),
    "int": ("log", "step", "when", "description"),
    "choice": ("when", "description"),
    "ordinal": ("when", "description"),
}
EXAMPLE = "write e.g. {float: [1.0e-5, 1.0e-2], log: true}, {int: [1, 8]}, {choice: [adam, sgd]} or {ordinal: [none, 50%, all]}"
_NUM_ENDS = 2


class _RefusedError(ValueError):
    """What is wrong below a parameter; `keys` lead to it from the parameter."""

    def __init__(self, keys: KeyPath, message: str) -> None:
        super().__init__(message)
        self.keys = keys


def parse_parameter(document: Located, path: KeyPath, value: Any, earlier: Mapping[str, Parameter]) -> Parameter | list[Problem]:  # noqa: ANN401 - unchecked input
    """Read one parameter.

    Args:
        document: where `value` was found; for messages.
        path: keys to it; the last one is the parameter's name.
        value: the plain data below `path`.
        earlier: parameters that its condition may name.

    Returns:
        The parameter, or everything that is wrong with it.
    """
    name = str(path[-1])
    kinds = [kind for kind in KINDS if isinstance(value, dict) and kind in value]
    if len(kinds) != 1:
        got = f"got {' and '.join(kinds)}" if kinds else f"got {shown(value)}"
        return [document.problem(path, f"expected a mapping with one of {', '.join(KINDS)}, {got}; {EXAMPLE}")]
    kind = kinds[0]
    problems = [document.problem((*path, key), _unknown_option(key, kind)) for key in value if key not in (kind, *OPTIONS[kind])]
    readers: dict[str, Callable[[], object]] = {
        "when": lambda: _when(value.get("when"), earlier),
        "description": lambda: _description(value.get("description", "")),
        kind: lambda: _labels(kind, value[kind]) if kind in ("choice", "ordinal") else _range(kind, value),
    }
    parts: dict[str, Any] = {}
    for part, read in readers.items():
        try:
            parts[part] = read()
        except _RefusedError as refused:
            problems.append(document.problem((*path, *refused.keys), str(refused)))
    if problems:
        return problems
    shared: dict[str, Any] = {"name": name, "when": cast("When | None", parts["when"]), "description": cast("str", parts["description"])}
    if kind in ("choice", "ordinal"):
        labels = cast("dict[str, Any]", parts[kind])
        made = ChoiceParameter if kind == "choice" else OrdinalParameter
        return made(labels=tuple(labels), values=labels, **shared)
    return (FloatParameter if kind == "float" else IntParameter)(**parts[kind], **shared)


def shown(value: object) -> str:
    """A value found in a file, as messages show it: what it is and what kind of thing that is."""
    if isinstance(value, str):
        return f"{_shortened(repr(value))} (text)"
    if value is None:
        return "nothing"
    kind = {bool: "true or false", int: "whole number", float: "number", list: "list", dict: "mapping"}.get(
        type(value), type(value).__name__
    )
    if isinstance(value, (list, dict)) and not value:
        return f"an empty {kind}"
    return f"{_shortened(json.dumps(value, ensure_ascii=False, default=str))} ({kind})"


def _shortened(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _unknown_option(key: str, kind: str) -> str:
    known = (kind, *OPTIONS[kind])
    meant = nearest(key, known)
    hint = f"did you mean {meant!r}?" if meant else f"{kind} takes {', '.join(OPTIONS[kind])}"
    return f"unknown key; {hint}"


def _when(text: object, earlier: Mapping[str, Parameter]) -> When | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise _RefusedError(("when",), f"expected a condition as text, got {shown(text)}; write e.g. 'frozen_layers != all'")
    try:
        return parse_condition(text, earlier)
    except ConditionError as error:
        raise _RefusedError(("when",), str(error)) from None


def _description(text: object) -> str:
    if not isinstance(text, str):
        raise _RefusedError(("description",), f"expected text, got {shown(text)}")
    return text


def _labels(kind: str, given: object) -> dict[str, Any]:
    """Labels in order, each with its value."""
    if not isinstance(given, (list, dict)):
        raise _RefusedError(
            (kind,), f"expected a list of values or a mapping of label to value, got {shown(given)}; write e.g. [none, 50%, all]"
        )
    if not given:
        raise _RefusedError((kind,), "expected at least one value, got none; write e.g. [none, 50%, all], or remove the parameter")
    if isinstance(given, dict):
        return dict(given)
    labels: dict[str, Any] = {}
    for index, value in enumerate(given):
        if isinstance(value, float) and not math.isfinite(value):
            raise _RefusedError((kind, index), f"expected a finite number, got {value!r}")
        label = label_of(value)
        if label in labels:
            same = "the same value twice" if labels[label] == value else "two values that read alike"
            raise _RefusedError(
                (kind, index), f"duplicate label {label!r} ({same}); remove one, or name them: {{{kind}: {{label: value, ...}}}}"
            )
        labels[label] = value
    return labels


def _range(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Low, high, log and step of a float or int."""
    low, high = _ends(kind, given[kind])
    log = given.get("log", False)
    if not isinstance(log, bool):
        raise _RefusedError(("log",), f"expected true or false, got {shown(log)}")
    if log and low <= 0:
        raise _RefusedError((kind, 0), f"expected a low end above 0 with log: true, got {low!r}; raise it (e.g. 1.0e-6) or remove log")
    if given.get("step") is None:
        return {"low": low, "high": high, "log": log}
    step = _number(kind, given["step"], ("step",))
    if step <= 0:
        raise _RefusedError(("step",), f"expected a step above 0, got {step!r}")
    if log:
        raise _RefusedError(("step",), "log and step exclude each other; remove one of the two")
    if step > (high - low) * (1 + 1e-9):  # .009 - .002 is a little less than .007
        raise _RefusedError(
            ("step",), f"expected a step no larger than the range, {high - low:g}, got {step!r}; make it smaller or widen the range"
        )
    stepped = (
        FloatParameter("", float(low), float(high), step=float(step))
        if kind == "float"
        else IntParameter("", int(low), int(high), step=int(step))
    )
    last = cast("float", (finite_values(stepped) or (high,))[-1])
    if not math.isclose(last, high, rel_tol=1e-9):
        raise _RefusedError(
            ("step",), f"steps of {step!r} from {low!r} end at {last!r}, not at {high!r}; write [{low!r}, {last!r}] or another step"
        )
    return {"low": low, "high": high, "log": log, "step": step}


def _ends(kind: str, given: object) -> tuple[float, float]:
    if not isinstance(given, list) or len(given) != _NUM_ENDS:
        raise _RefusedError(
            (kind,), f"expected the two ends [low, high], got {shown(given)}; write e.g. {'[0.0, 0.6]' if kind == 'float' else '[1, 8]'}"
        )
    low, high = (_number(kind, end, (kind, index)) for index, end in enumerate(given))
    if low > high:
        raise _RefusedError((kind,), f"expected low <= high, got [{low!r}, {high!r}]; write [{high!r}, {low!r}]")
    return low, high


def _number(kind: str, given: object, keys: KeyPath) -> float:
    wanted = "a number" if kind == "float" else "a whole number"
    if isinstance(given, bool) or not isinstance(given, (int, float)) or (kind == "int" and isinstance(given, float)):
        raise _RefusedError(keys, f"expected {wanted}, got {shown(given)}")
    if not math.isfinite(given):
        raise _RefusedError(keys, f"expected {wanted}, got {given!r}; give a finite one")
    return float(given) if kind == "float" else given
