"""What tests of several packages share: a private PostgreSQL server."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "canary-7f3a91-not-for-the-record"  # noqa: S105 - of a server that lives as long as the tests
HOW_TO_INSTALL = (
    "PostgreSQL's server programs are needed by these tests; install them with `apt-get install -y postgresql` (or put initdb on the PATH)."
)


@dataclass(frozen=True)
class PostgresServer:
    """A server in a temporary folder, owned by an ordinary user."""

    programs: Path
    folder: Path
    port: int
    password: str = PASSWORD

    @property
    def url(self) -> str:
        """With its password, for `create_study` and friends."""
        return f"postgresql+psycopg://sweeps:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder} -c fsync=off -c max_connections=30"
        self._as_owner("pg_ctl", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-o", options, "-w", "start")

    def stop(self) -> None:
        """Stop it at once, as a crash would."""
        self._as_owner("pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "-w", "stop")

    def create(self) -> None:
        """Make the database cluster."""
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            for path in (self.folder, password):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        self._as_owner(
            "initdb", "-D", f"{self.folder}/data", "-U", "sweeps", f"--pwfile={password}", "--auth=scram-sha-256", "--no-sync", "-E", "UTF8"
        )

    def _as_owner(self, program: str, *arguments: str) -> None:
        """The server refuses to run as root."""
        command = [str(self.programs / program), *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        said = self.folder / "said"
        with said.open("w") as output:  # a pipe would stay open in the server
            done = subprocess.run(command, check=False, stdout=output, stderr=output, cwd=self.folder, stdin=subprocess.DEVNULL, timeout=60)
        if done.returncode != 0:
            pytest.fail(f"{' '.join(command)} failed as {getpass.getuser()}: {said.read_text()}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running server; the tests fail, rather than skip, where PostgreSQL is not installed."""
    found = shutil.which("initdb")
    candidates = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if not candidates:
        pytest.fail(HOW_TO_INSTALL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="steadysweep-pg-", dir="/tmp"))
    server = PostgresServer(candidates[0], folder, port)
    try:
        server.create()
        server.start()
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.stop()
            time.sleep(0.1)
        shutil.rmtree(folder, ignore_errors=True)
