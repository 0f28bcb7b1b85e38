"""Durations of the sweep file: ``8h``, ``5m``, ``90s``, ``1h30m``, ``2d``, or seconds."""

from __future__ import annotations

import re

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?\Z")
_SECONDS = (86_400, 3_600, 60, 1)
PATTERN = r"^(\d+(\.\d+)?d)?(\d+(\.\d+)?h)?(\d+(\.\d+)?m)?(\d+(\.\d+)?s)?$"


def parse_duration(given: object) -> object:
    """Seconds of a duration given as text; everything else is passed on to be judged as a number of seconds.

    Args:
        given: e.g. ``1h30m``, ``90s`` or ``90``.

    Raises:
        ValueError: text that is no duration.
    """
    if not isinstance(given, str):
        return given
    match = _DURATION.match(given.replace(" ", ""))
    if not given.strip() or match is None:
        raise ValueError(f"expected a duration such as 8h, 30m, 90s or 1h30m, or a number of seconds, got {given!r}")
    return sum(float(amount) * seconds for amount, seconds in zip(match.groups(), _SECONDS, strict=True) if amount)


def duration_text(seconds: float) -> str:
    """`seconds` in the form of the file, e.g. ``1h30m``."""
    whole = round(seconds)
    if whole != seconds or whole <= 0:
        return f"{seconds:g}s"
    text = ""
    for unit, length in zip("dhms", _SECONDS, strict=True):
        amount, whole = divmod(whole, length)
        text += f"{amount}{unit}" if amount else ""
    return text
