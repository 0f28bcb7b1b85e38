"""Addresses on object stores, ``s3://bucket/prefix`` and ``gs://bucket/prefix``, and connections to them.

Credentials, region and endpoint come from the environment alone.
"""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, cast

from trainer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


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


ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
CONNECT_SECONDS = 10.0
REQUEST_SECONDS = 60.0

_HINTS: Mapping[str, str] = {
    "NO_SUCH_BUCKET": "create the bucket, or correct its name",
    "ACCESS_DENIED": "give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE, or the machine's role) the right to read, write and list there",
    "INVALID_ACCESS_KEY_ID": "correct AWS_ACCESS_KEY_ID",
    "INVALID_CLIENT_TOKEN_ID": "correct AWS_ACCESS_KEY_ID",
    "SIGNATURE_DOES_NOT_MATCH": "correct AWS_SECRET_ACCESS_KEY",
    "NETWORK_CONNECTION": "check the network and, for a store of your own, AWS_ENDPOINT_URL",
    "OAuth2": "set GOOGLE_APPLICATION_CREDENTIALS, or run on a machine with a role",
}


def connect(scheme: Scheme, bucket: str) -> Any:  # noqa: ANN401 - pyarrow.fs.FileSystem, which has no types
    """The file system that a bucket is reached through."""
    endpoint = next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), None)
    region = next((os.environ[name] for name in REGIONS if os.environ.get(name)), None)
    return _google() if scheme == "gs" else _amazon(bucket, endpoint, region)


def explained(error: OSError, what: str) -> OSError:
    """`error` with what it kept from happening and, where that is known, what to do."""
    text = str(error)
    hint = next((hint for sign, hint in _HINTS.items() if sign in text), None)
    message = f"{what} ({text})" + (f"; {hint}" if hint else "")
    return OSError(error.errno, message) if error.errno else OSError(message)


@cache
def _amazon(bucket: str, endpoint: str | None, region: str | None) -> Any:  # noqa: ANN401 - as above
    from pyarrow import fs

    if endpoint is None and region is None:
        region = _region_of(bucket)
    return fs.S3FileSystem(
        endpoint_override=endpoint,
        region=region,
        connect_timeout=CONNECT_SECONDS,
        request_timeout=REQUEST_SECONDS,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=3),
    )


def _region_of(bucket: str) -> str | None:
    """Amazon's region of a bucket; None where it cannot be asked: the request that follows tells why."""
    from pyarrow import fs

    try:
        region: str = fs.resolve_s3_region(bucket)
    except OSError:
        return None
    return region


@cache
def _google() -> Any:  # noqa: ANN401 - as above
    from pyarrow import fs

    return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=REQUEST_SECONDS))
