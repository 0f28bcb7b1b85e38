"""A database whose disk is full, and one that is deleted or replaced under a running driver."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

import pytest
from large_study import add_trial, new_study
from sqlalchemy import event

from sweeps.record import read_study
from sweeps.record.errors import StorageTimes, StorageUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from sweeps.record.recorded_study import RecordedStudy

MUCH = {"figures": {"text": "x" * 200_000}}


def _fill(study: RecordedStudy) -> None:
    """SQLite answers as on a full disk: the file may not grow by a page."""
    engine = study._transactions._engine
    engine.dispose()
    event.listen(engine, "connect", _no_more_pages)


def _make_room(study: RecordedStudy) -> None:
    event.remove(study._transactions._engine, "connect", _no_more_pages)
    study._transactions._engine.dispose()


def _no_more_pages(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA max_page_count = 1")  # no less than what is there
    cursor.close()


def test_a_full_disk_is_named_at_once_and_the_write_comes_when_there_is_room(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    study = new_study(f"sqlite:///{tmp_path}/full.db", "full")
    number = add_trial(study)
    _fill(study)
    room = threading.Thread(target=lambda: (time.sleep(1.0), _make_room(study)))
    room.start()
    with caplog.at_level(logging.WARNING):
        study.set_attributes(number, MUCH)
    room.join()
    (line,) = {record.getMessage() for record in caplog.records}
    assert "its disk is full (database or disk is full); trying again for up to 300 s" in line
    assert read_study(f"sqlite:///{tmp_path}/full.db", "full").trials[0].figures == MUCH["figures"]
    study.close()


def test_a_disk_that_stays_full_ends_the_run_with_what_to_do_twice_with_the_same_words(tmp_path: Path) -> None:
    study = new_study(f"sqlite:///{tmp_path}/full.db", "full", times=StorageTimes(outage=1.0))
    number = add_trial(study)
    _fill(study)
    for _ in range(2):
        with pytest.raises(StorageUnavailableError, match=r"its disk was full for [12] s .*make room there, then run the sweep again"):
            study.set_attributes(number, MUCH)
    _make_room(study)
    study.close()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_deleted_or_replaced_file_is_told_at_once(tmp_path: Path, *, replaced: bool) -> None:
    study = new_study(f"sqlite:///{tmp_path}/gone.db", "gone")
    number = add_trial(study)
    (tmp_path / "gone.db").rename(tmp_path / "elsewhere.db")
    if replaced:
        (tmp_path / "gone.db").write_bytes((tmp_path / "elsewhere.db").read_bytes())
    began = time.monotonic()
    with pytest.raises(StorageUnavailableError, match="was replaced by another file" if replaced else "was deleted"):
        study.set_attributes(number, {"figures": {"a": 1.0}})
    assert time.monotonic() - began < 30
    study.close()
