"""What metrics are called and which of their values are better: those of every epoch, those that are measured on demand, and a person's own functions.

The setting and the recorded curve have one name, e.g. ``val_recall_daisy``; an own ``package.module:cost`` is recorded as ``val_cost``. No NumPy, no TensorFlow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from reports.metrics import MEASURED
from trainer.errors import ConfigError, nearest
from trainer.user_code import check_reference, is_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ALWAYS: Final = ("val_accuracy", "val_balanced_accuracy", "val_macro_f1", "val_loss")
"""Metrics of every epoch."""
FIGURES: Final = ("val_batch_accuracy", "val_predicted_share", "val_gained", "val_lost")
"""Other figures of an epoch, whose names no metric may take."""
EXAMPLES: Final = ("val_auc", "val_precision", "val_recall", "val_f2", "val_top5", "val_ece")
"""Of those measured on demand, each in its shortest form."""
KNOWN: Final = (
    "val_accuracy, val_balanced_accuracy, val_macro_f1, val_loss, val_top5 (or another number), val_auc, val_precision, val_recall, val_f1 (or another beta), "
    "the last four also of one class (val_recall_CLASS, val_f2_CLASS), val_ece, or a function of yours (package.module:function)"
)
MINIMIZED: Final = ("val_loss", "val_ece")
"""Built-in metrics of which less is better."""
Direction = Literal["auto", "maximize", "minimize"]
Kind = Literal["always", "auc", "precision", "recall", "f", "top", "ece", "own"]


@dataclass(frozen=True)
class MetricName:
    """A metric, taken apart.

    Attributes:
        text: as the settings have it.
        recorded: name of its curve.
        kind: what is computed.
        of: the class that it is about, as `class_word` writes it; None: the mean over the classes.
        beta: of ``f``: how many times recall counts as much as precision.
        top: of ``top``: how many classes may be named.
    """

    text: str
    recorded: str
    kind: Kind
    of: str | None = None
    beta: float = 1.0
    top: int = 1


def class_word(name: str) -> str:
    """A class's name as part of a metric's: whatever is no letter, digit or underscore as one underscore."""
    return re.sub(r"\W+", "_", name)


def metric_named(text: str, key: str = "metric") -> MetricName:
    """The metric that a setting means.

    Args:
        text: ``val_accuracy``, ``val_recall_daisy``, ``package.module:function``, ...
        key: the setting, for messages.

    Raises:
        ConfigError: there is no such metric, or the function has the name of a built-in one.
    """
    if is_reference(text):
        check_reference(text, key)
        recorded = f"val_{text.rpartition(':')[2].rpartition('.')[2]}"
        if recorded in (*ALWAYS, *FIGURES) or MEASURED.fullmatch(recorded):
            raise ConfigError(
                f"{key}: {text!r} would be recorded as {recorded}, which is the name of a built-in figure. "
                f"Rename the function, e.g. to my_{recorded.removeprefix('val_')}"
            )
        return MetricName(text, recorded, "own")
    if text in ALWAYS:
        return MetricName(text, text, "always")
    match = MEASURED.fullmatch(text)
    if match is None:
        hint = nearest(text, [*ALWAYS, *EXAMPLES]) or nearest(f"val_{text}", [*ALWAYS, *EXAMPLES])
        raise ConfigError(f"{key}: no metric is called {text!r}{hint}; expected {KNOWN}")
    if match["ece"]:
        return MetricName(text, text, "ece")
    if match["top"]:
        return MetricName(text, text, "top", top=int(match["top"]))
    if match["beta"]:
        return MetricName(text, text, "f", match["of"], beta=float(match["beta"]))
    kind: dict[str, Kind] = {"auc": "auc", "precision": "precision", "recall": "recall"}
    return MetricName(text, text, kind[match["kind"]], match["of"])


def measured_on_demand(metric: str, others: Iterable[str]) -> tuple[MetricName, ...]:
    """The metrics among the ranked one and others that are no figure of every epoch, each once.

    Raises:
        ConfigError: one is unknown, or two functions would be recorded under one name.
    """
    named = [metric_named(metric), *(metric_named(other, "training.metrics") for other in others)]
    by_name: dict[str, MetricName] = {}
    for each in named:
        known = by_name.setdefault(each.recorded, each)
        if known.text != each.text:
            raise ConfigError(
                f"training.metrics: {known.text!r} and {each.text!r} would both be recorded as {each.recorded}; rename one of the functions"
            )
    return tuple(each for each in by_name.values() if each.kind != "always")


def direction_problem(metric: str, direction: str) -> str:
    """Why a direction does not fit a metric, or empty."""
    name = metric_named(metric)
    if name.kind == "own":
        unsaid = f"{metric} is a function of yours: say which of its values are better, maximize (larger ones) or minimize (smaller ones)"
        return unsaid if direction == "auto" else ""
    built_in, better = ("minimize", "smaller") if name.recorded in MINIMIZED else ("maximize", "larger")
    return "" if direction in ("auto", built_in) else f"of {metric} {better} values are better: expected {built_in}, or leave it out"


def minimizes(metric: str, direction: str) -> bool:
    """Whether smaller values of a metric are better."""
    return metric_named(metric).recorded in MINIMIZED if direction == "auto" else direction == "minimize"


def label_of(word: str, class_names: Sequence[str], metric: str) -> int:
    """The class that a metric is about.

    Args:
        word: from the metric's name.
        class_names: of the data.
        metric: for messages.

    Raises:
        ConfigError: no class has that name, or two have.
    """
    words = [class_word(name) for name in class_names]
    if words.count(word) == 1:
        return words.index(word)
    if word in words:
        same = ", ".join(repr(name) for name, each in zip(class_names, words, strict=True) if each == word)
        raise ConfigError(
            f"metric: {metric} could mean each of the classes {same}; rename a class, so that the names differ in letters or digits"
        )
    start = metric.removesuffix(word)
    known = ", ".join(f"{start}{each}" for each in words[:10]) + (", ..." if len(words) > 10 else "")  # noqa: PLR2004 - a line's worth
    raise ConfigError(f"metric: {metric} names a class that the data does not have{nearest(word, words)}; expected one of {known}")
