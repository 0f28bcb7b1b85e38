"""Errors of the reports package."""

from __future__ import annotations


class ReportError(Exception):
    """Base of every error that this package raises on purpose."""


class ReportInputError(ReportError):
    """What was given cannot be read; the message says what was looked for, what was found and how to fix it."""
