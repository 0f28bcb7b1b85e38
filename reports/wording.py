"""How reports write numbers and names. Every text of a number on the page is made here; the page's scripts only show it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from reports.metrics import MEASURED, is_fraction

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reports.records import ParameterValue


MISSING = "\u2013"
PERCENT = "\u202f%"
"""With a narrow space that does not break."""
EVIDENCE_SCORES = frozenset({"val_accuracy", "val_batch_accuracy", "level", "other_level", "chance", "held", "predicted_share"})
"""Figures of a flag's evidence that are accuracies or shares."""
EVIDENCE_DIFFERENCES = frozenset(
    {"gap", "amplitude", "movement", "noise", "excess", "depth", "usual", "decline", "gain", "slope_per_epoch"}
)
"""Those that are differences of accuracy."""
EvidenceValue = float | int | str | bool | None | tuple[int, ...]
MINUTE, HOUR, DAY = 60, 3600, 86400


def score(value: float | None, metric: str, *, unit: bool = True) -> str:
    """A value of a metric: 87.8 % (with a narrow space that does not break) for fractions, four significant digits otherwise."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{100 * value:.1f}{PERCENT if unit else ''}" if is_fraction(metric) else f"{value:.4g}"


def plain_score(value: float | None, metric: str = "val_accuracy", *, unit: bool = True) -> str:
    """As `score`, with a space that every terminal and log file has."""
    return score(value, metric, unit=unit).replace("\u202f", " ")


def points(difference: float, metric: str = "val_accuracy", *, decimals: int = 1, unit: bool = True) -> str:
    """A difference between two values of a metric: ``12.0 points`` for fractions, four significant digits otherwise."""
    return f"{100 * difference:.{decimals}f}{' points' if unit else ''}" if is_fraction(metric) else f"{difference:.4g}"


def share(value: float) -> str:
    """A share of a whole, for sentences: ``32 %``."""
    return f"{100 * value:.0f} %"


def probability(value: float) -> str:
    """``81 %``; what is almost sure or almost impossible as ``over 99 %`` or ``under 1 %``."""
    whole = round(100 * value)
    return f"over 99{PERCENT}" if whole > 99 else f"under 1{PERCENT}" if whole < 1 else f"{whole}{PERCENT}"  # noqa: PLR2004


def interval(bounds: tuple[float, float] | None, metric: str, *, unit: bool = True) -> str:
    """``86.1 to 89.3 %``."""
    if bounds is None:
        return MISSING
    return f"{score(bounds[0], metric, unit=False)} to {score(bounds[1], metric, unit=unit)}"


def at_epoch(epochs: int, planned: int) -> str:
    """When a training that has not come to its end has its level: ``at epoch 8 of 16``."""
    return f"at epoch {epochs} of {max(epochs, planned)}"


def visible(text: str) -> str:
    r"""`text` on one line that no terminal acts on: control characters, also the invisible ones that turn the direction of writing, as ``\x1b``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\u202f" else ascii(each)[1:-1] for each in text)


def harmless(text: str) -> str:
    """`text` without anything that a terminal would act on; its line ends stay."""
    return "\n".join(visible(line) for line in text.split("\n"))


def tick(value: float, step: float, metric: str) -> str:
    """A round value on an axis, with the decimals that steps of this size need."""
    factor, decimals = tick_format(step, metric)
    return f"{factor * value:.{decimals}f}"


def tick_format(step: float, metric: str) -> tuple[int, int]:
    """What `tick` multiplies a value by, and the decimals that it writes.

    A tick is a multiple of its step, so these decimals write it exactly: every program that follows them writes the same text.
    """
    factor = 100 if is_fraction(metric) else 1
    decimals = next((places for places in range(15) if math.isclose(round(factor * step, places), factor * step, rel_tol=1e-9)), 15)
    return factor, decimals


def parameter(value: ParameterValue) -> str:
    """A parameter's value: labels as they are, numbers in their shortest readable form."""
    if not isinstance(value, float):
        return str(value)
    if value != 0 and (abs(value) < 1e-3 or abs(value) >= 1e5):  # noqa: PLR2004 - where exponents read better
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return f"{value:.4g}"


