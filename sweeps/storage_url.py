"""What may stand under ``storage``: a SQLite file or PostgreSQL, and never a password."""

from __future__ import annotations

import re

from sweeps.variables import VARIABLE

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)\Z", re.DOTALL)
_QUERY_PASSWORD = re.compile(r"[?&](?:password|passwd|pwd|sslpassword)=([^&]*)", re.IGNORECASE)
IN_THE_CLEAR = (
    "a password stands in the URL and would be stored with the study; write ${VARIABLE} in its place and set it in the environment"
)
STORAGE_VARIABLE = "STEADYSWEEP_STORAGE"
"""Environment variable with the URL that commands use when none is given."""
POSTGRESQL = ("postgresql", "postgresql+psycopg")
_ACCEPTED = "sqlite:///FILE.db or postgresql+psycopg://USER:${PASSWORD}@HOST/DATABASE"


def check_storage(url: str) -> str:
    """`url` if it can be stored in the clear and opened.

    Raises:
        ValueError: another database, an in-memory database, or a literal password; a password is never part of the message.
    """
    if VARIABLE.fullmatch(url):
        return url  # the whole URL is in the environment and is checked when it is opened
    match = _SCHEME.match(url)
    if match is None:
        raise ValueError(f"expected a URL, {_ACCEPTED}, got text without '://'")
    scheme, rest = match.groups()
    if has_literal_password(url):
        raise ValueError(
            f"a password stands in the URL ({masked(url)}) and would be stored with the study; "
            "write ${PASSWORD} in its place and set the environment variable PASSWORD"
        )
    if scheme == "sqlite":
        if not rest.startswith("/") or rest in ("/", "/:memory:"):
            raise ValueError(
                "expected a file, as in sqlite:///study.db (three slashes: relative, four: absolute); a study in memory cannot be continued"
            )
        return url
    if scheme not in POSTGRESQL:
        raise ValueError(f"expected {_ACCEPTED}, got {scheme}://...; other databases are not supported")
    return url


def has_literal_password(url: str) -> bool:
    """Whether a URL of any scheme holds a password that is not wholly made of ``${VARIABLES}``."""
    literal = [word for word in _passwords(url) if VARIABLE.sub("", word)]
    return bool(literal)


def masked(url: str) -> str:
    """`url` with ``***`` in place of literal passwords, for messages."""
    match = _SCHEME.match(url)
    if match and "@" in match[2]:
        credentials, host = match[2].rsplit("@", 1)
        user, colon, word = credentials.partition(":")
        hidden = f"{user}{colon}{word if not VARIABLE.sub('', word) else '***'}"
        url = f"{match[1]}://{hidden}@{host}"
    return _QUERY_PASSWORD.sub(lambda found: found[0] if not VARIABLE.sub("", found[1]) else found[0][: -len(found[1])] + "***", url)


def _passwords(url: str) -> list[str]:
    """Literal or variable passwords; everything between the first colon after ``://`` and the last @ counts, whatever it is made of."""
    found = _QUERY_PASSWORD.findall(url)
    match = _SCHEME.match(url)
    if match and "@" in match[2]:
        _, colon, word = match[2].rsplit("@", 1)[0].partition(":")
        if colon:
            found.append(word)
    return found
