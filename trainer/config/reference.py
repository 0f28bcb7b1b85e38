"""The reference of every training option, written from the types: ``python -m trainer.config.reference docs/trainer.md`` brings the page up to date."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, cast, get_args, get_origin

from trainer.config.settings import DataConfig, ModelConfig, Settings, SplitConfig, TrainConfig, TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic.fields import FieldInfo

BEGIN, END = "<!-- options: written from the types -->", "<!-- end of options -->"
SECTIONS: tuple[tuple[str, str, type[Settings]], ...] = (
    ("`data`: images", "data.", DataConfig),
    ("`data.split`: parts", "data.split.", SplitConfig),
    ("`model`: network", "model.", ModelConfig),
    ("`training`: fitting", "training.", TrainingConfig),
    ("`TrainConfig`: the whole of one training", "", TrainConfig),
)
_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "nothing", Any: "anything"}
_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def options_markdown() -> str:
    """A table of each settings class: key, what it accepts, default, whether a search space may vary it, meaning."""
    return "\n\n".join(_section(title, prefix, settings) for title, prefix, settings in SECTIONS)


def updated(page: str) -> str:
    """A page with its options section brought up to date.

    Raises:
        ValueError: the page lacks the marks around that section.
    """
    if BEGIN not in page or END not in page:
        raise ValueError(f"the page needs the lines {BEGIN!r} and {END!r}")
    before, rest = page.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return f"{before}{BEGIN}\n\n{options_markdown()}\n\n{END}{after}"


def _section(title: str, prefix: str, settings: type[Settings]) -> str:
    head = f"### {title}\n\n{(settings.__doc__ or '').replace('``', '`')}\n\n| key | accepts | default | searchable | meaning |\n|---|---|---|---|---|"
    return "\n".join([head, *(_row(prefix + name, field) for name, field in settings.model_fields.items())])


def _row(key: str, field: FieldInfo) -> str:
    searchable = "yes" if cast("dict[str, Any]", field.json_schema_extra or {}).get("searchable") else ""
    accepts = _accepts(field.annotation, field.metadata)
    meaning = " ".join((field.description or "").split()).replace("``", "`")
    cells = (f"`{key}`", accepts, _default(field), searchable, meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Settings):
        return "its defaults"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if value is None:
        return ""
    return f"`{list(value) if isinstance(value, tuple) else value}`"


def _accepts(annotation: Any, metadata: Sequence[Any] = ()) -> str:  # noqa: ANN401 - a type
    bounds = " and ".join(
        f"{sign} {getattr(item, name):g}" for item in metadata for name, sign in _BOUNDS.items() if getattr(item, name, None) is not None
    )
    return _type(annotation) + (f" {bounds}" if bounds else "")


def _type(annotation: Any) -> str:  # noqa: ANN401, PLR0911 - one return a kind of type
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        nested = [each for item in arguments[1:] for each in getattr(item, "metadata", (item,))]
        return _accepts(arguments[0], nested)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in {Union, types.UnionType}:
        return " or ".join(_type(each) for each in arguments if each is not type(None))
    if origin is tuple:
        return f"a list of {_type(arguments[0])}" if arguments[-1] is Ellipsis else f"{len(arguments)} of {_type(arguments[0])}"
    if origin is dict:
        return "a mapping"
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return "a mapping"
    return _WORDS.get(annotation, str(annotation))


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(updated(path.read_text()))
