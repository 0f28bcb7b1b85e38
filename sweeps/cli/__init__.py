"""The command line: `main` parses, calls one function with explicit arguments, and maps errors to exit codes."""

from sweeps.cli.main import main

__all__ = ["main"]
