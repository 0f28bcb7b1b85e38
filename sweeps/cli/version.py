"""The distribution's version."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def version_text() -> str:
    """E.g. ``steadysweep 0.1.0``."""
    try:
        return f"steadysweep {version('steadysweep')}"
    except PackageNotFoundError:  # a checkout that was not installed
        return "steadysweep (not installed)"
