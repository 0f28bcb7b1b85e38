"""A person's own modules that are called like the product's packages; whoever imports one of them breaks at once."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

OURS = ("sweeps", "trainer", "reports", "search_spaces")
ROOT = Path(__file__).parents[2]


def plant(folder: Path, kind: Literal["file", "folder"], names: tuple[str, ...] = OURS) -> None:
    """Put modules of these names into `folder`."""
    for name in names:
        text = f"raise SystemExit('{name} of the person was imported')\n"
        if kind == "file":
            (folder / f"{name}.py").write_text(text)
        else:
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text(text)
