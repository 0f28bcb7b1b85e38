"""The sweep file's JSON Schema for editors (draft 2020-12). It is laxer than the loader, which also checks values of a space against their settings."""

from __future__ import annotations

import json
from typing import Any

from search_spaces import shipped
from search_spaces.parameter_syntax import KINDS, OPTIONS
from sweeps.sweep_file.durations import PATTERN
from sweeps.sweep_file.searchable import searchable_paths
from sweeps.sweep_file.settings import SweepFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE = r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$"


def json_schema() -> dict[str, Any]:
    """The schema as plain data."""
    schema: dict[str, Any] = json.loads(json.dumps(SweepFile.model_json_schema()).replace("``", "`"))
    definitions = schema["$defs"]
    for settings, name in (("BudgetSettings", "time"), ("ReportSettings", "every")):
        _allow_duration_text(definitions[settings]["properties"][name])
    storage = schema["properties"]["storage"]
    for alternative in storage["anyOf"]:
        if alternative.get("type") == "string":
            alternative["pattern"] = rf"^(sqlite:///.+|postgresql(\+psycopg)?://.+|{_VARIABLE[1:-1]})$"
    schema["properties"]["space"] = {"$ref": "#/$defs/Space", "description": "What is varied."}
    definitions |= {"Space": _space(), "Parameter": _parameter()}
    return {"$schema": DIALECT, "title": "Steadysweep sweep file", **{key: value for key, value in schema.items() if key != "title"}}


def _allow_duration_text(schema: dict[str, Any]) -> None:
    """A number of seconds may be written as ``8h``."""
    text = {"type": "string", "pattern": PATTERN, "minLength": 2}
    number = {"type": "number", "exclusiveMinimum": 0}
    schema.pop("type", None)
    schema.pop("gt", None)
    schema["anyOf"] = [*(other for other in schema.get("anyOf", ()) if other["type"] != "number"), number, text]


def _space() -> dict[str, Any]:
    names = shipped()
    keys = "|".join(path.replace(".", r"\.") for path in searchable_paths())
    return {
        "description": "What is varied: a shipped space, a file, or parameters by name.",
        "anyOf": [
            {"enum": list(names), "description": "; ".join(f"{name}: {text}" for name, text in names.items())},
            {"type": "string", "pattern": r"(/|\.ya?ml$)", "description": "A space file, relative to the sweep file."},
            {
                "type": "object",
                "properties": {
                    "extends": {
                        "type": "string",
                        "description": "A shipped space or a file to start from; parameters given here replace its own.",
                    },
                    "name": {"type": "string"},
                    "description": {"type": "string"},
                    "starting_points": {
                        "type": "array",
                        "items": {"type": "object"},
                        "description": "Points that are tried first; parameters they leave out are drawn.",
                    },
                },
                "patternProperties": {f"^({keys})$": {"$ref": "#/$defs/Parameter"}},
                "additionalProperties": False,
            },
        ],
    }


def _parameter() -> dict[str, Any]:
    return {"oneOf": [_kind(kind) for kind in KINDS]}


def _kind(kind: str) -> dict[str, Any]:
    number = {"float": "number", "int": "integer"}.get(kind)
    options: dict[str, Any] = {
        "log": {"type": "boolean", "description": "Draw on a logarithmic scale; the low end must be above 0."},
        "step": {"type": number, "exclusiveMinimum": 0, "description": "Distance between values, counted from the low end."},
        "when": {"type": "string", "description": "A condition on parameters above this one, e.g. frozen_layers != all."},
        "description": {"type": "string"},
    }
    ends = {"type": "array", "items": {"type": number}, "minItems": 2, "maxItems": 2, "description": "Low and high end, both included."}
    labels = {
        "anyOf": [{"type": "array", "minItems": 1}, {"type": "object", "minProperties": 1}],
        "description": "Values, or labels with their values" + (", in their order." if kind == "ordinal" else "."),
    }
    return {
        "type": "object",
        "required": [kind],
        "properties": {kind: ends if number else labels, **{name: options[name] for name in OPTIONS[kind]}},
        "additionalProperties": False,
    }
