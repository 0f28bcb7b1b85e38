"""What only a server does: it goes away, and it has a password."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

import pytest
from large_study import add_trial, new_study
from optuna.trial import TrialState
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from sweeps.record import read_study
from sweeps.record.errors import StorageTimes, StorageUnavailableError
from sweeps.record.storage import Storage

if TYPE_CHECKING:
    from conftest import PostgresServer


def test_a_database_that_is_away_for_a_while_loses_nothing(postgres: PostgresServer, caplog: pytest.LogCaptureFixture) -> None:
    study = new_study(postgres.url, "outage")
    number = add_trial(study)
    study.begin_attempt(number, 0, driver="d", from_epoch=0, gpu=0)
    postgres.stop()
    back = threading.Thread(target=lambda: (time.sleep(1.5), postgres.start()))
    back.start()
    with caplog.at_level(logging.WARNING):
        study.add_epoch(number, 0, 1, {"val_accuracy": 0.5}, None)
        study.show_epoch(number, 1, 0.5, 100)
    back.join()
    assert "does not answer" in caplog.text
    assert "canary" not in caplog.text
    assert read_study(postgres.url, "outage").trials[0].curves["val_accuracy"].tolist() == [0.5]
    study.end_attempt(number, 0, "completed")  # still this driver's
    study.close()


def test_a_database_that_stays_away_ends_the_run_with_words(postgres: PostgresServer) -> None:
    study = new_study(postgres.url, "gone", times=StorageTimes(outage=1.0))
    number = add_trial(study)
    postgres.stop()
    with pytest.raises(StorageUnavailableError, match=r"did not answer for 1 s .*run the sweep again") as caught:
        study.set_attributes(number, {"figures": {}})
    assert postgres.password not in str(caught.value)
    began = time.monotonic()
    with pytest.raises(StorageUnavailableError):  # nobody waits a second time
        study.tell(number, TrialState.COMPLETE, [0.5])
    study.close()
    assert time.monotonic() - began < 30
    postgres.start()
    assert read_study(postgres.url, "gone").trials[0].state == "RUNNING"


def test_what_the_database_will_not_do_is_not_asked_for_again(postgres: PostgresServer) -> None:
    study = new_study(postgres.url, "asked")
    number = add_trial(study)
    began = time.monotonic()
    with pytest.raises(DBAPIError):
        study.begin_attempt(number, 0, driver="d" * 300, from_epoch=0, gpu=0)
    study.close()
    assert time.monotonic() - began < 60


def test_the_password_is_nowhere_in_the_database(postgres: PostgresServer) -> None:
    study = new_study(postgres.url, "secret")
    add_trial(study)
    study.close()
    engine = create_engine(postgres.url)
    with engine.connect() as connection:
        tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        content = "".join(str(connection.execute(text(f"SELECT * FROM {table}")).all()) for table in tables)  # noqa: S608 - the server's own names
    engine.dispose()
    assert "secret" in content
    assert postgres.password not in content
    assert postgres.password not in Storage(postgres.url).place
