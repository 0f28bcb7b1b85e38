"""The lines that a sweep and a training of this project write where no terminal is: how they are written, and how they are read back.

One line an epoch of ``steadysweep train``, one line a trial of ``steadysweep run``, with the trial's whole curve.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports.logs.metric_names import NUMBER
from reports.logs.trial_lines import as_setting
from reports.metrics import is_fraction
from reports.wording import parameter, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reports.records import ParameterValue, TrialState

_SHOWN: Final = ("loss", "accuracy", "val_loss", "val_accuracy")
_VERBS: Final[Mapping[str, str]] = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}
_TRIAL = re.compile(
    rf"^trial (?P<number>\d{{1,9}}) (?:{'|'.join(_VERBS.values())}) after (?P<epochs>\d{{1,7}}) (?:of (?P<planned>\d{{1,7}}) )?epochs?\b"
)
_CURVE = re.compile(rf" \| (?P<metric>\S{{1,80}}) by epoch: (?P<values>(?:{NUMBER})(?: (?:{NUMBER}))*)(?P<percent> %)?$")
_SETTING = re.compile(r'(?<= )(?P<name>[^\s=]{1,200})=(?P<value>"(?:[^"\\]|\\.){0,400}"|\S{1,400})')
_EPOCH = re.compile(r"^epoch (?P<number>\d{1,7})/(?P<planned>\d{1,7}): (?P<figures>.*)$")
_FIGURE = re.compile(rf"(?P<name>\S{{1,80}}): (?P<value>{NUMBER})(?P<percent> %)?(?=$|  )")


@dataclass(frozen=True)
class EpochLine:
    """An epoch of a training.

    Attributes:
        number: counted from 1.
        planned: epochs of the whole training.
        figures: metric name to text; ``%`` kept.
        seconds: how long it took, or None.
    """

    number: int
    planned: int
    figures: Mapping[str, str]
    seconds: float | None


@dataclass(frozen=True)
class SweepTrialLine:
    """A trial that is over.

    Attributes:
        number: in its study.
        planned: epochs of a complete training.
        settings: what it was trained with.
        metric: whose curve it is.
        values: text of each epoch's value; ``%`` at each where it is a percentage.
    """

    number: str
    planned: int
    settings: Mapping[str, ParameterValue]
    metric: str
    values: tuple[str, ...]


def epoch_text(number: int, planned: int, figures: Mapping[str, float], metric: str) -> str:
    """One line for an epoch: ``epoch 3/16: loss: 0.4123  accuracy: 88.21 %  ...``.

    Args:
        number: counted from 1.
        planned: epochs of the whole training.
        figures: of the epoch.
        metric: that is ranked; shown beside loss and accuracy.
    """
    names = [name for name in dict.fromkeys((*_SHOWN, metric)) if name in figures]
    parts = [f"{visible(name)}: {_figure(figures[name], name)}" for name in names]
    parts += [f"learning_rate: {parameter(float(figures['learning_rate']))}"] if "learning_rate" in figures else []
    parts += [f"seconds: {figures['seconds']:.1f}"] if "seconds" in figures else []
    return f"epoch {number}/{planned}: {'  '.join(parts)}"


def trial_beginning(number: int, state: TrialState, epochs: int, planned: int) -> str:
    """``trial 17 pruned after 8 of 16 epochs``, with which the line of a trial begins."""
    whole = f"{epochs}" if state == "COMPLETE" else f"{epochs} of {max(epochs, planned)}"
    return f"trial {number} {_VERBS.get(state, state.lower())} after {whole} epoch{'' if whole == '1' else 's'}"


def curve_ending(metric: str, values: Iterable[float]) -> str:
    """`` | val_accuracy by epoch: 31.21 45.10 %``, with which the line of a trial ends; empty without an epoch."""
    texts = [_number(float(value), metric) for value in values]
    unit = " %" if is_fraction(metric) else ""
    return f" | {visible(metric)} by epoch: {' '.join(texts)}{unit}" if texts else ""


def settings_text(settings: Mapping[str, ParameterValue]) -> str:
    """Settings on one line; a value with white space stands in quotes."""
    return "  ".join(f"{visible(name)}={_value(value)}" for name, value in settings.items())


def epoch_line(segment: str) -> EpochLine | None:
    """What a line of ours says of an epoch, or None."""
    found = _EPOCH.match(segment.rstrip())
    if found is None:
        return None
    figures = {each["name"]: each["value"] + ("%" if each["percent"] else "") for each in _FIGURE.finditer(found["figures"])}
    seconds = figures.pop("seconds", None)
    if not figures:
        return None
    return EpochLine(int(found["number"]), int(found["planned"]), figures, None if seconds is None else float(seconds))


def sweep_trial_line(segment: str) -> SweepTrialLine | None:
    """What a line of ours says of a trial that is over, or None where it has no curve."""
    line = segment.rstrip()
    begins, curve = _TRIAL.match(line), _CURVE.search(line)
    if begins is None or curve is None:
        return None
    settings = {each["name"]: _setting(each["value"]) for each in _SETTING.finditer(line[begins.end() : curve.start()])}
    unit = "%" if curve["percent"] else ""
    values = tuple(f"{text}{unit}" for text in curve["values"].split(" "))
    return SweepTrialLine(begins["number"], int(begins["planned"] or begins["epochs"]), settings, curve["metric"], values)


def _figure(value: float, metric: str) -> str:
    return f"{_number(value, metric)}{' %' if is_fraction(metric) else ''}"


def _number(value: float, metric: str) -> str:
    """As exact as Keras prints: four decimals of a fraction are two of a percentage."""
    if not math.isfinite(value):
        return str(value)
    return f"{100 * value:.2f}" if is_fraction(metric) else f"{value:.4f}" if abs(value) >= 1e-3 else f"{value:.4g}"  # noqa: PLR2004


def _value(value: ParameterValue) -> str:
    text = visible(parameter(value))
    return json.dumps(text, ensure_ascii=False) if not text or re.search(r'[\s"|]', text) else text


def _setting(text: str) -> ParameterValue:
    if not text.startswith('"'):
        return as_setting(text)
    try:
        return str(json.loads(text))
    except ValueError:
        return text
