"""Our own tables beside Optuna's, their version and migrations, the columns of Optuna's tables that are read directly, and learning curves as bytes.

Rows name Optuna's ``trial_id`` and ``study_id`` without a foreign key: Optuna's own tools may delete a study, which a constraint of ours must not hinder.
SQLite may then hand out a deleted ID again, so rows of ours are cleared whenever an ID is new.

Optuna's own loading builds every trial with all its intermediate values (measured: 24.7 s and 1.9 GB for 10,000 trials of 100 epochs); reports and the driver
need neither. Studies are made by Optuna's storage, which also checks its schema's version; trials are written by `sweeps.record.writing`.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa

from reports.records import Curves
from sweeps.record.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from numpy.typing import NDArray
    from sqlalchemy.engine import Connection, Engine

    from reports.records import ParameterValue


STUDIES = sa.table("studies", sa.column("study_id"), sa.column("study_name"))
TRIALS = sa.table(
    "trials",
    sa.column("trial_id"),
    sa.column("number"),
    sa.column("study_id"),
    sa.column("state"),
    sa.column("datetime_start", sa.DateTime),
    sa.column("datetime_complete", sa.DateTime),
)
PARAMS = sa.table("trial_params", *map(sa.column, ("param_id", "trial_id", "param_name", "param_value", "distribution_json")))
USER_ATTRIBUTES = sa.table("trial_user_attributes", sa.column("trial_id"), sa.column("key"), sa.column("value_json"))
SYSTEM_ATTRIBUTES = sa.table("trial_system_attributes", sa.column("trial_id"), sa.column("key"), sa.column("value_json"))


@cache
def _distribution(text: str) -> tuple[str, tuple[ParameterValue, ...]]:
    """Class name and, for a categorical, choices of a distribution as Optuna writes it."""
    document = json.loads(text)
    return document["name"], tuple(document["attributes"].get("choices", ()))


def parameter_value(stored: float, distribution_json: str) -> ParameterValue:
    """The value of a parameter from its stored number."""
    name, choices = _distribution(distribution_json)
    if choices:
        return choices[int(stored)]
    return int(stored) if name.startswith("Int") else float(stored)


def utc(moment: datetime | None) -> datetime | None:
    """A stored naive UTC time with its zone."""
    return None if moment is None else moment.replace(tzinfo=UTC)


def naive_utc_now() -> datetime:
    """Now, as it is stored."""
    return datetime.now(UTC).replace(tzinfo=None)


_LEASES = """
CREATE TABLE steadysweep_leases (
    trial_id INTEGER NOT NULL PRIMARY KEY,
    study_id INTEGER NOT NULL,
    owner VARCHAR(256) NOT NULL,
    process VARCHAR(128) NOT NULL,
    fence INTEGER NOT NULL,
    seconds FLOAT NOT NULL,
    expires {time} NOT NULL
)
"""


def add_leases(connection: Connection) -> None:
    """1 → 2: several drivers share a study by leases. Version 1 had one driver, with a session's lock that must be free now.

    Raises:
        SchemaError: a driver of version 1 is running one of the studies; it would not know of leases.
    """
    server = connection.dialect.name == "postgresql"
    if server:
        for name in connection.execute(sa.select(STUDIES.c.study_name)).scalars():
            digest = hashlib.blake2b(f"steadysweep:{name}".encode(), digest_size=8).digest()
            key = int.from_bytes(digest, "big", signed=True)
            if not connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(key))).scalar_one():
                raise SchemaError(
                    f"study {name!r} in this storage is being run by a steadysweep that knows only one driver; expected none while the storage is migrated. "
                    "Wait for it, or stop it."
                )
    connection.execute(sa.text(_LEASES.format(time="TIMESTAMP WITH TIME ZONE" if server else "DATETIME")))


_LEDGERS = """
CREATE TABLE steadysweep_ledgers (trial_id INTEGER NOT NULL PRIMARY KEY, images VARCHAR(32) NOT NULL, data {bytes} NOT NULL)
"""
_VALIDATION_IMAGES = """
CREATE TABLE steadysweep_validation_images (study_id INTEGER NOT NULL, images VARCHAR(32) NOT NULL, data {bytes} NOT NULL, PRIMARY KEY (study_id, images))
"""


def add_ledgers(connection: Connection) -> None:
    """2 → 3: which validation images were right. Trials that are over have no ledger; a driver of version 2 that is running goes on without."""
    kind = "BYTEA" if connection.dialect.name == "postgresql" else "BLOB"
    for table in (_LEDGERS, _VALIDATION_IMAGES):
        connection.execute(sa.text(table.format(bytes=kind)))


MIGRATIONS: Mapping[int, Callable[[Connection], None]] = {1: add_leases, 2: add_ledgers}
"""Version → the step to the next one."""


SCHEMA_VERSION = 3
OLDEST_READABLE = 1  # version 2 adds a table that only drivers need, version 3 tables that readers look for
METADATA = sa.MetaData()

VERSION = sa.Table("steadysweep_schema", METADATA, sa.Column("version", sa.Integer, primary_key=True, autoincrement=False))

FACTS = sa.Table(
    "steadysweep_study_facts",
    METADATA,
    sa.Column("study_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key", sa.String(128), primary_key=True),
    sa.Column("value_json", sa.Text, nullable=False),
)

CURVES = sa.Table(  # a row holds the epochs [first_epoch, first_epoch + epochs), see `encode`
    "steadysweep_curves",
    METADATA,
    sa.Column("trial_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("first_epoch", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("epochs", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

ATTEMPTS = sa.Table(  # times are naive UTC, as Optuna's
    "steadysweep_attempts",
    METADATA,
    sa.Column("trial_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("driver", sa.String(256), nullable=False),
    sa.Column("worker", sa.String(256), nullable=False),
    sa.Column("from_epoch", sa.Integer, nullable=False),
    sa.Column("started", sa.DateTime, nullable=False),
    sa.Column("seen", sa.DateTime, nullable=False),
    sa.Column("ended", sa.DateTime),
    sa.Column("cause", sa.String(64)),
    sa.Column("checkpoint", sa.Text),
    sa.Column("gpu", sa.Float, nullable=False),
)

LEASES = sa.Table(  # a row for each unfinished trial of a shared study, see `sweeps.record.leases`
    "steadysweep_leases",
    METADATA,
    sa.Column("trial_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("study_id", sa.Integer, nullable=False),
    sa.Column("owner", sa.String(256), nullable=False),
    sa.Column("process", sa.String(128), nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
)


LEDGERS = sa.Table(  # a row for each complete trial, see `sweeps.record.ledgers`; `images` names a row of the table below
    "steadysweep_ledgers",
    METADATA,
    sa.Column("trial_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("images", sa.String(32), nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

VALIDATION_IMAGES = sa.Table(  # a row for each split that trials of a study were validated on
    "steadysweep_validation_images",
    METADATA,
    sa.Column("study_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("images", sa.String(32), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)


def stored_version(engine: Engine) -> int | None:
    """The version of our tables in a storage, or None where there are none."""
    if not sa.inspect(engine).has_table(VERSION.name):
        return None
    with engine.connect() as connection:
        return connection.execute(sa.select(VERSION.c.version)).scalar_one_or_none()


def check_version(engine: Engine, place: str) -> None:
    """Make sure that this version can read the storage.

    Args:
        engine: the storage.
        place: its URL without password, for the message.

    Raises:
        SchemaError: tables of another version, or none.
    """
    version = stored_version(engine)
    if version is None:
        raise SchemaError(
            f"storage {place}: holds no study of steadysweep; expected its tables. Check the URL; Optuna studies made elsewhere cannot be read."
        )
    if version > SCHEMA_VERSION:
        raise SchemaError(
            f"storage {place}: has schema {version}; this version reads up to {SCHEMA_VERSION}. Use the steadysweep that wrote it, or a newer one."
        )
    if version < OLDEST_READABLE:
        raise SchemaError(
            f"storage {place}: has schema {version}; this version reads from {OLDEST_READABLE} on. Use the steadysweep that wrote it."
        )


def create_or_migrate(engine: Engine, place: str) -> None:
    """Create our tables in a new storage; bring older ones to this version, all steps or none.

    Raises:
        SchemaError: the tables are newer, too old for a migration, or used by an older driver right now.
    """
    version = stored_version(engine)
    if version is None:
        METADATA.create_all(engine)
        with engine.begin() as connection:
            connection.execute(sa.insert(VERSION).values(version=SCHEMA_VERSION))
        return
    check_version(engine, place)
    if version == SCHEMA_VERSION:
        return
    with engine.begin() as connection:
        for step in range(version, SCHEMA_VERSION):
            MIGRATIONS[step](connection)
        connection.execute(sa.update(VERSION).values(version=SCHEMA_VERSION))


COMPRESSION_LEVEL = 1
_PLANES = 4  # bytes of a float32

Chunk = tuple[int, bytes]  # first epoch counted from 1, encoded epochs


def encode(curves: Mapping[str, NDArray[np.float32]]) -> bytes:
    """Encode curves of one length, each of shape ``(num_epochs,)``."""
    names = list(curves)
    matrix = np.asarray([curves[name] for name in names], dtype="<f4")
    planes = matrix.reshape(-1).view(np.uint8).reshape(-1, _PLANES).T
    return zlib.compress(json.dumps(names).encode() + b"\n" + planes.tobytes(), COMPRESSION_LEVEL)


def decode(data: bytes) -> dict[str, NDArray[np.float32]]:
    """The curves that `encode` was given."""
    header, _, body = zlib.decompress(data).partition(b"\n")
    names = json.loads(header)
    values = np.frombuffer(body, dtype=np.uint8).reshape(_PLANES, -1).T.copy().view("<f4").reshape(len(names), -1)
    return dict(zip(names, values, strict=True))


def decode_chunks(chunks: Iterable[Chunk]) -> dict[str, NDArray[np.float32]]:
    """Join chunks to whole curves, NaN where an epoch has no such metric."""
    parts = [(first, decode(data)) for first, data in chunks]
    if len(parts) == 1 and parts[0][0] == 1:
        return parts[0][1]
    length = max((first - 1 + len(next(iter(part.values()), ())) for first, part in parts), default=0)
    curves: dict[str, NDArray[np.float32]] = {}
    for first, part in parts:
        for name, values in part.items():
            whole = curves.setdefault(name, np.full(length, np.nan, dtype=np.float32))
            whole[first - 1 : first - 1 + len(values)] = values
    return curves


def one_epoch(figures: Mapping[str, float]) -> dict[str, NDArray[np.float32]]:
    """Figures of a single epoch as curves of length 1."""
    return {name: np.asarray([value], dtype=np.float32) for name, value in figures.items()}


class LazyCurves(Curves):
    """Metric name to values of shape ``(num_epochs,)``; opening 10,000 trials costs their bytes, not their decoding."""

    def __init__(self, chunks: tuple[Chunk, ...], num_epochs: int) -> None:
        self._chunks = chunks
        self._curves: dict[str, NDArray[np.float32]] | None = None
        self._num_epochs = num_epochs

    @property
    def num_epochs(self) -> int:
        """Epochs on record."""
        return self._num_epochs

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        return self._decoded()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._decoded())

    def __len__(self) -> int:
        return len(self._decoded())

    def _decoded(self) -> dict[str, NDArray[np.float32]]:
        if self._curves is None:
            self._curves = decode_chunks(self._chunks)
            self._chunks = ()
        return self._curves
