"""Ctrl-C and SIGTERM: the first asks the sweep to checkpoint and stop, the second stops it at once."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """Context in which the first signal sets a flag and the second raises KeyboardInterrupt; outside the main thread it does nothing."""

    def __init__(self, on_first: Callable[[str], object]) -> None:
        """Args: on_first: told the signal's name when the first one arrives."""
        self._on_first = on_first
        self._previous: dict[signal.Signals, object] = {}
        self._seen = False

    def requested(self) -> bool:
        """Whether a stop was asked for."""
        return self._seen

    def __enter__(self) -> Self:
        """Take the signals over."""
        if threading.current_thread() is threading.main_thread():
            self._previous = {each: signal.signal(each, self._handle) for each in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        for each, previous in self._previous.items():
            signal.signal(each, previous)  # type: ignore[arg-type]  # what signal.signal returned

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._seen:
            raise KeyboardInterrupt
        self._seen = True
        self._on_first(signal.Signals(number).name)