def evidence(value: EvidenceValue, name: str = "") -> str:
    """A figure of a flag's evidence; `name` tells which are accuracies."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return f"{value[0]} to {value[1]}" if len(value) == 2 else ", ".join(map(str, value[:30]))  # noqa: PLR2004 - first and last
    if isinstance(value, float) and not math.isfinite(value):
        return "not finite"
    if isinstance(value, float):
        return plain_score(value) if name in EVIDENCE_SCORES else points(value) if name in EVIDENCE_DIFFERENCES else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else value


def duration(seconds: float | None) -> str:
    """``2 h 05 min``."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    if seconds < HOUR:
        return f"{seconds / MINUTE:.0f} min"
    if seconds < DAY:
        return f"{int(seconds // HOUR)} h {int(seconds % HOUR // MINUTE):02d} min"
    return f"{int(seconds // DAY)} d {int(seconds % DAY // HOUR)} h"


def count(number: int, singular: str, plural: str | None = None) -> str:
    """``1 seed``, ``3 seeds``, ``10,000 trials``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def metric_words(metric: str) -> str:
    """``val_accuracy`` as ``validation accuracy``."""
    plain = metric.removeprefix("val_")
    named = (
        {"acc": "accuracy", "macro_f1": "macro F1", "auc": "AUC", "ece": "calibration error"}.get(plain)
        or _measured_words(metric)
        or words(plain)
    )
    return f"validation {named}" if plain != metric else named


def _measured_words(metric: str) -> str:
    """``val_recall_daisy`` as ``recall of daisy``; empty for other metrics."""
    found = MEASURED.fullmatch(metric)
    if found is None:
        return ""
    if found["top"]:
        return f"top-{found['top']} accuracy"
    kind = {"auc": "AUC"}.get(found["kind"], found["kind"].replace("f", "F") if found["beta"] else found["kind"])
    return f"{kind} of {found['of']}" if found["of"] else kind


def memory(megabytes: float) -> str:
    """``842 MB``, ``1.8 GB``."""
    return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"  # noqa: PLR2004 - as one writes it


def magnitude(number: int) -> str:
    """A count with three digits: ``842``, ``176 k``, ``25.6 M``."""
    for power, letter in ((9, "G"), (6, "M"), (3, "k")):
        if number >= 10**power:
            return f"{number / 10**power:.3g}\u202f{letter}"
    return str(number)


def words(name: str) -> str:
    """``bn_gap`` as ``bn gap``."""
    return name.replace("_", " ")


def listing(words: Sequence[str], most: int = 3) -> str:
    """``a``, ``a and b``, ``a, b and 5 others``."""
    if len(words) > most:
        return f"{', '.join(words[: most - 1])} and {len(words) - most + 1} others"
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


SHORTEST = 6
HASH_CHARACTERS = frozenset("0123456789abcdef")


def short_ids(identifiers: Iterable[str]) -> dict[str, str]:
    """Each ID to its shortest prefix, of at least six characters, that no other ID shares.

    IDs that are no hashes (names of logs) stay whole.
    """
    names = list(identifiers)
    length = SHORTEST
    hashes = {name for name in names if len(name) > SHORTEST and set(name) <= HASH_CHARACTERS}
    while length < max(map(len, hashes), default=0) and len({name[:length] for name in hashes}) < len(hashes):
        length += 1
    return {name: name[:length] if name in hashes else name for name in names}


def fields(record: object, *names: str) -> dict[str, object]:
    """Attributes of a record by name: what a document takes over as it is."""
    return {name: getattr(record, name) for name in names}


def json_text(document: object, *, compact: bool = False) -> str:
    """A document as JSON (RFC 8259), `compact` on one line without spaces.

    What is no number becomes null, a time ISO 8601; dataclasses, mappings, tuples and NumPy's scalars become JSON's own.
    """
    layout = {"separators": (",", ":")} if compact else {"indent": 1}
    return json.dumps(_plain(document), ensure_ascii=False, allow_nan=False, **layout)


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | bool | int | float):
        return None if isinstance(value, float) and not math.isfinite(value) else value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclass_fields(value)}
    return _plain(value.item())  # type: ignore[attr-defined]  # a NumPy scalar: nothing else is in our documents
