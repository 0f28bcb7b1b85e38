"""Import every module of the four packages, each in a process where none of ours was imported before; print those that fail.

A program of its own: it forks, which a test runner with threads should not.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("search_spaces", "reports", "trainer", "sweeps")
LIBRARIES = ("tensorflow", "keras", "ray.tune", "optuna", "pandas", "sqlalchemy", "pydantic", "jinja2", "rich.live")
"""Imported once, before the forks: they are not what is tested, and each takes seconds."""


def modules() -> list[str]:
    """Dotted names of every module, packages by their own name."""
    files = (file.relative_to(ROOT) for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    names = (".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files)
    return sorted(name for name in names if not name.endswith("__main__"))


def imports_alone(name: str) -> bool:
    """Whether a fresh process can import it; the error is printed there."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    code = 1
    try:
        importlib.import_module(name)
        code = 0
    except BaseException as error:  # noqa: BLE001 - also SystemExit is a failure here
        print(f"{name}: {type(error).__name__}: {error}", flush=True)
    finally:
        os._exit(code)


def main() -> int:
    """Import each; 1 if one fails."""
    sys.path.insert(0, str(ROOT))
    for library in LIBRARIES:
        importlib.import_module(library)
    names = modules()
    failures = [name for name in names if not imports_alone(name)]
    print(f"{len(names)} modules, {len(failures)} of them do not import alone")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
