"""Lines by which a console log of several trainings tells them apart: Ray's worker prefixes, KerasTuner's and Optuna's trial lines."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from reports.logs.metric_lines import without_ansi

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.records import ParameterValue

_COLOUR = r"(?:\x1b?\[[0-9;]{0,12}m)*"
_WORKER = re.compile(rf"^{_COLOUR}\(([^()\n]{{0,80}}?\bpid=\d{{1,9}})(?:, ip=[\w.:]{{1,60}})?\){_COLOUR}\s?")
_RAY_REPEATED = re.compile(r"\[repeated \d{1,9}x across cluster\]")
_PREFIX_WITHIN: Final = 140

_KERAS_TUNER_BEGINS = re.compile(r"^\s*(?:Search: Running |Starting new |Starting )?Trial:? #?(\w{1,40})\s*$")
_KERAS_TUNER_ENDS = re.compile(r"^\s*Trial (\w{1,40}) Complete \[")
_OPTUNA = re.compile(
    r"Trial (\d{1,9}) (?:finished with values?: (?P<value>\S{1,60}?|\[.{1,200}?\]) and parameters: (?P<params>\{.{0,4000}?\})\.(?:\s|$)"
    r"|(?P<other>pruned|failed)\b)"
)


@dataclass(frozen=True)
class TrialLine:
    """A line that begins or ends a trial.

    Attributes:
        name: the trial, as the tuner numbers it.
        begins: whether it begins here; else it ends here.
        settings: what the line says about its settings; Optuna names them when a trial ends.
        covers: whether it speaks of the trainings since the last such line (Optuna), which printed nothing when they began.
    """

    name: str
    begins: bool
    settings: Mapping[str, ParameterValue] = field(default_factory=dict)
    covers: bool = False


def split_worker(segment: str) -> tuple[str, str]:
    """The worker that Ray's prefix ``(train_fn pid=11)`` names, or an empty text, and the rest of the line."""
    if "pid=" not in segment[:_PREFIX_WITHIN]:
        return "", segment
    prefix = _WORKER.match(segment)
    return ("", segment) if prefix is None else (prefix[1], segment[prefix.end() :])


def is_repeated_by_ray(segment: str) -> bool:
    """Whether Ray says that it left out the same line of other workers."""
    return "across cluster" in segment and _RAY_REPEATED.search(segment) is not None


def trial_line(segment: str) -> TrialLine | None:
    """What a line says about the beginning or end of a trial, or None."""
    line = without_ansi(segment)
    begins = _KERAS_TUNER_BEGINS.match(line)
    if begins is not None:
        return TrialLine(begins[1], begins=True)
    ends = _KERAS_TUNER_ENDS.match(line)
    if ends is not None:
        return TrialLine(ends[1], begins=False)
    optuna = _OPTUNA.search(line)
    if optuna is None:
        return None
    return TrialLine(optuna[1], begins=False, settings=_dictionary(optuna["params"] or ""), covers=True)


def setting_of_row(segment: str) -> tuple[str, ParameterValue] | None:
    """Name and value in a row of KerasTuner's table ``Value |Best Value So Far |Hyperparameter``, or None."""
    cells = [cell.strip() for cell in without_ansi(segment).split("|")]
    if len(cells) != 3 or not all(cells) or "Hyperparameter" in cells:  # noqa: PLR2004
        return None
    value, _, name = cells
    return name, as_setting(value)


def as_setting(text: str) -> ParameterValue:
    """A setting's text as the number, truth value or text that it is."""
    plain = text.strip()
    if plain.lower() in {"true", "false"}:
        return plain.lower() == "true"
    if plain.lower() in {"none", "null", ""}:
        return None
    for kind in (int, float):
        try:
            return kind(plain)
        except ValueError:
            continue
    return plain


def _dictionary(text: str) -> dict[str, ParameterValue]:
    """A dictionary as Python prints it, read as literals only; empty when it is none."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {str(key): item if isinstance(item, bool | int | float | str) or item is None else str(item) for key, item in value.items()}
