"""What is written from the types of the sweep file: its reference page, ``docs/sweep-file.md``, and its JSON Schema for editors (draft 2020-12).

``python -m sweeps.sweep_file.reference docs/sweep-file.md`` writes the page; a test compares it with the types. The schema accepts more than the loader, which
also checks the values of a space against their settings.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.parsing import KINDS
from search_spaces.space import shipped
from sweeps.sweep_file.problems import settings_in, type_text
from sweeps.sweep_file.runtime import PATTERN
from sweeps.sweep_file.searchable import searchable_paths
from sweeps.sweep_file.settings import SweepFile
from trainer.config.settings import Settings, searchable_settings

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


_INTRODUCTION = """# The sweep file

One YAML file describes a study. It is read by the rules of YAML 1.2: `1e-5` is a number, `no`, `on` and `none` are words, a key given twice is an error.
Every key is checked when the file is loaded. All problems are reported together, one line each, with the exit code 2:

```text
sweep.yaml:12: training.epoch: unknown key; did you mean 'epochs'?
sweep.yaml:17: space.dropout.float: expected low <= high, got [0.6, 0.0]; write [0.0, 0.6]
```

Settings come from four places, each winning over the one before: the defaults below, a shipped space, the file, and `--set KEY=VALUE` on the command line.

- `--set training.epochs=3` gives a setting by its full path, `--set learning_rate=1e-3` a searchable one by its short name. VALUE is YAML.
- A setting that is given a value is no longer searched: in the file it wins over a shipped space (or one that `extends` names), on the command line over the
  file's own space as well. Conditions that name it are decided at once. A file that gives a value to a setting *and* varies it in its own space is refused.
- `--set space.learning_rate='{float: [1.0e-4, 1.0e-2], log: true}'` replaces or adds one parameter, `--set space=quick` the whole space.

`${VARIABLES}` are taken from the environment where they are used and are stored as written, so that a study's storage holds no secret. A literal password in a
URL is refused.

The resolved file, every setting spelled out, is kept in the study; `steadysweep resume` needs nothing else. Editors complete and check sweep files with the JSON
Schema that `steadysweep schema` prints.
"""

_SPACE = """## The space

`space` is the name of a shipped space, the path of a YAML file (relative to the file that names it), or a mapping of parameter names to parameters:

```yaml
space:
  learning_rate: {float: [1.0e-5, 1.0e-2], log: true}
  dropout: {float: [0.0, 0.6], step: 0.05}
  frozen_layers: {ordinal: [none, 50%, 75%, all]}
  bn_momentum: {choice: {default: null, "0.9": 0.9}, when: frozen_layers != all}
  training.batch_size: {choice: [16, 32, 64]}
  starting_points:
    - {learning_rate: 1.0e-3, dropout: 0.2, frozen_layers: all}
```

A parameter is named after the setting that it varies: by full path, or by its last part where no other searchable setting has it. Settings marked *searchable*
in the tables may be varied; every value is checked against the setting's type and range when the file is loaded.

| kind | values | options |
|---|---|---|
| `float: [low, high]` | a number, both ends included | `log: true` (low end above 0), `step` (must end at the high end; not with `log`) |
| `int: [low, high]` | a whole number, both ends included | `log: true`, `step` |
| `choice: [...]` | one of the values, without order | |
| `ordinal: [...]` | one of the values, in their order | |

Every kind takes `when` and `description`. Values of `choice` and `ordinal` may be anything the setting accepts. They are stored and shown by their label, which is
their text; `choice: {label: value, ...}` gives labels of your own, as values that read alike (`1` and `"1"`) and long ones need.

**Conditions.** `when: optimizer == sgd` makes a parameter active only where the condition holds; elsewhere its setting keeps the value of the file. A condition
compares parameters defined above it, with `==`, `!=`, `<`, `<=`, `>`, `>=`, `in [a, b]`, `not in [a, b]`, joined by `and`, `or` and parentheses. `<` and its like
need a number or an `ordinal`. Labels that hold spaces or signs are quoted: `when: frozen_layers in [none, '4 blocks']`. A comparison with a parameter that is
itself inactive is false.

**Other keys of a space.** `extends` (a shipped space or a file to start from), `starting_points` (tried first, in order; parameters they leave out are drawn),
`name`, `description`. `space: {}` varies nothing: one configuration.

A study may go on in a *narrower* space: the same parameters with the same values or fewer. To fix a parameter in a running study, narrow it to one value.
"""


def reference_markdown() -> str:
    """The whole page."""
    parts = [_INTRODUCTION, "## Top level\n", _table(SweepFile, "")]
    for name, field in SweepFile.model_fields.items():
        inner = settings_in(field.annotation)
        if name == "space":
            parts += [_SPACE, _shipped_table()]
        elif inner is not None:
            parts += _section(name, inner)
    return "\n".join(parts)


def _section(path: str, settings: type[Settings]) -> list[str]:
    introduction = " ".join((settings.__doc__ or "").split())
    parts = [f"## `{path}`\n", f"{introduction}\n", _table(settings, path)]
    for name, field in settings.model_fields.items():
        inner = settings_in(field.annotation)
        if inner is not None:
            parts += _section(f"{path}.{name}", inner)
    return parts


def _table(settings: type[Settings], path: str) -> str:
    rows = ["| key | accepts | default | meaning |", "|---|---|---|---|"]
    searched = searchable_settings(settings)
    for name, field in settings.model_fields.items():
        mark = "" if name not in searched else "*Searchable.* " if name in searchable_paths() else f"*Searchable* as `{path}.{name}`. "
        meaning = mark + " ".join((field.description or "").replace("``", "`").split())
        rows.append(f"| `{name}` | {_cell(type_text(field))} | {_default(field)} | {_cell(meaning)} |")
    return "\n".join(rows) + "\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=True)
    if isinstance(value, Settings):
        return "its defaults"
    return f"`{json.dumps(value)}`".replace('"', "") if isinstance(value, str) else f"`{json.dumps(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _shipped_table() -> str:
    rows = ["### Shipped spaces\n", "| name | for |", "|---|---|"]
    rows += [f"| `{name}` | {_cell(text)} |" for name, text in shipped().items()]
    return "\n".join(rows) + "\n"


DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE = r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$"


def json_schema() -> dict[str, Any]:
    """The schema as plain data."""
    schema: dict[str, Any] = json.loads(json.dumps(SweepFile.model_json_schema()).replace("``", "`"))
    definitions = schema["$defs"]
    for settings, name in (("BudgetSettings", "time"), ("ReportSettings", "every"), ("RuntimeSettings", "silent_after")):
        _allow_duration_text(definitions[settings]["properties"][name])
    storage = schema["properties"]["storage"]
    for alternative in storage["anyOf"]:
        if alternative.get("type") == "string":
            alternative["pattern"] = rf"^(sqlite:///.+|postgresql(\+psycopg)?://.+|{_VARIABLE[1:-1]})$"
    schema["properties"]["space"] = {"$ref": "#/$defs/Space", "description": "What is varied."}
    definitions |= {"Space": _space(), "Parameter": {"oneOf": [_kind(kind) for kind in KINDS]}}
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
        "properties": {kind: ends if number else labels, **{name: options[name] for name in KINDS[kind].options}},
        "additionalProperties": False,
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference_markdown(), encoding="utf-8")
