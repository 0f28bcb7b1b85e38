"""Keras without scikit-learn, until somebody asks for it.

``import keras`` imports ``keras.wrappers``, and with it scikit-learn and SciPy's statistics: a quarter of what it takes, in each driver, check and worker.
Those wrappers make a Keras model an estimator of scikit-learn's; a trainer never needs them. So they are loaded when one is first used.
Source: https://docs.python.org/3/library/importlib.html#importlib.util.LazyLoader
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from importlib.util import LazyLoader
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

WRAPPERS = "keras.wrappers"


class WrappersLate(MetaPathFinder):
    """Finds ``keras.wrappers`` where it lies, to be loaded when one of its names is first asked for."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The wrappers' module, or None to leave the name to Python."""
        del target
        spec = PathFinder.find_spec(name, path) if name == WRAPPERS else None
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


def put_wrappers_off() -> None:
    """Load ``keras.wrappers`` of this process late; of no effect where Keras is imported already."""
    if WRAPPERS not in sys.modules and not any(isinstance(finder, WrappersLate) for finder in sys.meta_path):
        sys.meta_path.insert(0, WrappersLate())
