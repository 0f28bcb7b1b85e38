"""One small Ray for all executor tests."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweeps.executor.ray_session import RaySession

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)

pytest.register_assert_rewrite("contract")

HANDLERS = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
"""Before Ray was started."""

CANARY = "canary-7f3e91-not-for-disk"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Within a module, tests of an executor of their own come first: Tune keeps spare processes, so that one that has run a while leaves no room for another."""
    here = [index for index, item in enumerate(items) if item.path.parent == Path(__file__).parent]
    modules = list(dict.fromkeys(items[index].path for index in here))
    ordered = sorted(
        (items[index] for index in here),
        key=lambda item: (modules.index(item.path), "fresh_executor" not in getattr(item, "fixturenames", ())),
    )
    for index, item in zip(here, ordered, strict=True):
        items[index] = item


@pytest.fixture(scope="session")
def ray() -> Iterator[RaySession]:
    """Four logical CPUs, no GPU; a secret stands in the driver's environment."""
    import os

    from sweeps.executor.ray_session import close_ray, open_ray

    os.environ["SWEEP_TEST_STORAGE_PASSWORD"] = CANARY
    session = open_ray(num_cpus=4, num_gpus=0)
    yield session
    close_ray(session)


@pytest.fixture(scope="session")
def handlers_before() -> dict[signal.Signals, object]:
    """Signal handlers of this process before Ray was started."""
    return HANDLERS


@pytest.fixture(scope="session")
def canary() -> str:
    """A secret that must reach no file and no process list."""
    return CANARY
