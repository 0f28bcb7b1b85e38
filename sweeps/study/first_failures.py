"""Stops a sweep whose every trial fails alike, before it burns the budget."""

from __future__ import annotations

from sweeps.study.outcome import SweepAbortedError


class FirstFailures:
    """Watches the first trials that end in a run.

    Args:
        limit: so many equal failures, with nothing else before or between them, stop the sweep.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._last_line: str | None = None
        self._count = 0
        self._over = limit < 1

    def other(self) -> None:
        """A trial ended otherwise: the sweep as such works."""
        self._over = True

    def exception(self, trial: int, error: str) -> None:
        """A trial ended with an exception.

        Raises:
            SweepAbortedError: it is the same for the first trials of the run.
        """
        if self._over:
            return
        lines = error.strip().splitlines()
        last_line = lines[-1] if lines else ""
        if self._last_line is not None and last_line != self._last_line:
            self._over = True
            return
        self._last_line = last_line
        self._count += 1
        if self._count >= self._limit:
            raise SweepAbortedError(
                f"the first {self._count} trials of this run failed alike, the last one being trial {trial}; the sweep stops rather than repeat it:\n{error.rstrip()}\n"
                "Fix the cause and run the sweep again: it goes on with the next configuration."
            )
