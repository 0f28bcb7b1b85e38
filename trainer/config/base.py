"""What every settings class shares: frozen, no unknown keys, documented fields, a mark on those that may be searched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo


class Settings(BaseModel):
    """Base of all settings: immutable, strict about unknown keys, compared by value."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


def setting(default: Any = ..., *, searchable: bool = False, **constraints: Any) -> Any:  # noqa: ANN401 - mirrors pydantic.Field
    """Declare a field of a `Settings` class; its docstring is its documentation.

    Args:
        default: value when the key is absent; ``...`` makes the key required.
        searchable: whether a search space may vary it (DESIGN: a typed allow-list).
        **constraints: passed to `pydantic.Field` (``ge``, ``le``, ``gt``, ``default_factory``, ...).
    """
    if "default_factory" not in constraints:
        constraints["default"] = default
    return Field(json_schema_extra={"searchable": True} if searchable else None, **constraints)


def searchable_settings(settings: type[Settings]) -> Mapping[str, FieldInfo]:
    """The fields of `settings` that a search space may vary, by name."""
    return {
        name: field
        for name, field in settings.model_fields.items()
        if cast("dict[str, Any]", field.json_schema_extra or {}).get("searchable")
    }
