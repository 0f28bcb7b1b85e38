"""``${VARIABLES}`` of the sweep file: stored as written, expanded where they are used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def variables_in(text: str) -> tuple[str, ...]:
    """Names of the variables in `text`, each once."""
    return tuple(dict.fromkeys(VARIABLE.findall(text)))


def expand(text: str, environ: Mapping[str, str]) -> str:
    """`text` with each ``${NAME}`` replaced by its value; the result may hold a secret and must not be stored or shown.

    Args:
        text: e.g. ``postgresql+psycopg://sweeps:${DB_PASSWORD}@db/studies``.
        environ: usually ``os.environ``.

    Raises:
        SweepInputError: a variable is not set; its value is never part of the message.
    """
    missing = [name for name in variables_in(text) if name not in environ]
    if missing:
        names = ", ".join(f"${{{name}}}" for name in missing)
        raise SweepInputError(f"{names}: not set in the environment; set it before the command, e.g. export {missing[0]}=...")
    return VARIABLE.sub(lambda found: environ[found[1]], text)
