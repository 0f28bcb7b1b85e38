"""Signals that ask a command to stop: Ctrl-C (SIGINT), SIGTERM, SIGHUP of a closed terminal and SIGQUIT all mean the same.

Outside a running study each of them interrupts the command at once (`Interrupting`). While a study runs the first asks it to save and stop and the second
stops it at once (`StopSignals`).
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

STOPPING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name))
OF_TERMINAL = frozenset(getattr(signal, name) for name in ("SIGHUP", "SIGQUIT") if hasattr(signal, name))
"""The terminal sends these to every process that was started from it, Ray's too."""


class Interrupting:
    """Context in which every such signal raises KeyboardInterrupt; outside the main thread it does nothing."""

    def __init__(self) -> None:
        self._previous: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        """Take the signals over; one that the caller ignores (``nohup``) stays ignored."""
        if threading.current_thread() is threading.main_thread():
            taken = [each for each in STOPPING if each not in OF_TERMINAL or signal.getsignal(each) is not signal.SIG_IGN]
            self._previous = {each: signal.signal(each, self._receive) for each in taken}
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        for each, previous in self._previous.items():
            signal.signal(each, previous)  # type: ignore[arg-type]  # what signal.signal returned

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        _leave_closed_terminal()
        self.handle(signal.Signals(number).name)

    def handle(self, name: str) -> None:
        """Answer a signal."""
        del name
        raise KeyboardInterrupt


class StopSignals(Interrupting):
    """Context in which the first signal sets a flag and the second raises KeyboardInterrupt; outside the main thread it does nothing."""

    def __init__(self, on_first: Callable[[str], object]) -> None:
        """Args: on_first: told the signal's name when the first one arrives."""
        super().__init__()
        self._on_first = on_first
        self._seen = False

    def requested(self) -> bool:
        """Whether a stop was asked for."""
        return self._seen

    def handle(self, name: str) -> None:
        """Note the first; interrupt at the second."""
        if self._seen:
            raise KeyboardInterrupt
        self._seen = True
        self._on_first(name)


@contextmanager
def held_back() -> Iterator[None]:
    """The terminal's signals wait until the end of this block.

    Processes started in it inherit that and never see them: a closed terminal must not kill Ray before the trials have saved.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, OF_TERMINAL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave_closed_terminal() -> None:
    """Let output go nowhere where its terminal is gone: each further line would raise an error instead of saving work."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            number = stream.fileno()
            poll = select.poll()
            poll.register(number, 0)
            if any(event & select.POLLHUP for _, event in poll.poll(0)):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, number)
                os.close(nowhere)
