"""The many names that logs give to loss, accuracy and learning rate, mapped to the four that we use.

Figures as logs print them.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Final

ACCURACY_NAMES: Final = (
    "accuracy",
    "acc",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "binary_accuracy",
    "categorical_acc",
    "sparse_categorical_acc",
    "binary_acc",
    "sparse_accuracy",
    "top1",
    "top_1",
    "top1_acc",
    "top1_accuracy",
    "top_1_accuracy",
)
"""Names of plain accuracy, most specific claim first: where a run has several, the first one present is its accuracy."""

_LEARNING_RATE_NAMES: Final = frozenset({"lr", "learning_rate", "learningrate"})
_VALIDATION: Final = frozenset({"val", "valid", "validation", "dev"})
_TRAINING: Final = frozenset({"train", "training"})
_TEST: Final = frozenset({"test", "testing"})
_AVERAGED: Final = frozenset({"avg", "average", "running", "mean"})
_RE_CREATED = re.compile(r"_\d+$")
_SEPARATORS = re.compile(r"[\s./@\\-]+")
_MAX_NAME_LENGTH: Final = 80
_NAMES_KEPT: Final = 1024  # a log repeats few names many times


@lru_cache(maxsize=_NAMES_KEPT)
def normalise(name: str) -> str:
    """A metric's name in our spelling: lower case, ``val_`` before validation figures, nothing before training ones.

    ``Validation Loss``, ``valid_loss``, ``loss/val`` and ``epoch_val_loss`` become ``val_loss``; ``train_acc`` becomes ``acc``. Figures
    of a test set keep their ``test_``.
    """
    words = [word for word in _SEPARATORS.sub("_", name.strip().lower()).split("_") if word]
    if len(words) > 1 and (words[0] == "epoch" or (words[0] in _AVERAGED and words[-1] in {"loss", "acc", "accuracy"})):
        words = words[1:]
    if len(words) > 1 and words[-1] == "epoch":
        words = words[:-1]
    if len(words) > 1:
        for position in (0, -1):
            split = _split_of(words[position])
            if split is not None:
                del words[position]
                return split + "_".join(words)
    return "_".join(words)


def _split_of(word: str) -> str | None:
    """Prefix of the data split that a word names, or None."""
    if word in _VALIDATION:
        return "val_"
    if word in _TEST:
        return "test_"
    return "" if word in _TRAINING else None


def base_of(name: str) -> str:
    """A normalised name without its split: ``val_acc`` → ``acc``."""
    return name.removeprefix("val_").removeprefix("test_")


def is_learning_rate(name: str) -> bool:
    """Whether a normalised name is the learning rate's."""
    return name in _LEARNING_RATE_NAMES


@lru_cache(maxsize=_NAMES_KEPT)
def is_accuracy(name: str) -> bool:
    """Whether a normalised name is one of plain accuracy (also as Keras numbers re-created metrics: ``acc_1``)."""
    base = base_of(name)
    return base in ACCURACY_NAMES or _RE_CREATED.sub("", base) in ACCURACY_NAMES


@lru_cache(maxsize=_NAMES_KEPT)
def is_known(name: str) -> bool:
    """Whether a raw name is one of loss, accuracy or learning rate, in any spelling, of any output."""
    if len(name) > _MAX_NAME_LENGTH:
        return False
    normal = normalise(name)
    base = base_of(normal)
    return is_learning_rate(normal) or is_accuracy(normal) or base == "loss" or base.endswith(("_loss", "_acc", "_accuracy"))


def outputs_of(names: frozenset[str]) -> tuple[str, ...]:
    """Outputs of a multi-output model among normalised names: those with both a loss and an accuracy of their own, sorted.

    Keras names them ``OUTPUT_loss`` and ``OUTPUT_accuracy``; a name such as ``masked_accuracy`` without ``masked_loss`` is no output.
    """
    outputs = {name.removesuffix("_loss") for name in names if name.endswith("_loss") and not name.startswith(("val_", "test_"))}
    return tuple(sorted(output for output in outputs if output_accuracy(names, output) is not None))


def plain_accuracy(names: frozenset[str]) -> str | None:
    """The run's accuracy among normalised names, as its name without split, or None.

    One that has a validation figure comes first, one of a test set alone last; the order of `ACCURACY_NAMES` decides between several.
    """
    named = [name for name in names if is_accuracy(name)]
    validated = [name for name in named if name.startswith("val_")]
    trained = [name for name in named if not name.startswith("test_")]
    bases = sorted({base_of(name) for name in validated or trained or named})
    return min(bases, key=lambda base: ACCURACY_NAMES.index(base if base in ACCURACY_NAMES else _RE_CREATED.sub("", base)), default=None)


def output_accuracy(names: frozenset[str], output: str) -> str | None:
    """The accuracy of one output of a multi-output model, as its name without split, or None."""
    plain = plain_accuracy(frozenset(base_of(name).removeprefix(f"{output}_") for name in names if base_of(name).startswith(f"{output}_")))
    return None if plain is None else f"{output}_{plain}"


def custom_accuracy(names: frozenset[str]) -> str | None:
    """An accuracy with a name of its own (``masked_accuracy``), when it is the only one and no top-k accuracy."""
    custom = {base for base in map(base_of, names) if base.endswith(("_accuracy", "_acc")) and not base.startswith("top")}
    return custom.pop() if len(custom) == 1 else None


NUMBER: Final = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?|[-+]?(?i:nan|inf(?:inity)?)\b"
"""Regular expression of one number, nan or inf; linear, no nested repetition."""

_MISSING: Final = frozenset({"", "na", "n/a", "none", "null", "-", "--"})
_WRAPPED = re.compile(r"^(?:\w+\.)*\w+\((.*?)(?:,.*)?\)$")
_MAX_LENGTH: Final = 64
_TEXTS_KEPT: Final = 1 << 15  # the figures of one fit are looked at three times


@lru_cache(maxsize=_TEXTS_KEPT)
def parse_number(text: str) -> tuple[float, str] | None:
    """Value of a printed figure and its bare text, or None when there is none.

    ``84.1%`` keeps its value 84.1 (the scale is decided for a whole curve); ``[0.5]``, ``np.float32(0.5)`` and quotes are unwrapped.

    Args:
        text: a cell, or what follows ``name:``.
    """
    if text.isascii() and text[-1:].isdigit() and len(text) <= _MAX_LENGTH and "_" not in text:
        try:
            return float(text), text.strip()
        except ValueError:
            pass
    bare = text.strip().strip("'\"").strip("[]").strip()
    if len(bare) > _MAX_LENGTH:
        return None
    wrapped = _WRAPPED.match(bare)
    if wrapped:
        bare = wrapped.group(1).strip()
    bare = bare.removesuffix("%").strip()
    if bare.lower() in _MISSING or "_" in bare:
        return None
    try:
        return float(bare), bare
    except ValueError:
        return None


def decimals_of(text: str) -> int:
    """Decimal places of a printed figure: ``0.8470`` → 4, ``1.2500e-04`` → 8, ``nan`` → 0."""
    mantissa, _, exponent = text.lower().partition("e")
    if "." not in mantissa:
        return 0
    shift = int(exponent) if exponent.lstrip("+-").isdigit() else 0
    return max(0, len(mantissa.partition(".")[2].strip()) - shift)


def is_finite_text(text: str) -> bool:
    """Whether a printed figure is a finite number."""
    number = parse_number(text)
    return number is not None and math.isfinite(number[0])
