"""Which storage a command means, when ``--storage`` was given and when it was not."""

from __future__ import annotations

import os
from pathlib import Path

from sweeps.errors import SweepInputError
from sweeps.record.storage import STORAGE_VARIABLE
from sweeps.variables import has_literal_password


def storage_argument(given: str | None, study: str | None) -> str:
    """The storage's URL: as given, else ``$STEADYSWEEP_STORAGE``, else ``./STUDY.db``, else the only ``*.db`` here.

    Args:
        given: what stands after ``--storage``.
        study: the study the command is about, where there is one.

    Raises:
        SweepInputError: a password stands on the command line, or no storage can be told.
    """
    if given is not None:
        if has_literal_password(given):
            raise SweepInputError(
                "--storage: a password on the command line can be read by every user of this machine; "
                "write it as ${VARIABLE} in single quotes, e.g. --storage 'postgresql+psycopg://me:${PGPASSWORD}@host/db', "
                "or leave it out and put it in PostgreSQL's password file (~/.pgpass, mode 0600)."
            )
        return given
    if os.environ.get(STORAGE_VARIABLE):
        return f"${{{STORAGE_VARIABLE}}}" if "${" not in os.environ[STORAGE_VARIABLE] else os.environ[STORAGE_VARIABLE]
    if study is not None and Path(f"{study}.db").is_file():
        return f"sqlite:///{study}.db"
    found = sorted(path.name for path in Path.cwd().glob("*.db"))
    if len(found) == 1:
        return f"sqlite:///{found[0]}"
    here = f"found {len(found)} (*.db: {', '.join(found)})" if found else "found no *.db file here"
    wanted = f"{study}.db" if study else "one *.db file"
    raise SweepInputError(f"storage: expected --storage URL, ${STORAGE_VARIABLE}, or {wanted} in {Path.cwd()}; {here}.")
