"""Tables as plain text: aligned on a terminal of any width, and easy to cut and grep in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, left: frozenset[str] = frozenset()) -> list[str]:
    """Aligned lines, the header first.

    Args:
        columns: their names.
        rows: one text a column.
        left: columns that are aligned to the left; figures stand to the right.
    """
    widths = [max(len(text) for text in (name, *(row[index] for row in rows))) for index, name in enumerate(columns)]

    def line(texts: Sequence[str]) -> str:
        cells = (text.ljust(width) if name in left else text.rjust(width) for text, width, name in zip(texts, widths, columns, strict=True))
        return "  ".join(cells).rstrip()

    return [line(columns), *(line(row) for row in rows)]
