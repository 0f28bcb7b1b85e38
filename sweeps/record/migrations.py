"""Steps from one version of our tables to the next, each in the transaction that also counts the version up."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text

from sweeps.record.errors import SchemaError
from sweeps.record.optuna_tables import STUDIES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.engine import Connection

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
