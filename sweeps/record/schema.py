"""Our own tables beside Optuna's, with their version.

Rows name Optuna's ``trial_id`` and ``study_id`` without a foreign key: Optuna's own tools may delete a study, which a constraint of ours must not hinder.
SQLite may then hand out a deleted ID again, so rows of ours are cleared whenever an ID is new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, DateTime, Float, Integer, LargeBinary, MetaData, String, Table, Text, insert, inspect, select, update

from sweeps.record.errors import SchemaError
from sweeps.record.migrations import MIGRATIONS

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

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

CURVES = Table(  # a row holds the epochs [first_epoch, first_epoch + epochs), see `curve_codec`
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

LEASES = Table(  # a row for each unfinished trial of a shared study, see `leases`
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
