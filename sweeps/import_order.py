"""Our packages come first, a person's own modules last: a ``trainer.py`` or a folder ``reports`` of theirs never stands in for ours.

Python finds the modules of the current folder first when it runs a notebook, ``python -m`` or a worker of Ray's, and the product's four package names are
words that people use too. So our names are bound to our own folder, and folders of a person's own modules are added at the end of ``sys.path``.

As a program, ``python -P import_order.py FOLDERS MODULE WORDS...`` runs one of our modules in this order; `child_command` writes that command.
"""

from __future__ import annotations

import os
import runpy
import sys
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

OURS = ("sweeps", "trainer", "reports", "search_spaces")
ROOT = Path(__file__).resolve().parents[1]
"""The folder that holds our packages."""


class OursFirst(MetaPathFinder):
    """Finds our packages in our own folder, wherever else a module of the same name lies."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Our package of this name, or None to leave the name to Python."""
        del target
        return PathFinder.find_spec(name, [str(ROOT)]) if path is None and name in OURS else None


def put_ours_first() -> None:
    """Bind our names to our packages in this process.

    Raises:
        ImportError: another module of one of the names was imported before.
    """
    for name in OURS:
        module = sys.modules.get(name)
        if module is not None and not _is_ours(name, module):
            place = getattr(module, "__file__", None) or "another folder"
            raise ImportError(
                f"the module {name!r} was imported from {place}, and Steadysweep has a package of this name; rename yours, e.g. my_{name}"
            )
    if not any(type(finder).__name__ == OursFirst.__name__ for finder in sys.meta_path):
        sys.meta_path.insert(0, OursFirst())


@contextmanager
def importable(folders: Iterable[str]) -> Iterator[None]:
    """Modules of these folders can be imported meanwhile, after all others."""
    added = _append(folders)
    try:
        yield
    finally:
        sys.path[:] = [place for place in sys.path if place not in added]


def child_command(module: str, *words: str) -> list[str]:
    """A command that runs one of our modules in a process of its own, which imports what this process can import.

    Args:
        module: e.g. ``sweeps.cli``.
        words: its arguments.
    """
    folders = dict.fromkeys(str(Path(place).absolute()) for place in sys.path)
    return [sys.executable, "-P", str(Path(__file__).resolve()), os.pathsep.join(folders), module, *words]


def _append(folders: Iterable[str]) -> list[str]:
    added = [folder for folder in dict.fromkeys(folders) if folder not in sys.path]
    sys.path.extend(added)
    return added


def _is_ours(name: str, module: ModuleType) -> bool:
    return any(Path(place).resolve() == ROOT / name for place in getattr(module, "__path__", ()))


def _main(folders: str, module: str, *words: str) -> None:
    put_ours_first()
    _append(folders.split(os.pathsep))
    sys.argv[1:] = words
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
