"""A person's own modules that are called like the product's packages; whoever imports one of them breaks at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

OURS = ("sweeps", "trainer", "reports", "search_spaces")
ROOT = Path(__file__).parents[2]


def plant(folder: Path, kinds: Mapping[str, Literal["file", "folder"]]) -> None:
    """Put modules of these names into `folder`."""
    for name, kind in kinds.items():
        text = f"raise SystemExit('{name} of the person was imported')\n"
        if kind == "file":
            (folder / f"{name}.py").write_text(text)
        else:
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text(text)
