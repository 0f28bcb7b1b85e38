"""``${VARIABLES}`` of the sweep file: stored as written, expanded where they are used; and the passwords that must be written so."""

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


SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)\Z", re.DOTALL)
_QUERY_PASSWORD = re.compile(r"[?&](?:password|passwd|pwd|sslpassword)=([^&]*)", re.IGNORECASE)
IN_THE_CLEAR = (
    "a password stands in the URL and would be stored with the study; write ${VARIABLE} in its place and set it in the environment"
)


def has_literal_password(url: str) -> bool:
    """Whether a URL of any scheme holds a password that is not wholly made of ``${VARIABLES}``."""
    literal = [word for word in _passwords(url) if VARIABLE.sub("", word)]
    return bool(literal)


def masked(url: str) -> str:
    """`url` with ``***`` in place of literal passwords, for messages."""
    match = SCHEME.match(url)
    if match and "@" in match[2]:
        credentials, host = match[2].rsplit("@", 1)
        user, colon, word = credentials.partition(":")
        hidden = f"{user}{colon}{word if not VARIABLE.sub('', word) else '***'}"
        url = f"{match[1]}://{hidden}@{host}"
    return _QUERY_PASSWORD.sub(lambda found: found[0] if not VARIABLE.sub("", found[1]) else found[0][: -len(found[1])] + "***", url)


def _passwords(url: str) -> list[str]:
    """Literal or variable passwords; everything between the first colon after ``://`` and the last @ counts, whatever it is made of."""
    passwords = _QUERY_PASSWORD.findall(url)
    match = SCHEME.match(url)
    if match and "@" in match[2]:
        _, colon, word = match[2].rsplit("@", 1)[0].partition(":")
        if colon:
            passwords.append(word)
    return passwords
