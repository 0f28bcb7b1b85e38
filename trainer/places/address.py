"""Addresses on object stores: ``s3://bucket/prefix`` and ``gs://bucket/prefix``."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Literal, cast

from trainer.errors import ConfigError

Scheme = Literal["s3", "gs"]
SCHEMES: tuple[Scheme, ...] = ("s3", "gs")
_FORM = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)\Z", re.DOTALL)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


@dataclass(frozen=True)
class Address:
    """A prefix, or one object, of a bucket.

    Attributes:
        scheme: which kind of store.
        bucket: its bucket.
        key: path in the bucket without slashes at its ends; may be empty.
    """

    scheme: Scheme
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.path}"

    def __truediv__(self, name: str) -> Address:
        """The address below this one."""
        return Address(self.scheme, self.bucket, f"{self.key}/{name}".strip("/"))

    @property
    def path(self) -> str:
        """Bucket and key, as pyarrow names it."""
        return f"{self.bucket}/{self.key}" if self.key else self.bucket

    @property
    def name(self) -> str:
        """The last part."""
        return self.path.rpartition("/")[2]

    @property
    def parent(self) -> Address:
        """The prefix that holds it."""
        return Address(self.scheme, self.bucket, self.key.rpartition("/")[0])


def is_address(place: str) -> bool:
    """Whether a text names a place by scheme and not a local file or folder."""
    return "://" in place


def parse_address(place: str, setting: str) -> Address:
    """Read an address.

    Args:
        place: e.g. ``s3://bucket/prefix``.
        setting: what it was given as, for messages.

    Raises:
        ConfigError: another scheme, no bucket, or credentials or options in it; they are never part of the message.
    """
    match = _FORM.match(place)
    scheme = match[1].lower() if match else ""
    if match is None or scheme not in SCHEMES:
        near = difflib.get_close_matches(scheme, SCHEMES, 1, cutoff=0.3)
        hint = f"; did you mean {near[0]}://?" if near else ""
        raise ConfigError(f"{setting}: expected a folder, s3://BUCKET/PREFIX or gs://BUCKET/PREFIX, got {scheme or 'text'}://...{hint}")
    rest = match[2]
    if "@" in rest.split("/", 1)[0]:
        raise ConfigError(
            f"{setting}: credentials stand in the address and would be stored with the study; write {scheme}://BUCKET/PREFIX and give them in the "
            "environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE or GOOGLE_APPLICATION_CREDENTIALS)"
        )
    if "?" in rest:
        raise ConfigError(
            f"{setting}: options stand in the address after '?'; write {scheme}://BUCKET/PREFIX and set the endpoint and region in the environment "
            "(AWS_ENDPOINT_URL, AWS_REGION)"
        )
    bucket, _, key = rest.partition("/")
    if not _BUCKET.match(bucket):
        raise ConfigError(f"{setting}: {scheme}://{rest} names no bucket; expected {scheme}://BUCKET/PREFIX")
    parts = [part for part in key.split("/") if part]
    if {".", ".."} & set(parts):
        raise ConfigError(f"{setting}: {place} has '.' or '..' in it, which object stores take literally; write the address out")
    return Address(cast("Scheme", scheme), bucket, "/".join(parts))
