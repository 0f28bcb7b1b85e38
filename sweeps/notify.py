"""Notifications: a sweep's events go to the command or the webhook that its file names, each with a limit on how long it may take."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal
from urllib.error import HTTPError, URLError

from reports.wording import plain_score
from sweeps.background import Background
from sweeps.environment import host_and_owner
from sweeps.errors import SweepError
from sweeps.observer import StudyObserver
from sweeps.variables import expand

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reports.records import TrialRecord
    from sweeps.observer import StudyOutcome
    from sweeps.sweep_file.settings import NotifySettings


EventName = Literal["trial_failed", "sweep_done", "sweep_stopped"]
SCHEMA = "steadysweep.notification/1"
AT_ITS_END = ("done", "space exhausted", "settled")
"""Reasons with which a sweep has ended by itself; all others leave something to do."""


@dataclass(frozen=True)
class Event:
    """Something that a person may want to know, with the study's name, in one line, and as plain data."""

    name: EventName
    study: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The event as JSON values; ``text`` is what chat services show."""
        return {"schema": SCHEMA, "event": self.name, "study": self.study, "text": self.message, **host_and_owner(), **self.details}


def trial_event(study: str, trial: TrialRecord) -> Event:
    """A trial failed."""
    lines = (trial.error or "").strip().splitlines()
    reason = lines[-1] if lines else trial.cause or "no cause on record"
    details = {"trial": trial.number, "cause": trial.cause, "error": reason, "params": dict(trial.params), "epochs": trial.num_epochs}
    return Event("trial_failed", study, f"{study}: trial {trial.number} failed after {trial.num_epochs} epochs: {reason}", details)


def sweep_event(study: str, outcome: StudyOutcome | BaseException) -> Event:
    """A run of a sweep ended: by itself, by a budget or a signal, or by an error."""
    if isinstance(outcome, BaseException):
        lines = str(outcome).strip().splitlines()
        reason = f"{type(outcome).__name__}: {lines[0] if lines else ''}".rstrip(": ")
        return Event("sweep_stopped", study, f"{study}: stopped: {reason}", {"reason": "error", "error": str(outcome)})
    now = outcome.snapshot
    best = now.leaders[0] if now.leaders else None
    details = {
        "reason": outcome.reason,
        "trials": {
            "complete": now.complete,
            "pruned": now.pruned,
            "infeasible": now.infeasible,
            "failed": now.failed,
            "target": now.target,
        },
        "confirmations": {"done": now.confirmations, "target": now.confirmations_target},
        "unfinished": list(outcome.unfinished),
        "best": None
        if best is None
        else {
            "configuration": best.configuration,
            "stable": best.stable,
            "params": dict(best.params),
            "flags": [flag.name for flag in best.flags],
        },
    }
    held = ""
    if best is not None and best.stable is not None:
        held = f"; best stable {now.metric} {plain_score(best.stable, now.metric)} (configuration {best.short})"
    name: EventName = "sweep_done" if outcome.reason in AT_ITS_END else "sweep_stopped"
    return Event(name, study, f"{study}: {outcome.reason}: {now.done}/{now.target} trials{held}", details)


COMMAND_SECONDS = 30.0
WEBHOOK_SECONDS = 10.0
WAITS = (1.0, 4.0)
"""Seconds before the second and the third try of a webhook."""


class NotDeliveredError(SweepError):
    """A command or a webhook did not take an event; no secret is part of the message."""


def run_command(command: str | Sequence[str], event: Event) -> None:
    """Run a command with the event as JSON on its standard input and in ``STEADYSWEEP_*`` variables.

    No shell reads it, and ``${VARIABLES}`` are not expanded: everyone on the machine can see arguments, and the command inherits the environment anyway.

    Raises:
        NotDeliveredError: it cannot be started, takes more than 30 s, or ends with another code than 0.
    """
    words = shlex.split(command) if isinstance(command, str) else list(command)
    environment = {
        **os.environ,
        "STEADYSWEEP_EVENT": event.name,
        "STEADYSWEEP_STUDY": event.study,
        "STEADYSWEEP_MESSAGE": event.message,
        "STEADYSWEEP_TRIAL": str(event.details.get("trial", "")),
    }
    try:
        done = subprocess.run(  # noqa: S603 - the sweep's owner names it
            words,
            input=json.dumps(event.document(), default=str),
            text=True,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
            env=environment,
            start_new_session=True,  # a Ctrl-C of the sweep does not cut it
        )
    except OSError as error:
        raise NotDeliveredError(f"notify.command: {words[0]!r} cannot be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise NotDeliveredError(f"notify.command: {words[0]!r} took more than {COMMAND_SECONDS:.0f} s and was ended") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise NotDeliveredError(f"notify.command: {words[0]!r} ended with code {done.returncode}: {lines[-1] if lines else 'no message'}")


def post(url: str, headers: Mapping[str, str], event: Event) -> None:
    """POST the event as JSON, three times at most. ``${VARIABLES}`` of address and headers are expanded here and never shown.

    Raises:
        NotDeliveredError: no success after the third try.
        SweepInputError: a variable is not set.
    """
    given = {name: expand(value, os.environ) for name, value in headers.items()}
    request = urllib.request.Request(  # noqa: S310 - http or https, as the sweep file's check has it
        expand(url, os.environ),
        data=json.dumps(event.document(), default=str).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "steadysweep", **given},
        method="POST",
    )
    problem = ""
    for wait in (*WAITS, None):
        try:
            with urllib.request.urlopen(request, timeout=WEBHOOK_SECONDS):  # noqa: S310 - as above
                return
        except HTTPError as error:
            error.close()
            problem = f"the server answers {error.code}"
            if error.code < 500 and error.code not in (408, 429):  # noqa: PLR2004 - asking again changes nothing
                break
        except (URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            problem = f"no answer ({type(reason).__name__})"
        if wait is not None:
            time.sleep(wait)
    raise NotDeliveredError(f"notify.webhook: {problem}")


class Notifier(StudyObserver):
    """An observer that sends failed trials and how the run ended. Nothing it does stalls or breaks the sweep; a hook that fails is reported once, by `say`."""

    def __init__(self, study: str, settings: NotifySettings, say: Callable[[str], object]) -> None:
        self._study = study
        self._events = settings.on
        self._ways: list[tuple[Background, Callable[[Event], None]]] = []  # each has a thread of its own
        if settings.on and settings.command is not None:
            self._ways.append((Background("notification", say), partial(run_command, settings.command)))
        if settings.on and settings.webhook is not None:
            self._ways.append((Background("notification", say), partial(post, settings.webhook, settings.headers)))

    def on_finished(self, trial: TrialRecord) -> None:
        """Tell a failure."""
        if trial.state == "FAIL":
            self._tell(trial_event(self._study, trial))

    def on_end(self, outcome: StudyOutcome | BaseException) -> None:
        """Tell how the run ended."""
        self._tell(sweep_event(self._study, outcome))

    def close(self, patience: float = COMMAND_SECONDS) -> None:
        """Wait for what is being sent."""
        for background, _ in self._ways:
            background.close(patience)

    def _tell(self, event: Event) -> None:
        for background, deliver in self._ways:
            if event.name in self._events:
                background.do(partial(deliver, event))
