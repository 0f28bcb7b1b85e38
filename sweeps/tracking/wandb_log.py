"""Weights & Biases: a run for each trial, in a process of its own.

W&B's library asks for a key at a terminal, and at the end of a process it waits without limit for a server that is gone. Its process here has no terminal and is
ended when the sweep's patience is over, so that neither reaches the driver.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import tempfile
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, cast

from sweeps.import_order import child_command
from sweeps.tracking import FINAL_FIGURES, Log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reports.records import TrialRecord

ENVIRONMENT = {"WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true", "WANDB_CONSOLE": "off"}
"""A sweep tells nobody that it runs, and W&B's own lines stay out of its display."""
GRACE_SECONDS = 2.0
"""What the process gets to end by itself."""


class WandbLog(Log):
    """Sends what happens to W&B's process and waits for each answer.

    Args:
        project: ``PROJECT`` or ``ENTITY/PROJECT``.
        study: the study's name, which is the group of its runs.
        say: shows a line to the person watching.
    """

    def __init__(self, project: str, study: str, say: Callable[[str], object]) -> None:
        self._study = study
        self._say = say
        self._open: set[int] = set()
        self._writing = threading.Lock()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            child_command("sweeps.tracking.wandb_writer", project, study),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**ENVIRONMENT, **os.environ},
            start_new_session=True,  # a Ctrl-C of the sweep reaches it through the sweep
        )
        self._stdin, self._stdout = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)

    def on_started(self, trial: TrialRecord) -> None:
        """Open the trial's run; of one that is continued, the epochs so far go along."""
        self._run(trial)

    def on_epoch(self, trial: TrialRecord, figures: Mapping[str, float]) -> None:
        """One point of every curve; epochs count from 1."""
        self._run(trial)
        self._ask("epoch", trial.number, epoch=trial.num_epochs, figures=_finite(figures))

    def on_finished(self, trial: TrialRecord) -> None:
        """Final figures, state and flags."""
        self._run(trial)
        summary = {name: trial.score[name] for name in FINAL_FIGURES if name in trial.score}
        words = {"state": trial.state, "flags": ", ".join(trial.flags) or "none", "cause": trial.cause or "", "epochs": trial.num_epochs}
        self._open.discard(trial.number)
        self._ask("finish", trial.number, summary={**summary, **words}, state=trial.state.lower(), failed=trial.state == "FAIL")

    def close(self) -> None:
        """Runs of trials that were cut are marked as such; the next sweep continues them."""
        self._ask("close", -1)
        self.give_up()

    def give_up(self) -> None:
        """End the process, whatever it waits for; what it could not send stays in its folder."""
        with self._writing, suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _run(self, trial: TrialRecord) -> None:
        if trial.number in self._open:
            return
        names = list(trial.curves)
        before = [_finite({name: float(trial.curves[name][index]) for name in names}) for index in range(trial.num_epochs)]
        config = {**trial.params, "configuration": trial.configuration, "role": trial.role, "trial": trial.number, "seed": trial.seed}
        self._ask("open", trial.number, id=_run_id(self._study, trial), config=config, before=before)
        self._open.add(trial.number)

    def _ask(self, what: str, number: int, **words: Any) -> None:  # noqa: ANN401 - JSON
        """Have the process do something.

        Raises:
            RuntimeError: it could not, or it is gone; with what it said.
        """
        line = json.dumps({"do": what, "trial": number, **words}).encode() + b"\n"
        try:
            with self._writing:
                self._stdin.write(line)
                self._stdin.flush()
            answer = self._stdout.readline()
        except (OSError, ValueError):  # a broken pipe, or one that was closed by `give_up`
            answer = b""
        if not answer:
            raise RuntimeError(f"its process has ended: {self._last_words()}")
        told = json.loads(answer)
        if told.get("say"):
            self._say(f"Weights & Biases: {told['say']}")
        if told.get("error"):
            raise RuntimeError(told["error"])

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "without a word"


def _finite(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in figures.items() if math.isfinite(value)}


def _run_id(study: str, trial: TrialRecord) -> str:
    """The same for every attempt of a trial; another where a study of the same name is begun anew, by the driver that handed its first attempt out."""
    begun = trial.attempts[0].driver if trial.attempts else ""
    return hashlib.sha256(f"{study}/{trial.number}/{trial.configuration}/{trial.seed}/{begun}".encode()).hexdigest()[:16]
