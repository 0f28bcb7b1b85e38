"""One event to a command or a webhook, with a limit on how long that may take."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
import urllib.request
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError

from sweeps.errors import SweepError
from sweeps.variables import expand

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sweeps.notify.event import Event

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
    """POST the event as JSON, three times at most.

    Args:
        url: ``${VARIABLES}`` are expanded here and never shown.
        headers: likewise.
        event: what is told.

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
