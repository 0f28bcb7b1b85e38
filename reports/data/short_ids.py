"""Names short enough to read aloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

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
