"""What deleting a study removes: its rows in the storage, and of its storage_path what its own runs wrote there.

A storage may come from anywhere, and it names the folder. Files are removed only below a folder that carries the study's own mark (`sweeps.storage_path.claim`), only
those that its runs write, and no link is followed.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from search_spaces.errors import SpaceError
from search_spaces.located_yaml import load_yaml
from sweeps.errors import SweepInputError
from sweeps.image_look import NAME as IMAGES
from sweeps.record.steering import Deletion
from sweeps.storage_path import OWNER, checkpoint_root, is_claimed_by
from sweeps.study.data_listing import NAME as DATA
from sweeps.sweep_file.configuration import absolute_place
from sweeps.sweep_file.loading import sweep_from_text
from sweeps.variables import expand
from trainer.places import open_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.records import TrialRecord
    from sweeps.record.storage import Database
    from sweeps.record.study_record import StudyFacts

_OF_TRIAL = re.compile(r"\d{5,}/.+", re.DOTALL)
MEGABYTE = 1e6


@dataclass(frozen=True)
class Belongings:
    """What a study has.

    Attributes:
        states: state of a trial to how many there are.
        hours: of training on record.
        root: its storage_path.
        marked: whether that carries the study's mark; else nothing below it is removed.
        files: below it, written by the study's runs: name to size in bytes.
        others: names there that are not the study's and stay.
    """

    states: Mapping[str, int]
    hours: float
    root: str
    marked: bool
    files: Mapping[str, int]
    others: tuple[str, ...]

    @property
    def megabytes(self) -> float:
        """Of its files."""
        return sum(self.files.values()) / MEGABYTE


def stored_root(study: str, sweep_file: str) -> tuple[str, str]:
    """The storage_path of a study by its own file, also where the rest of that file cannot be used any more (another version's, or edited by hand).

    Args:
        study: its name.
        sweep_file: as it is stored.

    Returns:
        The folder or address, and why only that much of the file was used, or empty.

    Raises:
        SweepInputError: a variable in it is not set.
    """
    try:
        return checkpoint_root(sweep_from_text(sweep_file, f"study {study}")), ""
    except SweepInputError as error:
        reason = str(error).splitlines()[0]
    try:
        content = load_yaml(sweep_file, f"study {study}").value
    except SpaceError:
        content = None
    place = content.get("storage_path") if isinstance(content, dict) else None
    given = place if isinstance(place, str) and place else f"runs/{study}"
    return absolute_place(expand(given, os.environ), Path.cwd()), reason


def belongings(name: str, facts: StudyFacts, trials: Sequence[TrialRecord], root: str) -> Belongings:
    """Look at what a study has; nothing is changed.

    Args:
        name: of the study.
        facts: of the study.
        trials: its own and those of its history.
        root: its storage_path.

    Raises:
        SweepInputError: the storage_path does not answer.
        OSError: as above.
    """
    spans = [
        (ended - attempt.started).total_seconds()
        for trial in trials
        for attempt in trial.attempts
        if attempt.worker and attempt.started is not None and (ended := attempt.ended or attempt.seen) is not None
    ]
    marked = is_claimed_by(root, name, facts.created)
    there = open_folder(root, "storage_path").files() if marked else {}
    own = {path: size for path, size in there.items() if path in (OWNER, IMAGES, DATA) or _OF_TRIAL.fullmatch(path)}
    others = tuple(sorted({path.partition("/")[0] for path in there.keys() - own.keys()}))
    return Belongings(Counter(trial.state for trial in trials), sum(spans) / 3600, root, marked, own, others)


def delete_study(database: Database, name: str, facts: StudyFacts, trials: Sequence[TrialRecord], root: str) -> Belongings:
    """Remove a study: its files first, the mark last of them, then its rows. Cut short, the same command does the rest.

    Returns:
        What was removed.

    Raises:
        StudyLockedError: a driver is running it; nothing was removed.
        OSError: a file cannot be removed; the rows are still there.
    """
    with Deletion(database, name) as deletion:
        there = belongings(name, facts, trials, root)
        if there.marked:
            folder = open_folder(root, "storage_path")
            folder.remove(sorted(there.files.keys() - {OWNER}))
            folder.remove([OWNER])
        deletion.remove_rows()
    return there
