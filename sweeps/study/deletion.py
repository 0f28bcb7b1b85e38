"""What deleting a study removes: its rows in the storage, and of its storage_path what its own runs wrote there.

A storage may come from anywhere, and it names the folder. Files are removed only below a folder that carries the study's own mark (`sweeps.storage_path.claim`), only
those that its runs write, and no link is followed.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweeps.image_look import NAME as IMAGES
from sweeps.record.steering import Deletion
from sweeps.storage_path import OWNER, is_claimed_by
from sweeps.study.data_listing import NAME as DATA
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
