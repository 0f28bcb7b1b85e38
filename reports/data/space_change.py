"""A finding about a parameter as a change of the sweep file's space."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reports.data import wording

if TYPE_CHECKING:
    from reports.causes import Association
    from reports.records import ParameterRecord

PLAIN = re.compile(r"[A-Za-z0-9_.][\w .%-]*")
YAML_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def narrower(parameter: ParameterRecord, found: Association) -> str:
    """The parameter's entry in the space without the side where the flag is more common.

    Returns:
        Lines of YAML to paste under ``space:``, or nothing where the finding leaves nothing to search.
    """
    if parameter.kind in {"choice", "ordinal"}:
        labels = _better_labels(parameter, found)
        if not labels or len(labels) == len(parameter.labels):
            return ""
        return _entry(parameter, f"{parameter.kind}: [{', '.join(map(quoted, labels))}]")
    if parameter.low is None or parameter.high is None or isinstance(found.threshold, str) or found.threshold is None:
        return ""
    low, high = (parameter.low, found.threshold) if found.worse == "above" else (found.threshold, parameter.high)
    if parameter.kind == "int":
        low, high = (int(low), int(high)) if found.worse == "above" else (int(-(-low // 1)), int(high))
    if not parameter.low <= low < high <= parameter.high:
        return ""
    ends = f"{parameter.kind}: [{_number(low)}, {_number(high)}]"
    return _entry(parameter, f"{ends}, log: true" if parameter.log else ends)


def _better_labels(parameter: ParameterRecord, found: Association) -> tuple[str, ...]:
    if found.threshold is None:
        return tuple(label for label in parameter.labels if label != found.worse)
    if found.threshold not in parameter.labels:
        return ()
    cut = parameter.labels.index(str(found.threshold))
    return parameter.labels[:cut] if found.worse == "above" else parameter.labels[cut:]


def _entry(parameter: ParameterRecord, content: str) -> str:
    condition = f", when: {quoted(parameter.condition)}" if parameter.condition else ""
    return f"space:\n  {quoted(parameter.name)}: {{{content}{condition}}}\n"


def _number(value: float) -> str:
    """YAML 1.1 reads an exponent as a number only with a point before it and a sign behind it."""
    text = wording.parameter(value)
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(exponent):+d}"


def quoted(text: str) -> str:
    """A YAML scalar in flow style."""
    if PLAIN.fullmatch(text) and text.lower() not in YAML_WORDS and not text.endswith(" "):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
