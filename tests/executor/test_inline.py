"""The executor in the driver's process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract import ExecutorContract

from sweeps.executor.inline import InlineExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweeps.executor import Executor


@pytest.fixture(scope="class")
def executor() -> Iterator[Executor]:
    executor = InlineExecutor()
    yield executor
    executor.close(1.0)


@pytest.fixture
def fresh_executor() -> Iterator[Executor]:
    executor = InlineExecutor()
    yield executor
    executor.close(0.0)


class TestInline(ExecutorContract):
    """The contract."""

    isolated = False
    many = 300
