"""A planted password is nowhere to be found while a sweep of real trainings runs on PostgreSQL, nor after it."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from sqlalchemy import create_engine, inspect, text

from tests.cli.conftest import SWEEP

if TYPE_CHECKING:
    from conftest import PostgresServer

    from tests.cli.conftest import Shell

URL = "postgresql+psycopg://sweeps:${CANARY_PASSWORD}@127.0.0.1:%d/postgres"


def test_the_password_of_a_storage_is_in_no_file_no_table_and_no_process_list(postgres: PostgresServer, shell: Shell) -> None:
    secret = {"CANARY_PASSWORD": postgres.password}
    storage = URL % postgres.port
    (shell.folder / "sweep.yaml").write_text(SWEEP.replace("study:", f"storage: {storage}\nstudy:").replace("trials: 3", "trials: 1"))
    process = shell.start("run", "sweep.yaml", "--executor", "ray-core", **secret)
    seen_ray, found = False, list[str]()
    while process.poll() is None:
        folders = list(Path("/tmp").glob(f"sweep-ray-{process.pid}-*"))  # noqa: S108 - where the driver puts Ray's session
        seen_ray = seen_ray or any((folder / "session_latest").exists() for folder in folders)
        found += _files_with(postgres.password, *folders) + _arguments_with(postgres.password)
        time.sleep(0.3)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert seen_ray
    assert found == []
    assert postgres.password not in out + err
    assert _files_with(postgres.password, shell.folder) == []
    assert "tiny-digits" in (shell.folder / "tiny-digits.html").read_text()
    assert _cells_with(postgres, postgres.password) == []
    assert _cells_with(postgres, "CANARY_PASSWORD") != []
    for words in (("status", "--format", "json"), ("report", "tiny-digits", "--format", "json")):
        done = shell.run(*words, "--storage", storage, **secret)
        assert done.returncode == 0, done.stderr
        assert postgres.password not in done.stdout + done.stderr
    without = shell.run("status", "--storage", storage, CANARY_PASSWORD="wrong")  # noqa: S106 - on purpose
    assert without.returncode == 1
    assert "does not answer" in without.stderr


def test_a_password_file_of_the_owner_alone_serves_as_well(postgres: PostgresServer, shell: Shell) -> None:
    """PostgreSQL's own: read by its client library where a URL has no password, and only with mode 0600."""
    file = shell.folder / "pgpass"
    file.write_text(f"127.0.0.1:{postgres.port}:postgres:sweeps:{postgres.password}\n")
    storage = f"postgresql+psycopg://sweeps@127.0.0.1:{postgres.port}/postgres"
    file.chmod(0o600)
    done = shell.run("status", "--storage", storage, "--format", "json", PGPASSFILE=str(file))
    assert done.returncode in (0, 1), done.stderr
    assert "no password supplied" not in done.stderr
    assert done.returncode == 0 or "holds no study" in done.stderr
    file.chmod(0o644)
    refused = shell.run("status", "--storage", storage, "--format", "json", PGPASSFILE=str(file))
    assert refused.returncode == 1
    assert "no password supplied" in refused.stderr


@pytest.mark.parametrize(
    "words", [("status",), ("resume", "s"), ("report", "s"), ("run", "--from", "s", "--set", "study=t", "--from-storage")]
)
def test_a_password_on_the_command_line_is_refused_and_not_repeated(words: tuple[str, ...], shell: Shell) -> None:
    option = () if words[-1] == "--from-storage" else ("--storage",)
    done = shell.run(*words, *option, "postgresql+psycopg://me:literal-word@localhost/db")
    assert done.returncode == 2
    assert "write it as ${VARIABLE}" in done.stderr
    assert "literal-word" not in done.stdout + done.stderr


def _files_with(secret: str, *folders: Path) -> list[str]:
    """Files that hold the secret; those that vanish meanwhile do not."""
    if not folders:
        return []
    found = subprocess.run(
        ["grep", "-rlaF", "--devices=skip", secret, *map(str, folders)], capture_output=True, text=True, check=False, errors="replace"
    )
    return found.stdout.splitlines()


def _arguments_with(secret: str) -> list[str]:
    """Command lines that every user of the machine can read."""
    return [line for process in psutil.process_iter(["cmdline"]) if secret in (line := " ".join(process.info["cmdline"] or ()))]


def _cells_with(postgres: PostgresServer, word: str) -> list[str]:
    """Tables that hold a word in any column of any row."""
    engine = create_engine(postgres.url)
    with engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        found = [
            name
            for name in tables
            if any(word in json.dumps([str(cell) for cell in row]) for row in connection.execute(text(f'select * from "{name}"')))  # noqa: S608 - our own tables
        ]
    engine.dispose()
    return found
