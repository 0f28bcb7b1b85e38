"""Ledgers in a storage: a row a trial, written with the trial's end, and the validation images of each split once a study. Nothing of it is read when a study is opened.

See `reports.ledger` for what a ledger is and for its form as bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, inspect, select
from sqlalchemy.dialects import postgresql, sqlite

from reports.ledger import unpack, unpack_images
from sweeps.record.schema import LEDGERS, TRIALS, VALIDATION_IMAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy.engine import Connection, Row

    from reports.ledger import Ledger, PackedLedger, ValidationImages

    Rows = list[Row[Any]]
    Query = Callable[[Connection, int], Rows]

READ_AT_ONCE = 500
"""Trials of one query."""


def write_ledger(connection: Connection, study_id: int, trial_id: int, ledger: PackedLedger) -> None:
    """Write a trial's ledger, in place of one that an earlier try wrote, and its validation images where the study has them not yet."""
    if ledger.images is not None:
        new = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        row = {"study_id": study_id, "images": ledger.key, "data": ledger.images}
        connection.execute(new(VALIDATION_IMAGES).values(row).on_conflict_do_nothing())
    clear_ledger(connection, trial_id)
    connection.execute(insert(LEDGERS).values(trial_id=trial_id, images=ledger.key, data=ledger.data))


def clear_ledger(connection: Connection, trial_id: int) -> None:
    """Remove a trial's ledger, or that of a deleted trial of the same ID."""
    connection.execute(delete(LEDGERS).where(LEDGERS.c.trial_id == trial_id))


def clear_images(connection: Connection, study_id: int) -> None:
    """Remove what a deleted study of the same ID left behind."""
    connection.execute(delete(VALIDATION_IMAGES).where(VALIDATION_IMAGES.c.study_id == study_id))


class StoredLedgers:
    """The ledgers of one study, read when somebody asks.

    Args:
        run: runs a query of the storage, given a connection and Optuna's ID of the study, and returns its rows.
    """

    def __init__(self, run: Callable[[Query], Rows]) -> None:
        self._run = run
        self._images: dict[str, ValidationImages] = {}

    def read(self, numbers: Iterable[int]) -> dict[int, Ledger]:
        """Trial number to ledger, of those of `numbers` that have one, in the order given."""
        wanted = list(dict.fromkeys(numbers))
        found: dict[int, Ledger] = {}
        for start in range(0, len(wanted), READ_AT_ONCE):
            rows = self._run(_ledgers_of(wanted[start : start + READ_AT_ONCE]))
            self._learn({row.images for row in rows})
            found |= {row.number: unpack(self._images[row.images], bytes(row.data)) for row in rows if row.images in self._images}
        return {number: found[number] for number in wanted if number in found}

    def _learn(self, keys: set[str]) -> None:
        """Read validation images that were not read before: trainings of one split share the object."""
        new = sorted(keys - self._images.keys())
        if new:
            self._images |= {row.images: unpack_images(bytes(row.data)) for row in self._run(_images_of(new))}


def _ledgers_of(numbers: Sequence[int]) -> Query:
    def query(connection: Connection, study_id: int) -> Rows:
        if not inspect(connection).has_table(LEDGERS.name):  # a storage of an older version that no driver of this one has opened yet
            return []
        of_trials = select(TRIALS.c.number, LEDGERS.c.images, LEDGERS.c.data).join(LEDGERS, LEDGERS.c.trial_id == TRIALS.c.trial_id)
        return list(connection.execute(of_trials.where(TRIALS.c.study_id == study_id, TRIALS.c.number.in_(numbers))))

    return query


def _images_of(keys: Sequence[str]) -> Query:
    def query(connection: Connection, study_id: int) -> Rows:
        columns = select(VALIDATION_IMAGES.c.images, VALIDATION_IMAGES.c.data)
        return list(connection.execute(columns.where(VALIDATION_IMAGES.c.study_id == study_id, VALIDATION_IMAGES.c.images.in_(keys))))

    return query
