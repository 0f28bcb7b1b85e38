"""Where studies lie: a SQLite file in WAL mode or a PostgreSQL database, as a value (`Storage`) and open (`Database`).

A SQLite file on a network file system is refused: its locks cannot be trusted there (sqlite.org/faq.html#q5).
"""

from __future__ import annotations

import os
import pwd
import sqlite3
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlalchemy.pool import NullPool

from reports.foreign_sweeps.database import is_writable, read_only_uri
from sweeps.errors import SweepInputError
from sweeps.record.errors import StorageUnavailableError, StorageUrlError, StudyNotFoundError
from sweeps.variables import SCHEME, VARIABLE, expand, has_literal_password, masked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL, Engine


MOUNTED_STORES = frozenset({"fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse"})
NETWORK_TYPES = MOUNTED_STORES | {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs", "9p"}


def filesystem_type(path: Path, mounts: str) -> str:
    """Type of the file system that holds `path`.

    Args:
        path: absolute path, which need not exist.
        mounts: text in the form of ``/proc/mounts``: device, mount point, type, options.
    """
    kind, length = "", -1
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:  # noqa: PLR2004 - device, mount point, type
            continue
        point = Path(fields[1].replace("\\040", " "))
        if (path == point or point in path.parents) and len(point.parts) >= length:
            kind, length = fields[2], len(point.parts)
    return kind


def refuse_network_file(file: Path, mounts_file: Path = Path("/proc/mounts")) -> None:
    """Refuse a SQLite file on a network file system.

    Raises:
        StorageUrlError: with the PostgreSQL line to use instead.
    """
    if not mounts_file.exists():
        return
    kind = filesystem_type(file.resolve(), mounts_file.read_text(encoding="utf-8", errors="replace"))
    if kind in NETWORK_TYPES:
        raise StorageUrlError(
            f"storage: {file} lies on a network file system ({kind}), where SQLite files get damaged; expected a local disk. "
            "Use a local file, or a server: storage: postgresql+psycopg://USER:${PGPASSWORD}@HOST/DATABASE"
        )


STORAGE_VARIABLE = "STEADYSWEEP_STORAGE"
"""Environment variable with the URL that commands use when none is given."""
SUPPORTED = "sqlite:///FILE.db or postgresql+psycopg://USER:${PASSWORD}@HOST/DATABASE"
POSTGRESQL = ("postgresql", "postgresql+psycopg")


@dataclass(frozen=True, repr=False)
class Storage:
    """Where studies lie, as a value: written as a URL, shown without its password, expanded when it is opened.

    Attributes:
        text: the URL as it is written, ``${VARIABLES}`` unexpanded; this is what the record holds.
    """

    text: str

    def __str__(self) -> str:
        return masked(self.text)

    def __repr__(self) -> str:
        return f"Storage({str(self)!r})"

    def check(self) -> None:
        """Make sure that the text can be stored in the clear and opened.

        Raises:
            ValueError: another database, an in-memory database, or a literal password; a password is never part of the message.
        """
        if VARIABLE.fullmatch(self.text):
            return  # the whole URL is in the environment and is checked when it is opened
        match = SCHEME.match(self.text)
        if match is None:
            raise ValueError(f"expected a URL, {SUPPORTED}, got text without '://'")
        self.refuse_password()
        scheme, rest = match.groups()
        if scheme == "sqlite" and (not rest.startswith("/") or rest in ("/", "/:memory:")):
            raise ValueError(
                "expected a file, as in sqlite:///study.db (three slashes: relative, four: absolute); a study in memory cannot be continued"
            )
        if scheme != "sqlite" and scheme not in POSTGRESQL:
            raise ValueError(f"expected {SUPPORTED}, got {scheme}://...; other databases are not supported")

    def refuse_password(self) -> None:
        """Make sure that no password stands in the text.

        Raises:
            ValueError: one does; it is not part of the message.
        """
        if has_literal_password(self.text):
            raise ValueError(
                f"a password stands in the URL ({self}) and would be stored with the study; "
                "write ${PASSWORD} in its place and set the environment variable PASSWORD"
            )

    @cached_property
    def url(self) -> URL:
        """The URL with its variables expanded, so with its password.

        Raises:
            StorageUrlError: not SQLite in a file, not PostgreSQL by psycopg, or a variable is not set.
        """
        try:
            url = make_url(expand(self.text, os.environ))
        except SweepInputError as error:
            raise StorageUrlError(f"storage: {error}") from None
        except ArgumentError:
            raise StorageUrlError(
                f"storage: not a URL; expected {SUPPORTED}. A file is written sqlite:///PATH, an absolute one sqlite:////PATH."
            ) from None
        backend = url.get_backend_name()
        if backend == "sqlite" and url.database and url.database != ":memory:":
            return url.set(drivername="sqlite")
        if backend == "sqlite":
            raise StorageUrlError(f"storage: expected a file, as in {SUPPORTED}; a study in memory would be lost with the driver.")
        if url.drivername in POSTGRESQL:
            return url.set(drivername="postgresql+psycopg")
        raise StorageUrlError(f"storage: {url.drivername!r} is not supported; expected {SUPPORTED}.")

    @property
    def file(self) -> Path | None:
        """The database file of SQLite, or None for a server."""
        return Path(str(self.url.database)).absolute() if self.url.get_backend_name() == "sqlite" else None

    @property
    def place(self) -> str:
        """The opened URL for messages and logs, its password hidden."""
        return self.url.render_as_string(hide_password=True)


SQLITE_SUFFIXES = (".db", ".sqlite", ".sqlite3")


def as_url(text: str) -> str:
    """`text` as a URL: a SQLite file may be written as its path, ``flowers.db`` for ``sqlite:///flowers.db``."""
    is_file = SCHEME.match(text) is None and not VARIABLE.search(text) and text.endswith(SQLITE_SUFFIXES)
    return f"sqlite:///{Path(text).expanduser()}" if is_file else text


def check_storage(text: str) -> str:
    """`text` as a URL if it can be stored in the clear and opened: the sweep file's check of ``storage``.

    Raises:
        ValueError: see `Storage.check`.
    """
    url = as_url(text)
    Storage(url).check()
    return url


BUSY_SECONDS = 60  # how long a statement waits for another process's write
IDLE_SECONDS = 30  # how long a driver that is stalled inside a transaction may hinder others

KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
"""A server that vanished without a word is noticed in half a minute (libpq's parameters)."""


def engine_of(storage: Storage) -> Engine:
    """An engine whose every connection is set up as a driver needs it."""
    if storage.file is not None and storage.file.exists() and not is_writable(storage.file):
        engine = create_engine(storage.url, poolclass=NullPool)  # each connection looks whether a driver has the file open now
        event.listen(engine, "do_connect", partial(_connect_read_only, storage.file))
        return engine
    if storage.file is not None:
        engine = create_engine(storage.url, connect_args={"timeout": BUSY_SECONDS})
    else:
        options: dict[str, Any] = {"pool_pre_ping": True, "isolation_level": "READ COMMITTED"}
        engine = create_engine(storage.url, connect_args={"connect_timeout": 10, **KEEPALIVE}, **options)
    event.listen(engine, "connect", _on_server_connect if storage.file is None else _on_sqlite_connect)
    return engine


class Database:
    """A storage that is open: one engine, whose connections everybody shares who reads, looks and runs.

    Nothing is connected before it is needed. Close it, or use it as a context manager.

    Args:
        storage: where it is.
    """

    def __init__(self, storage: Storage | str) -> None:
        self.storage = storage if isinstance(storage, Storage) else Storage(storage)
        self._engine: Engine | None = None
        self._answers = False

    @property
    def place(self) -> str:
        """Its URL for messages, the password hidden."""
        return self.storage.place

    @property
    def engine(self) -> Engine:
        """Makes connections, also to a SQLite file that is yet to be made."""
        if self._engine is None:
            self._engine = engine_of(self.storage)
        return self._engine

    def existing(self) -> Engine:
        """The engine of a storage that must be there.

        Raises:
            StudyNotFoundError: there is no such file.
            StorageUnavailableError: it is no database, or its server does not answer.
        StorageUrlError: this user may not read it.
        """
        file = self.storage.file
        if file is not None and not file.exists():
            raise StudyNotFoundError(
                f"storage: no file {file}; expected a study's database. Check --storage ({self.place}), or run the sweep first."
            )
        if not self._answers:
            try:
                with self.engine.connect() as connection:
                    connection.exec_driver_sql("PRAGMA schema_version" if file is not None else "SELECT 1")
            except DatabaseError as error:
                self.close()
                what = f"{file} is no SQLite database" if file is not None else "the server does not answer"
                if file is not None and not os.access(file, os.R_OK):
                    raise StorageUrlError(
                        f"storage: {file} cannot be read: it belongs to {_owner(file)}, and you are {_name(os.geteuid())}. Get read access to it."
                    ) from None
                raise StorageUnavailableError(
                    f"storage {self.place}: {what} ({str(error.orig).strip()}). Check the URL, and that the database is up."
                ) from None
            self._answers = True
        return self.engine

    def close(self) -> None:
        """Close its connections; it may be used again."""
        if self._engine is not None:
            self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def opened(where: Database | str) -> Iterator[Database]:
    """The database at `where` for a block: one that is open stays open, a URL is opened and closed."""
    if isinstance(where, Database):
        yield where
        return
    with Database(where) as database:
        yield database


def refuse_unsafe_place(storage: Storage) -> None:
    """Refuse a SQLite file where it would be damaged, or that this user may not write, and make its folder.

    Raises:
        StorageUrlError: the file lies on a network file system, is somebody else's, or cannot be made here.
    """
    file = storage.file
    if file is None:
        return
    refuse_network_file(file)
    if file.exists():
        if not is_writable(file):
            closed = file.parent if os.access(file, os.W_OK) else file
            raise StorageUrlError(
                f"storage: {file} can be read here, not written: {closed} belongs to {_owner(closed)}, and you are {_name(os.geteuid())}. "
                f"`steadysweep status`, `report` and `export` only read. To run it, get write access to the file and its folder {file.parent}, or begin a study "
                "of your own with its trials: `steadysweep run --from STUDY --from-storage "
                f"{file} --set study=NAME --storage NAME.db`, called in a folder of yours."
            )
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageUrlError(
            f"storage: the folder {file.parent} cannot be made: {error.strerror}. Give a file in a folder of yours with --storage."
        ) from error
    if not os.access(file.parent, os.W_OK):
        raise StorageUrlError(
            f"storage: {file} cannot be made: {file.parent} belongs to {_owner(file.parent)}, and you are {_name(os.geteuid())}. "
            "Give a file in a folder of yours with --storage."
        )


def _owner(path: Path) -> str:
    return _name(path.stat().st_uid)


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def _connect_read_only(file: Path, *_: object) -> sqlite3.Connection:
    return sqlite3.connect(read_only_uri(file), uri=True, timeout=BUSY_SECONDS, check_same_thread=False)


def _on_sqlite_connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DB-API connection
    """Write-ahead logging lets readers work beside the driver; NORMAL syncs at checkpoints, which a killed process cannot hurt (sqlite.org/wal.html)."""
    cursor = connection.cursor()
    with suppress(DatabaseError):
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _on_server_connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DB-API connection
    """A driver that is stopped in the middle of a transaction keeps its locks, but not for ever; others wait a little longer than that."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
        cursor.execute(f"SET lock_timeout = '{2 * IDLE_SECONDS}s'")
    connection.commit()
