"""Numbers as people read them.

Names short enough to read aloud.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reports.records import ParameterValue
    from reports.verdict.report_data import Interval


MISSING = "\u2013"
PERCENT = "\u202f%"
"""With a narrow space that does not break."""
FRACTION_METRICS = ("accuracy", "_f1", "top5", "share", "recall", "precision", "_acc", "auc")
MINUTE, HOUR, DAY = 60, 3600, 86400


def is_fraction(metric: str) -> bool:
    """Whether a metric lies in [0, 1] and reads better as a percentage."""
    return metric in {"acc", "val_acc"} or any(part in metric for part in FRACTION_METRICS)


def score(value: float | None, metric: str, *, unit: bool = True) -> str:
    """A value of a metric: 87.8 % (with a narrow space that does not break) for fractions, four significant digits otherwise."""
    if value is None or not math.isfinite(value):
        return MISSING
    if is_fraction(metric):
        return f"{100 * value:.1f}{PERCENT if unit else ''}"
    return f"{value:.4g}"


def interval(bounds: Interval | None, metric: str) -> str:
    """``86.1 to 89.3 %``."""
    if bounds is None:
        return MISSING
    return f"{score(bounds[0], metric, unit=False)} to {score(bounds[1], metric)}"


def parameter(value: ParameterValue) -> str:
    """A parameter's value: labels as they are, numbers in their shortest readable form."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return str(value)
    if value != 0 and (abs(value) < 1e-3 or abs(value) >= 1e5):  # noqa: PLR2004 - where exponents read better
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return f"{value:.4g}"


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
    hashes = [name for name in names if _is_hash(name)]
    while length < max((len(name) for name in hashes), default=0) and len({name[:length] for name in hashes}) < len(set(hashes)):
        length += 1
    return {name: name[:length] if _is_hash(name) else name for name in names}


def _is_hash(name: str) -> bool:
    return len(name) > SHORTEST and set(name) <= HASH_CHARACTERS
