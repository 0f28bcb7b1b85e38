"""Which running trials have told nothing for far longer than they should, and what is done about them.

A model function that hangs, a data source that never answers, a worker that was stopped. The reference is the pace of the study: the longest that a trial of this
run took from one sign of life to the next, and the seconds of an epoch on record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from sweeps.executor.protocol import Ended, EpochEnded, Started
from sweeps.sweep_file.runtime import duration_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sweeps.executor.protocol import Event

LEAST_SECONDS: Final = 1800.0
"""By its own judgement (``silent_after: auto``) a trial is ended after so many seconds at the earliest."""
TIMES_THE_PACE: Final = 20.0
WITHOUT_A_PACE_SECONDS: Final = 12 * 3600.0
"""While no trial of the study has told an epoch, a first epoch may take as long as this."""
NAMED_AT: Final = 0.5
"""Share of the time after which a silent trial is named."""
LONGEST_LOOK_SECONDS: Final = 10.0
"""A driver that looks more seldom was away itself (suspended, waiting for its database): what it has not heard meanwhile is no silence."""

NOT_ALONE: Final = "it runs inside the driver's own process and cannot be ended alone: stop the run with Ctrl-C and look at its model function and its data"


@dataclass
class _Running:
    heard: float
    named: bool = False


class Watchdog:
    """Remembers when each running trial was last heard of.

    Args:
        silent_after: seconds after which a silent trial is ended; ``auto``: by the study's pace; ``off``: never.
        pace: seconds of an epoch by the record, or None.
        now: seconds of a clock that is never set (`time.monotonic`).
    """

    def __init__(self, silent_after: float | Literal["auto", "off"], pace: float | None, now: float) -> None:
        self._silent_after = silent_after
        self._pace = pace
        self._looked = now
        self._running: dict[int, _Running] = {}

    def heard(self, event: Event, now: float) -> None:
        """A sign of life, or the end of an attempt. A notice is no measure of the pace."""
        if isinstance(event, Ended):
            self.forget(event.trial)
        elif isinstance(event, Started):
            self._running[event.trial] = _Running(now)
        elif (running := self._running.get(event.trial)) is not None:
            if isinstance(event, EpochEnded):
                self._pace = max(self._pace or 0.0, now - running.heard)
            running.heard, running.named = now, False

    def forget(self, trial: int) -> None:
        """A trial is watched no longer: its attempt is over, or another driver has it."""
        self._running.pop(trial, None)

    @property
    def limit(self) -> float:
        """Seconds after which a silent trial is ended."""
        if self._silent_after == "off":
            return float("inf")
        if isinstance(self._silent_after, float):
            return self._silent_after
        return WITHOUT_A_PACE_SECONDS if self._pace is None else max(LEAST_SECONDS, TIMES_THE_PACE * self._pace)

    def look(self, now: float, kill: Callable[[int, str], bool]) -> Iterator[tuple[int, str, bool]]:
        """Silent trials, what is to be said of each, and whether its process was ended: it is named once at half the time, ended after all of it.

        Args:
            now: as of `__init__`.
            kill: `Executor.kill`.
        """
        away, self._looked = now - self._looked, now
        for trial, running in list(self._running.items()):
            running.heard += away if away > LONGEST_LOOK_SECONDS else 0.0
            seconds = now - running.heard
            if seconds >= self.limit:
                self.forget(trial)
                text = f"{self._silence(seconds)} and was ended (runtime.silent_after)"
                killed = kill(trial, text)
                yield trial, text if killed else f"{self._silence(seconds)}; {NOT_ALONE}", killed
            elif seconds >= NAMED_AT * self.limit and not running.named:
                running.named = True
                yield trial, f"{self._silence(seconds)}; runtime.silent_after ends it after {_rounded(self.limit)}", False

    def _silence(self, seconds: float) -> str:
        pace = "no trial of this study has told an epoch yet" if self._pace is None else f"an epoch took {_rounded(self._pace)} at most"
        return f"told nothing for {_rounded(seconds)} ({pace})"


def _rounded(seconds: float) -> str:
    return duration_text(round(seconds, 1) if seconds < 1 else float(round(seconds)))
