"""Orchestrator and command line: composes the other packages; the only one that knows Ray."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from sweeps.import_order import put_ours_first

if TYPE_CHECKING:
    from sweeps.sweep import Sweep

__all__ = ["Sweep"]

put_ours_first()

warnings.filterwarnings("ignore", message="IProgress not found")  # Optuna's progress bar in a notebook without ipywidgets; ours needs none


def __getattr__(name: str) -> object:
    if name == "Sweep":
        from sweeps.sweep import Sweep

        return Sweep
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
