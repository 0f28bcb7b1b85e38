"""Whose a trial's folder is, seen by workers whose drivers know nothing of each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sweeps.executor.protocol import TrialTask
from sweeps.storage_path import NAME, FolderMark, SupersededError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def task(tmp_path: Path) -> TrialTask:
    return TrialTask(3, 0, "m:f", {}, str(tmp_path / "00003"), study="flowers, made today")


def test_a_later_attempt_ends_the_earlier_one(task: TrialTask) -> None:
    first, second = FolderMark(task), FolderMark(replace(task, attempt=1))
    first.put()
    first.check(now=True)
    second.put()
    with pytest.raises(SupersededError, match="attempt 0 of this trial was superseded by attempt 1"):
        first.check(now=True)
    second.check(now=True)


def test_an_attempt_that_begins_late_does_not_take_the_folder_back(task: TrialTask) -> None:
    FolderMark(replace(task, attempt=1)).put()
    with pytest.raises(SupersededError, match="superseded by attempt 1"):
        FolderMark(task).put()
    FolderMark(replace(task, attempt=1)).check(now=True)


def test_what_a_deleted_study_left_is_taken_over(task: TrialTask) -> None:
    FolderMark(replace(task, attempt=5, study="flowers, made yesterday")).put()
    mark = FolderMark(task)
    mark.put()
    mark.check(now=True)


def test_two_studies_in_one_folder_are_told_so(task: TrialTask) -> None:
    mark = FolderMark(task)
    mark.put()
    FolderMark(replace(task, study="birds, made today")).put()
    with pytest.raises(SupersededError, match=r"written by another study \(birds, made today\); .* Give each study its own"):
        mark.check(now=True)


def test_looking_is_rare_unless_it_must_be(task: TrialTask) -> None:
    mark = FolderMark(task)
    mark.put()
    mark.check()
    FolderMark(replace(task, attempt=1)).put()
    mark.check()  # a moment ago all was well
    with pytest.raises(SupersededError):
        mark.check(now=True)


def test_a_folder_that_tells_nothing_stops_nobody(task: TrialTask, tmp_path: Path) -> None:
    (tmp_path / "00003").write_text("a file where the folder should be")
    mark = FolderMark(task)
    mark.put()
    mark.check(now=True)
    other = FolderMark(replace(task, checkpoint_dir=str(tmp_path / "00004")))
    other.put()
    (tmp_path / "00004" / NAME).write_text("not JSON")
    other.check(now=True)
    (tmp_path / "00004" / NAME).unlink()
    other.check(now=True)
    FolderMark(replace(task, checkpoint_dir="s3://bucket/00003")).put()
