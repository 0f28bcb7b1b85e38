"""Processes that take turns, so that a busy machine slows all of them alike: one runs to its next trial's end, the others are stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MODULES = Path(__file__).resolve().parent
PLAIN, UNSHARED, SHARED = "plain Keras", "ours, --no-sharing", "ours"


@dataclass(frozen=True)
class Figures:
    """What a contender took.

    Attributes:
        trials: that it trained.
        wall: seconds.
        cpu: processor seconds.
        epochs: seconds of epochs and of computing activations; None where epochs of several trials ran together.
        outcomes: of each trial of ours.
    """

    trials: int
    wall: float
    cpu: float
    epochs: float | None
    outcomes: list[dict[str, Any]] = field(default_factory=list)


def command(contender: str, path: Path) -> list[str]:
    """Runs a contender."""
    return [sys.executable, "-P", str(MODULES / "sharing_arms.py"), contender, str(path), str(path.parent)]


class Contender:
    """A process that is stopped while it is not its turn.

    Args:
        name: of it.
        path: of the case.
        trials: that it will train; how far it is follows from it.
        variables: its environment.
    """

    def __init__(self, name: str, path: Path, trials: int, variables: dict[str, str]) -> None:
        self.name, self.trials = name, trials
        self._log = (path.parent / f"{name.replace(' ', '-')}.log").open("w+")
        self._process = subprocess.Popen(
            command(name, path), stdout=subprocess.PIPE, stderr=self._log, text=True, env=variables, start_new_session=True
        )
        self.done, self.wall, self.over = 0, 0.0, False
        self._cpu_before = self._line("ready")["cpu"]
        self.cpu = 0.0
        self._send(signal.SIGSTOP)

    @property
    def share(self) -> float:
        """How far it is."""
        return self.done / self.trials

    def turn(self) -> None:
        """Let it run to its next trial's end, or to its own."""
        began = time.perf_counter()
        self._send(signal.SIGCONT)
        line = self._line("done", "over")
        self.wall += time.perf_counter() - began
        self.cpu = line["cpu"] - self._cpu_before
        self.over = "over" in line
        self.done += not self.over
        if not self.over:
            self._send(signal.SIGSTOP)

    def figures(self) -> Figures:
        """What it took, once it is over."""
        line = self._line("trials")
        self._process.wait()
        return Figures(self.done, self.wall, self.cpu, line["epoch_seconds"], line["trials"])

    def end(self) -> None:
        """Leave nothing behind."""
        if self._process.poll() is None:
            self._send(signal.SIGKILL)
            self._process.wait()

    def _send(self, what: signal.Signals) -> None:
        os.killpg(self._process.pid, what)

    def _line(self, *wanted: str) -> dict[str, Any]:
        for text in self._process.stdout or ():
            if text.startswith("{"):
                line: dict[str, Any] = json.loads(text)
                if any(name in line for name in wanted):
                    return line
        self._process.wait()
        self._log.seek(0)
        raise SystemExit(f"{self.name}: failed\n{self._log.read()[-4000:]}")


def in_turns(path: Path, planned: Mapping[str, int], variables: dict[str, str]) -> dict[str, Figures]:
    """Run all contenders of a case, a trial each in turn."""
    contenders: list[Contender] = []
    try:
        contenders.extend(Contender(name, path, trials, variables) for name, trials in planned.items())
        while waiting := [each for each in contenders if not each.over]:
            min(waiting, key=lambda each: each.share).turn()
        return {each.name: each.figures() for each in contenders}
    finally:
        for each in contenders:
            each.end()
