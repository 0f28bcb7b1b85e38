"""The known word that a wrong one probably means."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], least: float = 0.6) -> str | None:
    """The word of `known` that is most like `word`, whatever the case, or None when none is.

    Args:
        word: what was found.
        known: what would have been right.
        least: similarity in [0, 1] below which nothing is proposed (`difflib.SequenceMatcher.ratio`).
    """
    lower = {each.lower(): each for each in known}
    found = difflib.get_close_matches(word.lower(), lower, 1, least)
    return lower[found[0]] if found else None
