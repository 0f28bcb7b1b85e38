"""Connections to a storage: SQLite in WAL mode, or PostgreSQL.

Whether a file lies on a network file system, where SQLite's locks cannot be trusted (sqlite.org/faq.html#q5).
Storage URLs: expanded at use, checked, and shown without their password.
What may stand under ``storage``: a SQLite file or PostgreSQL, and never a password.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from sweeps.environment import VARIABLE, expand
from sweeps.errors import SweepInputError
from sweeps.record.errors import StorageUnavailableError, StorageUrlError, StudyNotFoundError

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


NETWORK_TYPES = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "gpfs",
        "beegfs",
        "9p",
        "fuse.sshfs",
        "fuse.s3fs",
        "fuse.gcsfuse",
    }
)


def filesystem_type(path: Path, mounts: str) -> str:
    """Type of the file system that holds `path`.

    Args:
        path: absolute path, which need not exist.
        mounts: text in the form of ``/proc/mounts``: device, mount point, type, options.
    """
    found, length = "", -1
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:  # noqa: PLR2004 - device, mount point, type
            continue
        point = Path(fields[1].replace("\\040", " "))
        if (path == point or point in path.parents) and len(point.parts) >= length:
            found, length = fields[2], len(point.parts)
    return found


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


SUPPORTED = "sqlite:///FILE.db or postgresql+psycopg://USER@HOST/DATABASE"


def storage_url(text: str) -> URL:
    """The URL that `text` means, variables expanded.

    Raises:
        StorageUrlError: not SQLite in a file, not PostgreSQL by psycopg.
    """
    try:
        url = make_url(expand(text, os.environ))
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
    if backend == "postgresql" and url.drivername in ("postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    raise StorageUrlError(f"storage: {url.drivername!r} is not supported; expected {SUPPORTED}.")


def shown(url: URL) -> str:
    """`url` for people and logs: its password hidden."""
    return url.render_as_string(hide_password=True)


def secrets(url: URL) -> tuple[str, ...]:
    """Texts of `url` that must not appear in the record, in logs or in reports."""
    return tuple(
        part for part in (str(url.password) if url.password else "", url.render_as_string(hide_password=False)) if url.password and part
    )


def sqlite_file(url: URL) -> Path | None:
    """The database file of a SQLite URL, or None for a server."""
    return Path(str(url.database)).absolute() if url.get_backend_name() == "sqlite" else None


BUSY_SECONDS = 60  # how long a statement waits for another process's write
IDLE_SECONDS = 30  # how long a driver that is stalled inside a transaction may hinder others

KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
"""A server that vanished without a word is noticed in half a minute (libpq's parameters)."""


def engine_options(url: URL) -> dict[str, Any]:
    """Arguments of `sqlalchemy.create_engine` for `url`, also handed to Optuna's storage."""
    if sqlite_file(url) is not None:
        return {"connect_args": {"timeout": BUSY_SECONDS}}
    return {"pool_pre_ping": True, "isolation_level": "READ COMMITTED", "connect_args": {"connect_timeout": 10, **KEEPALIVE}}


def prepare(engine: Engine) -> None:
    """Set what every new connection needs; connections made before are closed."""
    event.listen(engine, "connect", _on_sqlite_connect if engine.dialect.name == "sqlite" else _on_server_connect)
    engine.dispose()


def open_for_reading(url: URL) -> Engine:
    """An engine on an existing storage.

    Raises:
        StudyNotFoundError: there is no such file.
        StorageUnavailableError: it is no database, or its server does not answer.
    """
    file = sqlite_file(url)
    if file is not None and not file.exists():
        raise StudyNotFoundError(
            f"storage: no file {file}; expected a study's database. Check --storage ({shown(url)}), or run the sweep first."
        )
    engine = create_engine(url, **engine_options(url))
    prepare(engine)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA schema_version" if file is not None else "SELECT 1")
    except DatabaseError as error:
        engine.dispose()
        what = f"{file} is no SQLite database" if file is not None else "the server does not answer"
        raise StorageUnavailableError(
            f"storage {shown(url)}: {what} ({str(error.orig).strip()}). Check the URL, and that the database is up."
        ) from None
    return engine


def refuse_unsafe_place(url: URL) -> None:
    """Refuse a SQLite file where it would be damaged, and make its folder.

    Raises:
        StorageUrlError: the file lies on a network file system.
    """
    file = sqlite_file(url)
    if file is not None:
        refuse_network_file(file)
        file.parent.mkdir(parents=True, exist_ok=True)


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


_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)\Z", re.DOTALL)
_QUERY_PASSWORD = re.compile(r"[?&](?:password|passwd|pwd|sslpassword)=([^&]*)", re.IGNORECASE)
IN_THE_CLEAR = (
    "a password stands in the URL and would be stored with the study; write ${VARIABLE} in its place and set it in the environment"
)
STORAGE_VARIABLE = "STEADYSWEEP_STORAGE"
"""Environment variable with the URL that commands use when none is given."""
POSTGRESQL = ("postgresql", "postgresql+psycopg")
_ACCEPTED = "sqlite:///FILE.db or postgresql+psycopg://USER:${PASSWORD}@HOST/DATABASE"


def check_storage(url: str) -> str:
    """`url` if it can be stored in the clear and opened.

    Raises:
        ValueError: another database, an in-memory database, or a literal password; a password is never part of the message.
    """
    if VARIABLE.fullmatch(url):
        return url  # the whole URL is in the environment and is checked when it is opened
    match = _SCHEME.match(url)
    if match is None:
        raise ValueError(f"expected a URL, {_ACCEPTED}, got text without '://'")
    scheme, rest = match.groups()
    if has_literal_password(url):
        raise ValueError(
            f"a password stands in the URL ({masked(url)}) and would be stored with the study; "
            "write ${PASSWORD} in its place and set the environment variable PASSWORD"
        )
    if scheme == "sqlite":
        if not rest.startswith("/") or rest in ("/", "/:memory:"):
            raise ValueError(
                "expected a file, as in sqlite:///study.db (three slashes: relative, four: absolute); a study in memory cannot be continued"
            )
        return url
    if scheme not in POSTGRESQL:
        raise ValueError(f"expected {_ACCEPTED}, got {scheme}://...; other databases are not supported")
    return url


def has_literal_password(url: str) -> bool:
    """Whether a URL of any scheme holds a password that is not wholly made of ``${VARIABLES}``."""
    literal = [word for word in _passwords(url) if VARIABLE.sub("", word)]
    return bool(literal)


def masked(url: str) -> str:
    """`url` with ``***`` in place of literal passwords, for messages."""
    match = _SCHEME.match(url)
    if match and "@" in match[2]:
        credentials, host = match[2].rsplit("@", 1)
        user, colon, word = credentials.partition(":")
        hidden = f"{user}{colon}{word if not VARIABLE.sub('', word) else '***'}"
        url = f"{match[1]}://{hidden}@{host}"
    return _QUERY_PASSWORD.sub(lambda found: found[0] if not VARIABLE.sub("", found[1]) else found[0][: -len(found[1])] + "***", url)


def _passwords(url: str) -> list[str]:
    """Literal or variable passwords; everything between the first colon after ``://`` and the last @ counts, whatever it is made of."""
    found = _QUERY_PASSWORD.findall(url)
    match = _SCHEME.match(url)
    if match and "@" in match[2]:
        _, colon, word = match[2].rsplit("@", 1)[0].partition(":")
        if colon:
            found.append(word)
    return found
