"""Storages of both kinds."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweeps.record.recorded_study import RecordedStudy

_names = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A storage; the server's is shared by all tests, so studies have names of their own."""
    return f"sqlite:///{tmp_path}/studies.db" if request.param == "sqlite" else str(request.getfixturevalue("postgres").url)


@pytest.fixture
def name() -> str:
    """A study's name that no other test has."""
    return f"study {next(_names)}"


@pytest.fixture
def study(url: str, name: str) -> Iterator[RecordedStudy]:
    """A new study of `large_study.SPACE`."""
    from large_study import new_study

    record = new_study(url, name)
    yield record
    record.close()
