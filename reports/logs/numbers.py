"""Figures as logs print them."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Final

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
