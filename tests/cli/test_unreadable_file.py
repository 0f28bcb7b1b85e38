"""A study whose own sweep file cannot be read any more is still shown, reported and deleted."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from sweeps.cli import main
from sweeps.record.study_record import read_study_facts
from sweeps.storage_path import claim

DUMP = Path(__file__).parents[1] / "data/record/version_1.sqlite.sql"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("study: [", "runs/old"),
        ("- 1\n- 2\n", "runs/old"),
        ("study: old\nfrom_the_future: 3\nstorage_path: kept/here\ndata: {source: digits}\nspace: {}\n", "kept/here"),
        ("storage_path: 3\ndata: 5\ntraining: [a]\nspace: nothing\n", "runs/old"),
    ],
)
def test_status_report_and_delete_work_from_the_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect("old.db") as connection:
        connection.executescript(DUMP.read_text())
        changed = connection.execute("update steadysweep_study_facts set value_json = ? where key = 'sweep_file'", (json.dumps(text),))
        assert changed.rowcount == 1
    connection.close()
    claim(str(tmp_path / place), "old", read_study_facts("sqlite:///old.db", "old").created)
    kept = tmp_path / place / "00001" / "model.keras"
    kept.parent.mkdir()
    kept.write_bytes(b"x")
    assert main(["status"]) == 0
    assert main(["status", "old", "--format", "json"]) == 0
    for form in ("html", "json", "csv", "md"):
        assert main(["report", "old", "--format", form, *(["-o", f"out.{form}"] if form == "html" else [])]) == 0, capsys.readouterr().err
    capsys.readouterr()
    assert main(["resume", "old"]) == 2
    assert "study old" in capsys.readouterr().err
    assert main(["delete", "old", "--yes"]) == 0
    assert "the study's sweep file cannot be used any more (" in capsys.readouterr().err
    assert not kept.exists()
    assert main(["status", "old"]) == 2
