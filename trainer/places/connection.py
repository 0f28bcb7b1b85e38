"""Connections to object stores, one a process and bucket; credentials, region and endpoint come from the environment alone."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainer.places.address import Scheme

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
    return (
        OSError(error.errno, f"{what} ({text})" + (f"; {hint}" if hint else ""))
        if error.errno
        else OSError(f"{what} ({text})" + (f"; {hint}" if hint else ""))
    )


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
