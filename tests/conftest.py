"""What tests of several packages share: a private PostgreSQL server, and a private S3-compatible one."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# the start of another suite's Ray takes the cores for seconds
settings.register_profile("shared_cores", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared_cores")

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


S3_KEY = "canary-key-51c0de-not-for-the-record"
S3_SECRET = "canary-secret-8d2f4e-not-for-the-record"  # noqa: S105 - of a server that lives as long as the tests
HOW_TO_INSTALL_S3 = "these tests need an S3-compatible server; install it with `make .venv/.s3-server`."


class Gate:
    """A port in front of a server that can be shut, as a network that fails."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._open = True
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def shut(self) -> None:
        """Break connections from now on."""
        self._open = False

    def reopen(self) -> None:
        """Let connections through again."""
        self._open = True

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            if not self._open:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._server_port))
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while (data := source.recv(1 << 16)) and self._open:
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            end.close()


@dataclass(frozen=True)
class S3:
    """A store of one test.

    Attributes:
        url: ``s3://bucket/prefix`` that nobody else uses.
        gate: between the test's process and the server.
        environment: what reaches the server, credentials included, for other processes.
    """

    url: str
    gate: Gate
    environment: dict[str, str]

    def names(self) -> list[str]:
        """Objects below `url`, sorted."""
        from trainer.places import open_folder

        return sorted(open_folder(self.url, "test").files())


@pytest.fixture(scope="session")
def s3_server() -> Iterator[int]:
    """Port of moto's server; the tests fail, rather than skip, where it is not installed."""
    library = Path(sys.prefix) / "s3-server"
    if not library.is_dir():
        pytest.fail(HOW_TO_INSTALL_S3)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env={**os.environ, "PYTHONPATH": str(library), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=log,
        stderr=log,
    )
    try:
        for _ in range(600):
            if server.poll() is not None:
                log.seek(0)
                pytest.fail(f"moto's server has ended: {log.read().decode()}")
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait()
        log.close()


@pytest.fixture
def s3(s3_server: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """A prefix of its own on the server, with the environment that reaches it."""
    from pyarrow import fs

    gate = Gate(s3_server)
    environment = {
        "AWS_ACCESS_KEY_ID": S3_KEY,
        "AWS_SECRET_ACCESS_KEY": S3_SECRET,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{gate.port}",
        "AWS_REGION": "us-east-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    bucket = f"tests-{uuid.uuid4().hex[:12]}"
    fs.S3FileSystem(endpoint_override=environment["AWS_ENDPOINT_URL"], region="us-east-1", allow_bucket_creation=True).create_dir(bucket)
    yield S3(f"s3://{bucket}/some/prefix", gate, environment)
    gate.close()
