"""Orchestrator and command line: composes the other packages; the only one that knows Ray."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweeps.sweep import Sweep

__all__ = ["Sweep"]


def __getattr__(name: str) -> object:
    if name == "Sweep":
        from sweeps.sweep import Sweep

        return Sweep
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
