"""Orchestrator and command line: composes the other packages; the only one that knows Ray."""
