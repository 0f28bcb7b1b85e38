"""A storage of schema 1, as that version wrote it: two databases that were dumped then, each with a sweep that was interrupted in its fifth trial."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, inspect, text

from sweeps.record import read_study
from sweeps.record.errors import SchemaError
from sweeps.record.opening import open_study
from sweeps.record.schema import LEASES, METADATA, SCHEMA_VERSION, stored_version
from sweeps.record.study_record import read_study_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import PostgresServer

DUMPS = Path(__file__).parents[1] / "data/record"
STATES = ["COMPLETE", "COMPLETE", "COMPLETE", "PRUNED", "RUNNING"]


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a storage of schema 1."""
    dump = (DUMPS / f"version_1.{request.param}.sql").read_text()
    if request.param == "sqlite":
        with sqlite3.connect(tmp_path / "old.db") as connection:
            connection.executescript(dump)
        connection.close()
        yield f"sqlite:///{tmp_path}/old.db"
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    server = create_engine(postgres.url, isolation_level="AUTOCOMMIT")
    url = postgres.url.removesuffix("/postgres") + "/old"
    with server.connect() as connection:
        connection.execute(text("CREATE DATABASE old"))
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(dump)
    engine.dispose()
    yield url
    with server.connect() as connection:
        connection.execute(text("DROP DATABASE old WITH (FORCE)"))
    server.dispose()


def test_it_is_read_as_it_is(old: str) -> None:
    study = read_study(old, "old")
    assert [trial.state for trial in study.trials] == STATES
    assert [trial.num_epochs for trial in study.trials] == [5, 5, 5, 2, 2]
    assert study.trials[4].attempts[0].cause == "interrupted"
    engine = create_engine(old)
    assert stored_version(engine) == 1
    engine.dispose()


def test_its_next_driver_migrates_it_and_everything_is_there(old: str) -> None:
    before, facts = read_study(old, "old"), read_study_facts(old, "old")
    driver = open_study(old, "old")
    assert [trial.state for trial in driver.trials()] == STATES
    assert driver.claim(4)
    driver.begin_attempt(4, 1, driver="d", from_epoch=2, gpu=0)
    driver.add_epoch(4, 1, 3, {"val_accuracy": 0.5}, None)
    driver.close()
    after = read_study(old, "old")
    assert [trial.figures for trial in after.trials[:4]] == [trial.figures for trial in before.trials[:4]]
    assert [list(trial.curves["val_accuracy"]) for trial in after.trials[:4]] == [
        list(trial.curves["val_accuracy"]) for trial in before.trials[:4]
    ]
    assert after.trials[4].num_epochs == 3
    assert read_study_facts(old, "old") == facts
    open_study(old, "old").close()


def test_a_migrated_storage_has_the_tables_of_a_new_one(old: str) -> None:
    open_study(old, "old").close()
    engine = create_engine(old)
    assert stored_version(engine) == SCHEMA_VERSION
    tables = inspect(engine)
    for table in METADATA.sorted_tables:
        migrated = {column["name"]: (str(column["type"]), column["nullable"]) for column in tables.get_columns(table.name)}
        assert migrated.keys() == {column.name for column in table.columns}
        assert {name for name, (_, nullable) in migrated.items() if nullable} == {
            column.name for column in table.columns if column.nullable
        }
    columns = {column["name"]: column["type"].compile(engine.dialect) for column in tables.get_columns(LEASES.name)}
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE steadysweep_leases"))
        LEASES.create(connection)
    assert {column["name"]: column["type"].compile(engine.dialect) for column in inspect(engine).get_columns(LEASES.name)} == columns
    engine.dispose()


@pytest.mark.parametrize("old", ["postgresql"], indirect=True)
def test_it_is_not_migrated_under_a_driver_that_knows_no_leases(old: str) -> None:
    key = int.from_bytes(hashlib.blake2b(b"steadysweep:old", digest_size=8).digest(), "big", signed=True)
    engine = create_engine(old)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})  # what schema 1 had instead
        with pytest.raises(SchemaError, match=r"study 'old' .* knows only one driver"):
            open_study(old, "old")
        assert stored_version(engine) == 1
    engine.dispose()
    open_study(old, "old").close()
