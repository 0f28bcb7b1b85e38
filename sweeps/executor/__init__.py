"""Executors run trials somewhere; study logic knows only the protocol."""
