"""A console capture as the pieces between overwrites."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_OVERWRITE = re.compile(r"[\r\n\b]+")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|\[(?:\d{1,3}(?:;\d{1,3}){0,4})?m")
_LONGEST_PIECE: Final = 1 << 20


def segments(chunks: Iterable[str]) -> Iterator[str]:
    r"""Pieces of text between line ends, carriage returns and runs of backspaces, in order; empty ones are left out.

    A progress bar rewrites its line with ``\r`` or backspaces, so that each piece is one state of the bar and nothing of an earlier, longer
    state can leak into it. Memory stays bounded by the chunk size: a piece longer than 1 MiB is handed on in parts.
    """
    rest = ""
    for chunk in chunks:
        pieces = _OVERWRITE.split(rest + chunk)
        rest = pieces.pop()
        for piece in pieces:
            if piece:
                yield piece
        if len(rest) > _LONGEST_PIECE:
            yield rest
            rest = ""
    if rest:
        yield rest


def without_ansi(text: str) -> str:
    """Text without ANSI colour and cursor codes, also where a copy lost the escape character (``[1m313/313[0m``)."""
    return _ANSI.sub("", text)
