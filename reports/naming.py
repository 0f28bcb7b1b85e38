"""A readable name for each configuration beside its ID: its settings that vary, in a few words, e.g. ``lr 3.7e-3 · dropout .55 · 75 % frozen``."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from reports import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reports.records import ParameterRecord, ParameterValue

SEPARATOR = " · "
MOST_WORDS = 6
"""Settings in a name at most; how many more differ is said."""
DIGITS = (2, 3, 4)
"""Significant digits of numbers: as few as keep the names of a study apart."""
SHORT = {
    "learning_rate": "lr",
    "bn_momentum": "BN",
    "batch_size": "batch",
    "weight_decay": "decay",
    "label_smoothing": "smoothing",
    "image_size": "size",
    "optimizer": "",
    "augmentation": "",
    "backbone": "",
}
"""Setting to the word that stands for it; empty where the value says enough."""
COUNTED = re.compile(r"\d+")


def setting_words(name: str, value: ParameterValue, *, log: bool = False, digits: int = 4) -> str:
    """One setting in words.

    Args:
        name: as in the space; a leading section (``model.``) is left out.
        value: its value, or its label.
        log: whether it is drawn on a logarithmic scale.
        digits: significant digits of a number that is no whole number.
    """
    plain = name.rpartition(".")[2]
    special = _SPECIAL.get(plain)
    if special is not None and (text := special(str(value))):
        return text
    if isinstance(value, bool):
        return f"{'' if value else 'no '}{wording.words(plain)}"
    if value is None or str(value).lower() == "none":
        return f"no {wording.words(plain)}"
    return f"{SHORT.get(plain, wording.words(plain))} {_value_text(value, log=log, digits=digits)}".strip()


def readable_names(params: Sequence[Mapping[str, ParameterValue]], parameters: Sequence[ParameterRecord] = ()) -> list[str]:
    """A name for each configuration, of the settings in which the configurations differ; of a single one, of all its settings.

    Args:
        params: active settings of each configuration.
        parameters: the space, whose order the names follow.
    """
    order = dict.fromkeys([*(parameter.name for parameter in parameters), *(name for each in params for name in each)])
    varied = [name for name in order if len(params) == 1 or len({_comparable(each, name) for each in params}) > 1]
    logarithmic = {parameter.name for parameter in parameters if parameter.log}
    names: list[str] = []
    for digits in DIGITS:
        names = [_name(each, varied, logarithmic, digits) for each in params]
        if len(set(names)) == len({_key(each, varied) for each in params}):
            break
    return names


def differing_words(
    params: Mapping[str, ParameterValue], other: Mapping[str, ParameterValue], parameters: Sequence[ParameterRecord] = ()
) -> tuple[str, ...]:
    """The settings of a configuration that differ from another's, in words; those that only the other has are called not set."""
    order = dict.fromkeys([*(parameter.name for parameter in parameters), *params, *other])
    logarithmic = {parameter.name for parameter in parameters if parameter.log}
    differing = [name for name in order if _comparable(params, name) != _comparable(other, name)]
    words = [_told_apart(name, params, other, log=name in logarithmic) for name in differing[:MOST_WORDS]]
    more = len(differing) - MOST_WORDS
    return (*words, *([f"{more} more"] if more > 0 else []))


def _told_apart(name: str, params: Mapping[str, ParameterValue], other: Mapping[str, ParameterValue], *, log: bool) -> str:
    """One setting with as many digits as tell it from the other's."""
    if name not in params:
        return f"{wording.words(name.rpartition('.')[2])} not set"
    texts = [setting_words(name, params[name], log=log, digits=digits) for digits in DIGITS]
    others = [setting_words(name, other[name], log=log, digits=digits) if name in other else "" for digits in DIGITS]
    return next((text for text, different in zip(texts, others, strict=True) if text != different), texts[-1])


def _name(params: Mapping[str, ParameterValue], varied: Sequence[str], logarithmic: set[str], digits: int) -> str:
    own = [name for name in varied if name in params]
    words = [setting_words(name, params[name], log=name in logarithmic, digits=digits) for name in own[:MOST_WORDS]]
    more = len(own) - MOST_WORDS
    return SEPARATOR.join([*words, *([f"{more} more"] if more > 0 else [])])


def _comparable(params: Mapping[str, ParameterValue], name: str) -> tuple[bool, str]:
    return name in params, repr(params.get(name))


def _key(params: Mapping[str, ParameterValue], varied: Sequence[str]) -> tuple[tuple[bool, str], ...]:
    return tuple(_comparable(params, name) for name in varied[:MOST_WORDS])


def _value_text(value: ParameterValue, *, log: bool, digits: int) -> str:
    """A number with few digits and without the zero before its point; labels that are numbers likewise."""
    number = _number(value)
    if number is None:
        return str(value)
    if isinstance(value, int) or (number == round(number) and abs(number) < 1e5 and not (log and number == 0)):  # noqa: PLR2004 - beyond, exponents read better
        return f"{number:.0f}"
    if number and (abs(number) < (1e-1 if log else 1e-3) or abs(number) >= 1e5):  # noqa: PLR2004 - where exponents read better
        mantissa, exponent = f"{number:.{digits - 1}e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return re.sub(r"^(-?)0\.", r"\1.", f"{number:.{digits}g}")


def _number(value: ParameterValue) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _frozen(value: str) -> str:
    """What is frozen: a share, a number of layers, or all up to a layer."""
    share = re.fullmatch(r"([\d.]+)\s*%", value)
    if share:
        return f"{share.group(1)}{wording.PERCENT} frozen"
    if COUNTED.fullmatch(value):
        return f"{value} layers frozen"
    return {"none": "nothing frozen", "None": "nothing frozen", "all": "all frozen"}.get(value, f"frozen to {value}")


_SPECIAL: Mapping[str, Callable[[str], str]] = {"frozen_layers": _frozen}
