"""A study of somebody else's: reading it works and changes nothing, everything else says in one sentence whose it is and how to go on."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from large_study import make_large_study

from sweeps.record.storage import Database

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
ORDINARY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
"""As an ordinary user, who may read all files (the interpreter may lie in root's home) and write no file of root's."""
SWEEP = "study: mine\ndata: {source: digits}\ntraining: {epochs: 1}\nspace: {learning_rate: {float: [0.001, 0.1]}}\n"
PROGRAM = """
import sys
from sweeps.cli.main import main
for words in sys.stdin.read().splitlines():
    code = main(words.split("\\t"))
    print("code", code, flush=True)
    print("end", file=sys.stderr, flush=True)
"""


@contextmanager
def closed(folder: Path) -> Iterator[tuple[str, ...]]:
    """What makes a command run as somebody who may read `folder` and not write it."""
    if os.geteuid() == 0:
        for parent in (folder, *folder.parents):
            if parent.is_relative_to("/tmp") and parent != Path("/tmp"):  # noqa: S108 - where temporary folders are
                parent.chmod(0o755)
        if subprocess.run([*ORDINARY, "true"], check=False, capture_output=True).returncode:
            pytest.skip("this container does not let root become another user")
        yield ORDINARY
        return
    files = [folder, *folder.iterdir()]
    for path in files:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield ()
    for path in files:
        path.chmod(0o755 if path.is_dir() else 0o644)


def commands(prefix: tuple[str, ...], folder: Path, *lines: list[str]) -> list[tuple[int, str, str]]:
    """Exit code, output and errors of each command, called in `folder`."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "XDG_STATE_HOME": str(folder)}
    done = subprocess.run(
        [*prefix, sys.executable, "-c", PROGRAM], check=False, cwd=folder, env=environment, capture_output=True, text=True, timeout=200,
        input="\n".join("\t".join(words) for words in lines),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    outputs, errors = done.stdout.split("code "), done.stderr.split("end\n")
    codes = [int(part.split("\n", 1)[0]) for part in outputs[1:]]
    said = [outputs[0], *(part.split("\n", 1)[1] for part in outputs[1:])]
    return list(zip(codes, said, errors, strict=False))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def theirs() -> Iterator[Path]:
    """A folder with a study that nobody is running; not below pytest's own, which the next session closes to other users."""
    with tempfile.TemporaryDirectory() as above:
        yield made(Path(above) / "theirs")


def made(folder: Path) -> Path:
    folder.mkdir()
    make_large_study(f"sqlite:///{folder}/flowers.db", "flowers", 4)
    with sqlite3.connect(folder / "flowers.db") as connection:
        text = json.dumps(SWEEP.replace("mine", "flowers"))
        connection.execute("UPDATE steadysweep_study_facts SET value_json = ? WHERE key = 'sweep_file'", (text,))
    connection.close()
    return folder


def test_somebody_elses_study_is_read_and_everything_else_says_whose_it_is(theirs: Path) -> None:
    before = contents(theirs)
    own = theirs.parent / "own"
    own.mkdir()
    own.chmod(0o777)
    where = ["--storage", f"sqlite:///{theirs}/flowers.db"]
    with closed(theirs) as prefix:
        status, report, diagnosis, blocked, added = commands(
            prefix, theirs,
            ["status", *where],
            ["report", "flowers", *where, "-o", str(own / "flowers.html")],
            ["diagnose", str(theirs / "flowers.db")],
            ["report", "flowers", *where],
            ["add", "flowers", "--set", "learning_rate=0.002", *where],
        )  # fmt: skip
    for code, _, errors in (status, report, diagnosis):
        assert code == 0, errors
    assert "flowers" in status[1]
    assert "flowers" in (own / "flowers.html").read_text()
    assert blocked[0] == 2
    assert "flowers.html cannot be written: Permission denied. Name a file in a folder of yours (-o FILE" in blocked[2]
    assert added[0] == 2, added
    assert "can be read here, not written: " in added[2]
    assert "--from-storage" in added[2]
    assert contents(theirs) == before, "nothing is changed or left beside it, not even a lock or a log"


def test_a_driver_at_work_is_seen_by_somebody_who_may_only_read(theirs: Path) -> None:
    where = ["--storage", f"sqlite:///{theirs}/flowers.db"]
    with Database(f"sqlite:///{theirs}/flowers.db") as database, database.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE trials SET state = 'FAIL' WHERE number = 0")
        connection.commit()  # in the log, not yet in the file
        assert (theirs / "flowers.db-wal").stat().st_size > 0
        with closed(theirs) as prefix:
            ((code, output, errors),) = commands(prefix, theirs, ["status", "--format", "json", *where])
    assert code == 0, errors
    assert '"FAIL": 1' in output


def test_a_study_in_somebody_elses_folder_is_refused_before_anything_starts(theirs: Path) -> None:
    with closed(theirs) as prefix:
        sweep = theirs.parent / "mine.yaml"
        sweep.write_text(SWEEP)
        sweep.chmod(0o644)
        theirs.parent.chmod(0o755)
        ((code, _, errors),) = commands(prefix, theirs, ["run", str(sweep), "--executor", "inline"])
    assert code == 2, errors
    assert "mine.db cannot be made: " in errors
    assert "--storage" in errors
    assert not (theirs / "mine.db").exists()
