"""Where the checkpoints and models of a study lie: what ``storage_path`` means, whether it can be used, and whose it is.

`FolderMark` says which attempt a trial's folder belongs to: the one that began last. A driver that is cut off, or stopped, for longer than its lease cannot tell its
worker that another driver has taken the trial over. The worker finds it out by itself, from a small file in the folder that both would write to, and ends before it
harms the other's checkpoints.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.errors import SweepError, SweepInputError
from sweeps.sweep_file.configuration import absolute_place
from sweeps.variables import expand
from trainer.places import is_address, open_folder

if TYPE_CHECKING:
    from datetime import datetime

    from sweeps.executor.protocol import TrialTask
    from sweeps.sweep_file import SweepFile


OWNER = "study.json"
"""At the top of a storage_path: which study it belongs to."""


def checkpoint_root(sweep: SweepFile) -> str:
    """The folder or address under which every trial has its own; ``${VARIABLES}`` expanded.

    Raises:
        SweepInputError: a variable is not set.
    """
    return absolute_place(expand(sweep.storage_path or f"runs/{sweep.study}", os.environ), Path.cwd())


def trial_folder(root: str, number: int) -> str:
    """The folder or address of one trial's checkpoints and model."""
    return f"{root.rstrip('/')}/{number:05d}"


def check_writable(sweep: SweepFile) -> None:
    """Write a small file to storage_path, read it back and remove it; nothing is left behind. Where the folder is yet to be made, its nearest parent is tried.

    Raises:
        SweepInputError: that does not work.
        TrainerInputError: the address cannot be used.
    """
    root = checkpoint_root(sweep)
    if not is_address(root):
        root = str(next(each for each in (Path(root), *Path(root).parents) if each.exists()))
    folder = open_folder(root, "storage_path")
    name, content = f".check-{uuid.uuid4().hex}", f"{socket.gethostname()} {os.getpid()}".encode()
    try:
        folder.write(name, content)
        read = folder.read(name)
        folder.remove([name])
    except OSError as error:
        raise _unusable(error) from error
    if read != content:
        raise SweepInputError(f"storage_path: {folder.place} gives back other bytes than were written; checkpoints would be damaged there.")


def claim(root: str, study: str, created: datetime | None) -> None:
    """Mark a storage_path as the study's own, or find that it is already; when its record was `created` tells studies of one name apart.

    Two studies in one place would continue from each other's checkpoints and remove them.

    Raises:
        SweepInputError: it belongs to another study, or cannot be written.
        TrainerInputError: the address cannot be used.
    """
    own = _mark_of(study, created)
    there = _owner(root)
    if there is None:
        try:
            open_folder(root, "storage_path").write(OWNER, json.dumps(own).encode())
        except OSError as error:
            raise _unusable(error) from error
    elif there != own:
        raise _claimed(root, there, f"study {study!r}, made {own['created']}")


def is_claimed_by(root: str, study: str, created: datetime | None) -> bool:
    """Whether a place carries the mark of this very study: only then what lies there may be removed with it.

    Raises:
        SweepInputError: it cannot be asked.
        TrainerInputError: the address cannot be used.
    """
    return _owner(root) == _mark_of(study, created)


def _mark_of(study: str, created: datetime | None) -> dict[str, str | None]:
    return {"study": study, "created": None if created is None else created.isoformat()}


def refuse_claimed(root: str, study: str) -> None:
    """Make sure that a study that is yet to be made finds no other one's checkpoints.

    Raises:
        SweepInputError: the place belongs to a study, or cannot be asked.
        TrainerInputError: the address cannot be used.
    """
    there = _owner(root)
    if there is not None:
        raise _claimed(root, there, f"study {study!r}, which is new")


def _owner(root: str) -> object:
    """Which study a place belongs to, None for no study."""
    try:
        owner: object = json.loads(open_folder(root, "storage_path").read(OWNER))
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    except OSError as error:
        raise _unusable(error) from error
    return owner


def _claimed(root: str, there: object, this: str) -> SweepInputError:
    other = f"study {there.get('study')!r}, made {there.get('created')}" if isinstance(there, dict) and there else "something else"
    gone = f"rm -r {shlex.quote(root)}" if "://" not in root else f"delete everything below {root}"
    return SweepInputError(
        f"storage_path: {root} holds the checkpoints of {other}, and this is {this}. "
        f"Give this study a place of its own: add --set storage_path={shlex.quote(f'{root}-2')}. "
        f"If the other study is gone for good, its checkpoints are of no use without its record: {gone}"
    )


def _unusable(error: OSError) -> SweepInputError:
    return SweepInputError(f"storage_path: checkpoints cannot be written there: {error}")


NAME = "attempt.json"
PAUSE_SECONDS = 2.0


class SupersededError(SweepError):
    """Another attempt has begun in the same folder."""


class FolderMark:
    """The mark of one attempt.

    Where the folder cannot be written or read, nothing is known and nothing is stopped. Folders on an object store are not marked.
    """

    def __init__(self, task: TrialTask) -> None:
        self._path = None if "://" in task.checkpoint_dir else Path(task.checkpoint_dir) / NAME
        self._own = {"study": task.study, "attempt": task.attempt}
        self._next_look = 0.0

    def put(self) -> None:
        """Take the folder over.

        Raises:
            SupersededError: a later attempt at the same trial has begun before: this one comes from a driver that lost it.
        """
        there = self._read()
        if there is not None and there["study"] == self._own["study"] and there["attempt"] > self._own["attempt"]:
            raise SupersededError(self._words(there))
        if self._path is None:
            return
        partial = self._path.with_name(f".partial-{os.getpid()}-{NAME}")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(self._own))
            partial.replace(self._path)

    def check(self, *, now: bool = False) -> None:
        """Look whether the folder is still this attempt's; `now`: even if that was looked at a moment ago.

        Raises:
            SupersededError: it is not.
        """
        moment = time.monotonic()
        if not now and moment < self._next_look:
            return
        self._next_look = moment + PAUSE_SECONDS
        there = self._read()
        if there is not None and there != self._own:
            raise SupersededError(self._words(there))

    def _read(self) -> dict[str, Any] | None:
        if self._path is None:
            return None
        try:
            content = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return None
        whole = isinstance(content, dict) and isinstance(content.get("study"), str) and isinstance(content.get("attempt"), int)
        return content if whole else None

    def _words(self, there: dict[str, Any]) -> str:
        folder = "" if self._path is None else self._path.parent
        if there["study"] != self._own["study"]:
            return f"{folder} is being written by another study ({there['study']}); expected a storage_path that only this one uses. Give each study its own."
        return f"attempt {self._own['attempt']} of this trial was superseded by attempt {there['attempt']} in {folder}: another driver has taken the trial over"
