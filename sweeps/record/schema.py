"""Our own tables beside Optuna's, their version and migrations, and the columns of Optuna's tables that are read directly.

Rows name Optuna's ``trial_id`` and ``study_id`` without a foreign key: Optuna's own tools may delete a study, which a constraint of ours must not hinder.
SQLite may then hand out a deleted ID again, so rows of ours are cleared whenever an ID is new.

Optuna's own loading builds every trial with all its intermediate values (measured: 24.7 s and 1.9 GB for 10,000 trials of 100 epochs); reports and the driver
need neither. Studies are made by Optuna's storage, which also checks its schema's version; trials are written by `sweeps.record.writing`.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import (
    Column,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    column,
    func,
    insert,
    inspect,
    select,
    table,
    text,
    update,
)

from sweeps.record.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.engine import Connection, Engine

    from reports.records import ParameterValue


STUDIES = table("studies", column("study_id"), column("study_name"))
TRIALS = table(
    "trials",
    column("trial_id"),
    column("number"),
    column("study_id"),
    column("state"),
    column("datetime_start", DateTime),
    column("datetime_complete", DateTime),
)
PARAMS = table(
    "trial_params", column("param_id"), column("trial_id"), column("param_name"), column("param_value"), column("distribution_json")
)
USER_ATTRIBUTES = table("trial_user_attributes", column("trial_id"), column("key"), column("value_json"))
SYSTEM_ATTRIBUTES = table("trial_system_attributes", column("trial_id"), column("key"), column("value_json"))


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
        for name in connection.execute(select(STUDIES.c.study_name)).scalars():
            digest = hashlib.blake2b(f"steadysweep:{name}".encode(), digest_size=8).digest()
            key = int.from_bytes(digest, "big", signed=True)
            if not connection.execute(select(func.pg_try_advisory_xact_lock(key))).scalar_one():
                raise SchemaError(
                    f"study {name!r} in this storage is being run by a steadysweep that knows only one driver; expected none while the storage is migrated. "
                    "Wait for it, or stop it."
                )
    connection.execute(text(_LEASES.format(time="TIMESTAMP WITH TIME ZONE" if server else "DATETIME")))


MIGRATIONS: Mapping[int, Callable[[Connection], None]] = {1: add_leases}
"""Version → the step to the next one."""


SCHEMA_VERSION = 2
OLDEST_READABLE = 1  # version 2 adds a table that only drivers need
METADATA = MetaData()

VERSION = Table("steadysweep_schema", METADATA, Column("version", Integer, primary_key=True, autoincrement=False))

FACTS = Table(
    "steadysweep_study_facts",
    METADATA,
    Column("study_id", Integer, primary_key=True, autoincrement=False),
    Column("key", String(128), primary_key=True),
    Column("value_json", Text, nullable=False),
)

CURVES = Table(  # a row holds the epochs [first_epoch, first_epoch + epochs), see `sweeps.record.curves`
    "steadysweep_curves",
    METADATA,
    Column("trial_id", Integer, primary_key=True, autoincrement=False),
    Column("first_epoch", Integer, primary_key=True, autoincrement=False),
    Column("epochs", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

ATTEMPTS = Table(  # times are naive UTC, as Optuna's
    "steadysweep_attempts",
    METADATA,
    Column("trial_id", Integer, primary_key=True, autoincrement=False),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("driver", String(256), nullable=False),
    Column("worker", String(256), nullable=False),
    Column("from_epoch", Integer, nullable=False),
    Column("started", DateTime, nullable=False),
    Column("seen", DateTime, nullable=False),
    Column("ended", DateTime),
    Column("cause", String(64)),
    Column("checkpoint", Text),
    Column("gpu", Float, nullable=False),
)

LEASES = Table(  # a row for each unfinished trial of a shared study, see `sweeps.record.leases`
    "steadysweep_leases",
    METADATA,
    Column("trial_id", Integer, primary_key=True, autoincrement=False),
    Column("study_id", Integer, nullable=False),
    Column("owner", String(256), nullable=False),
    Column("process", String(128), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("expires", DateTime(timezone=True), nullable=False),
)


def stored_version(engine: Engine) -> int | None:
    """The version of our tables in a storage, or None where there are none."""
    if not inspect(engine).has_table(VERSION.name):
        return None
    with engine.connect() as connection:
        return connection.execute(select(VERSION.c.version)).scalar_one_or_none()


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
            connection.execute(insert(VERSION).values(version=SCHEMA_VERSION))
        return
    check_version(engine, place)
    if version == SCHEMA_VERSION:
        return
    with engine.begin() as connection:
        for step in range(version, SCHEMA_VERSION):
            MIGRATIONS[step](connection)
        connection.execute(update(VERSION).values(version=SCHEMA_VERSION))
