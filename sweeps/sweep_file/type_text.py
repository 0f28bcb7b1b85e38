"""Types of settings in words, for messages and for the reference."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BeforeValidator, PlainValidator
from pydantic.fields import FieldInfo

from sweeps.sweep_file.durations import parse_duration
from trainer.config import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLAIN = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    dict: "a mapping",
    type(None): "null",
    Any: "anything",
}
_SIGNS = (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))


def type_text(field: FieldInfo) -> str:
    """What a setting accepts, e.g. ``a whole number >= 1, or null``."""
    if any(isinstance(part, PlainValidator) for part in field.metadata):
        return "a shipped space, a file, or a mapping of parameters"
    words = _alternatives(field.annotation, field.metadata)
    if any(getattr(part, "min_length", None) for part in field.metadata):
        words[0] += ", not empty"
    return ", or ".join(words)


def _alternatives(annotation: Any, metadata: Sequence[Any] = ()) -> list[str]:  # noqa: ANN401 - a type
    """The words for each member of a union; one for any other type."""
    origin = get_origin(annotation)
    if any(isinstance(part, BeforeValidator) and part.func is parse_duration for part in metadata):
        return ["a duration such as 8h, 30m or 90s, or seconds"]
    if origin is Annotated:
        inner, *inner_metadata = get_args(annotation)
        return _alternatives(inner, [*metadata, *inner_metadata])
    if origin in (Union, types.UnionType):
        members = get_args(annotation)
        if set(members) >= {int, float}:
            members = tuple(member for member in members if member is not int)
        return list(dict.fromkeys(word for member in members for word in _alternatives(member, metadata)))
    word = _word(annotation, origin)
    return [word + _bounds(metadata) if annotation in (int, float) else word]


def _word(annotation: Any, origin: Any) -> str:  # noqa: ANN401 - a type
    """The words for a type that is no union."""
    if origin is Literal:
        values = [str(value) for value in get_args(annotation)]
        return f"one of {', '.join(values)}" if len(values) > 1 else f"the word {values[0]}"
    if origin is tuple:
        return _tuple_text(get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return "a mapping"
    return _PLAIN.get(origin or annotation, str(annotation))


def _bounds(metadata: Sequence[Any]) -> str:
    """Bounds of a number, e.g. `` >= 0 and < 1``."""
    constraints = [part for item in metadata for part in (item.metadata if isinstance(item, FieldInfo) else [item])]
    texts = [f"{sign} {getattr(part, name):g}" for part in constraints for name, sign in _SIGNS if getattr(part, name, None) is not None]
    return f" {' and '.join(texts)}" if texts else ""


def _tuple_text(members: tuple[Any, ...]) -> str:
    words = {int: "whole numbers", float: "numbers", str: "texts", dict: "mappings"}
    inner = members[0]
    bounds = ""
    if get_origin(inner) is Annotated:
        inner, *metadata = get_args(inner)
        bounds = _bounds(metadata)
    if get_origin(inner) is Literal:
        return f"a list of {', '.join(str(value) for value in get_args(inner))}"
    kind = words.get(get_origin(inner) or inner, "values") + bounds
    return f"a list of {kind}" if members[-1] is Ellipsis else f"a list of {len(members)} {kind}"
