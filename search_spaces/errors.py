"""Errors of search spaces and of located YAML."""

from __future__ import annotations


class SpaceError(Exception):
    """Bad input: file, line and key, what was expected, what was found, how to fix it."""
