"""Words about settings: their types, for messages and the reference; pydantic's errors as problems with file, line, key, what was expected and what was found."""

from __future__ import annotations

import types
from functools import reduce
from operator import getitem
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BeforeValidator, PlainValidator
from pydantic.fields import FieldInfo

from search_spaces.errors import key_text, nearest, shown
from sweeps.sweep_file.runtime import parse_duration
from trainer.config.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from search_spaces.errors import KeyPath, Problem
    from search_spaces.located_yaml import Located


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


def settings_in(annotation: Any) -> type[Settings] | None:  # noqa: ANN401 - a type
    """The settings class that a field holds, alone or as one of the members of a union; None where there is none."""
    members = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    return next((each for each in members if isinstance(each, type) and issubclass(each, Settings)), None)


MISSING = object()
_SETTINGS_IN_UNIONS = ("ConfirmSettings",)
"""Names of settings classes that a field holds beside words: pydantic puts them into the path of a problem."""
_SECRET: tuple[KeyPath, ...] = (("storage",), ("storage_path",), ("notify", "webhook"), ("notify", "headers"), ("tracking", "mlflow"))


def problems_of(error: ValidationError, document: Located, root: type[Settings], below: KeyPath = ()) -> list[Problem]:
    """One problem for each key that pydantic refuses, however many members of a union refused it.

    Args:
        error: what pydantic raised.
        document: the plain data that was validated, with places.
        root: the class it was validated as.
        below: keys that lead to the validated part of the document.
    """
    problems: dict[KeyPath, Problem] = {}
    for detail in error.errors(include_url=False):
        path = _known_path((*below, *detail["loc"]), document.value, keep_last=detail["type"] in ("missing", "extra_forbidden"))
        if path not in problems:
            problems[path] = document.problem(path, _message(detail, path, document.value, root, len(below)))
    inner = {path[:length] for path in problems for length in range(len(path))}  # a mapping is not refused as a whole for a key of it
    return [problem for path, problem in problems.items() if path not in inner or not path]


def message_for(error: ValidationError, field: FieldInfo, name: str, value: object) -> str:
    """What is wrong with one value of one setting."""
    detail = error.errors(include_url=False)[0]
    return _custom(detail) or f"expected {type_text(field)} (the setting {name}), got {shown(value)}"


def unknown_key(key: str, known: Sequence[str], elsewhere: Mapping[str, Sequence[str]] | None = None) -> str:
    """The message for a key that nothing reads, with the nearest known one, or where a key of that name belongs."""
    close = nearest(key, known, 0.8)
    places = () if close else (elsewhere or {}).get(key, ())
    meant = places or [word for word in (close or nearest(key, known),) if word]
    if meant:
        return f"unknown key; did you mean {' or '.join(map(repr, meant))}?"
    return f"unknown key; expected one of {', '.join(known)}"


def _known_path(path: KeyPath, data: object, *, keep_last: bool) -> KeyPath:
    """`path` without what pydantic adds for members of unions; a last key that is missing or unknown stays."""
    known: list[str | int] = []
    for part in path:
        found, inner = _item(data, part)
        if not found and isinstance(data, dict) and part in _SETTINGS_IN_UNIONS:
            continue
        if not found and not (keep_last and len(known) == len(path) - 1):
            break
        known.append(part)
        data = inner
    return tuple(known)


def _item(data: object, part: str | int) -> tuple[bool, object]:
    """Whether `data` has an item of that key or index, and the item."""
    if (isinstance(data, dict) and part in data) or (isinstance(data, list) and isinstance(part, int) and part < len(data)):
        return True, data[part]  # type: ignore[index]  # a key of this dict, an index of this list
    return False, None


def _message(detail: ErrorDetails, path: KeyPath, data: Any, root: type[Settings], depth: int) -> str:  # noqa: ANN401 - unchecked input
    owner, field = _field(root, path[depth:])
    if detail["type"] == "extra_forbidden":
        return unknown_key(str(path[-1]), list(owner.model_fields), key_homes(root) if owner is not root or depth == 0 else None)
    if custom := _custom(detail):
        return custom
    expected = type_text(field) if field else f"a mapping with {', '.join(owner.model_fields)}"
    hint = " ".join((field.description or "" if field else "").replace("``", "").split("\n\n")[0].split())
    if detail["type"] == "missing":
        return f"missing; expected {expected}: {hint}"
    value = reduce(getitem, path, data)
    got = "another value" if any(path[: len(each)] == each for each in _SECRET) and isinstance(value, str) else shown(value)
    return f"expected {expected}, got {got}: {hint}"


def _custom(detail: ErrorDetails) -> str:
    """The message of our own validators, which say everything themselves."""
    return str(detail["ctx"]["error"]) if detail["type"] == "value_error" and "ctx" in detail else ""


def without_problem(data: Any, path: KeyPath, root: type[Settings]) -> tuple[str, KeyPath | None]:  # noqa: ANN401 - unchecked input
    """Mend a document where a problem was found, so that the rest can be looked at: a key that is near a known one is read as that, others go.

    Args:
        data: plain data of a sweep file, changed in place.
        path: of the problem.
        root: the class that the file is validated as.

    Returns:
        What was done, e.g. ``training.learnig_rate read as learning_rate``, empty where nothing can be done, as where a needed key is missing; and the new path
        of a key that was read as another.
    """
    if path[:1] == ("study",):
        data["study"] = "check"
        return "study left out", None
    if path[:1] == ("space",):
        return _without_parameter(data, path), None
    *above, last = path or ("",)
    holder: Any = data
    for part in above:
        found, holder = _item(holder, part)
        if not found:
            return "", None
    if not _item(holder, last)[0]:
        return "", None
    value, (owner, field) = holder.pop(last), _field(root, path)
    near = nearest(str(last), list(owner.model_fields), 0.8) if field is None and isinstance(holder, dict) else None
    if near is not None and near not in holder:
        holder[near] = value
        return f"{key_text(path)} read as {near}", (*above, near)
    return f"{key_text(path)} left out", None


def _without_parameter(data: dict[str, Any], path: KeyPath) -> str:
    """Take a parameter out of the space, or the space as a whole."""
    space = data.get("space")
    if len(path) > 1 and isinstance(space, dict) and path[1] in space and len(space) > 1:
        del space[path[1]]
        return f"space.{path[1]} left out"
    if space == {}:
        return ""
    data["space"] = {}
    return "space left out"


def _field(root: type[Settings], path: KeyPath) -> tuple[type[Settings], FieldInfo | None]:
    """The settings class that owns the last key of `path`, and the key's field; below a field that is no settings class, that field."""
    owner, field = root, None
    for part in path:
        if field is not None:
            inner = settings_in(field.annotation)
            if inner is None:
                return owner, field
            owner = inner
        field = owner.model_fields.get(str(part))
        if field is None:
            return owner, None
    return owner, field


def key_homes(root: type[Settings], prefix: str = "") -> dict[str, list[str]]:
    """Each key of the document to the full paths where it belongs."""
    found: dict[str, list[str]] = {}
    for name, field in root.model_fields.items():
        found.setdefault(name, []).append(f"{prefix}{name}")
        section = settings_in(field.annotation)
        if section is not None:
            for inner, paths in key_homes(section, f"{prefix}{name}.").items():
                found.setdefault(inner, []).extend(paths)
    return found
