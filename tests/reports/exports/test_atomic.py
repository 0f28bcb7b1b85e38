"""A report is whole or the old one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reports.exports import write_atomically

if TYPE_CHECKING:
    from pathlib import Path


def test_writes_utf8_and_makes_the_folder(tmp_path: Path) -> None:
    target = write_atomically(tmp_path / "new" / "report.html", "\u05d0 \U0001f600")
    assert target.read_text(encoding="utf-8") == "\u05d0 \U0001f600"
    assert [file.name for file in target.parent.iterdir()] == ["report.html"]
    assert target.stat().st_mode & 0o444 == 0o666 & ~_umask() & 0o444


def test_a_failing_write_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = write_atomically(tmp_path / "report.html", "old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(target, "new" * 1000)
    assert target.read_text(encoding="utf-8") == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_a_lone_surrogate_does_not_stop_the_report(tmp_path: Path) -> None:
    assert write_atomically(tmp_path / "report.html", "file \udcff name").read_text(encoding="utf-8") == "file ? name"


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
