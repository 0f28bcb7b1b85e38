"""Errors of the orchestrator; the command line maps them to exit codes."""

from __future__ import annotations


class SweepError(Exception):
    """Base: a known failure (exit code 1)."""


class SweepInputError(SweepError):
    """Bad input (exit code 2): what, where (file, line, key), what was expected, how to fix it."""
