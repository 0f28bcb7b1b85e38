"""Ledgers in a storage: written with a trial's end, by its owner alone, and read only when somebody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from large_study import add_trial, new_study
from optuna.trial import TrialState
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine

from reports.ledger import Ledger, ValidationImages, pack
from sweeps.record import read_study
from sweeps.record.errors import LeaseLostError
from sweeps.record.opening import open_study
from sweeps.record.schema import SCHEMA_VERSION, stored_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import PostgresServer

    from sweeps.record.recorded_study import RecordedStudy

RNG = np.random.default_rng(0)
IMAGES = ValidationImages(
    "data", np.arange(0, 300, 3), RNG.integers(4, size=100), ("a", "b", "c", "d"), tuple(f"a/{n}.png" for n in range(100))
)


def ledger(images: ValidationImages = IMAGES, seed: int = 0) -> Ledger:
    rng = np.random.default_rng(seed)
    return Ledger.of(images, range(9, 21), rng.random((12, len(images))) < 0.8, rng.integers(4, size=len(images)))


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Every statement that any engine executes."""
    said: list[str] = []

    def listen(*arguments: object) -> None:
        said.append(str(arguments[2]))

    event.listen(Engine, "before_cursor_execute", listen)
    yield said
    event.remove(Engine, "before_cursor_execute", listen)


def test_a_trials_ledger_is_read_as_it_was_written(url: str, name: str, study: RecordedStudy) -> None:
    other = ValidationImages("other split", np.arange(50, 90), np.zeros(40, np.int64), ("a", "b", "c", "d"))
    written = {add_trial(study): ledger(seed=1), add_trial(study): ledger(other, 2), add_trial(study): ledger(seed=3)}
    for number, of_trial in written.items():
        study.add_ledger(number, pack(of_trial, study.known_images))
    without = add_trial(study)
    found = read_study(url, name).ledgers.read([2, 0, 1, without, 99])
    assert list(found) == [2, 0, 1]
    for number, read in found.items():
        assert (read.right == written[number].right).all()
        assert read.classes is not None
        assert (read.classes == written[number].classes).all()
        assert read.epochs.tolist() == list(range(9, 21))
    assert found[0].validation is found[2].validation
    assert found[0].validation.names == IMAGES.names
    assert (found[1].images == other.places).all()
    assert study.known_images == tuple(sorted([IMAGES.key, other.key]))
    assert (study.ledgers.read([2])[2].right == written[2].right).all()


def test_images_of_a_split_are_on_record_once(url: str, name: str, study: RecordedStudy) -> None:
    for number in (add_trial(study), add_trial(study)):
        study.add_ledger(number, pack(ledger()))  # two workers that began together bring them both
    engine = create_engine(url)
    query = "SELECT count(*) FROM steadysweep_validation_images AS split JOIN studies ON studies.study_id = split.study_id WHERE study_name = :name"
    with engine.connect() as connection:
        assert connection.execute(text(query), {"name": name}).scalar_one() == 1
    engine.dispose()
    assert pack(ledger(), study.known_images).images is None


def test_a_driver_that_repeats_a_trials_end_replaces_its_ledger(url: str, name: str, study: RecordedStudy) -> None:
    number = add_trial(study)
    study.add_ledger(number, pack(ledger(seed=1)))
    study.add_ledger(number, pack(ledger(seed=2)))
    assert (read_study(url, name).ledgers.read([number])[number].right == ledger(seed=2).right).all()


def test_opening_a_study_reads_no_ledger(url: str, name: str, study: RecordedStudy, statements: list[str]) -> None:
    number = add_trial(study)
    study.add_ledger(number, pack(ledger()))
    study.tell(number, TrialState.COMPLETE, [0.5])
    study.close()
    del statements[:]
    driver = open_study(url, name)
    driver.trials()
    driver.close()
    record = read_study(url, name)
    assert [each.state for each in record.trials] == ["COMPLETE"]
    assert statements
    assert not [each for each in statements if "steadysweep_ledgers" in each or "validation_images" in each]
    assert record.ledgers.read([number])
    assert [each for each in statements if "steadysweep_ledgers" in each]


def test_a_driver_that_lost_its_lease_writes_no_ledger(postgres: PostgresServer, name: str) -> None:
    study = new_study(postgres.url, name)
    number = add_trial(study)
    engine = create_engine(postgres.url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE steadysweep_leases SET fence = fence + 1"))
    engine.dispose()
    with pytest.raises(LeaseLostError):
        study.add_ledger(number, pack(ledger()))
    study.close()
    assert read_study(postgres.url, name).ledgers.read([number]) == {}


def test_a_storage_without_ledgers_is_read_and_migrated(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    study = new_study(url, "old")
    number = add_trial(study)
    study.close()
    engine = create_engine(url)
    with engine.begin() as connection:  # as version 2 left it
        for table in ("ledgers", "validation_images"):
            connection.execute(text(f"DROP TABLE steadysweep_{table}"))
        connection.execute(text("UPDATE steadysweep_schema SET version = 2"))
    assert read_study(url, "old").ledgers.read([number]) == {}
    driver = open_study(url, "old")
    driver.trials()
    driver.add_ledger(number, pack(ledger()))
    driver.close()
    assert stored_version(engine) == SCHEMA_VERSION
    engine.dispose()
    assert number in read_study(url, "old").ledgers.read([number])


def test_a_deleted_study_leaves_no_ledger_to_a_new_one(tmp_path: Path) -> None:
    """SQLite hands out the IDs of deleted rows again."""
    import optuna

    url = f"sqlite:///{tmp_path}/studies.db"
    study = new_study(url, "first")
    study.add_ledger(add_trial(study), pack(ledger()))
    study.close()
    optuna.delete_study(study_name="first", storage=url)
    study = new_study(url, "second")
    number = add_trial(study)
    study.close()
    assert read_study(url, "second").ledgers.read([number]) == {}
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM steadysweep_validation_images")).scalar_one() == 0
    engine.dispose()
