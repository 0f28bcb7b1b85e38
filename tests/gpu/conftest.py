"""Where there is no GPU these tests are skipped with that reason; tests/run_suites.py prints how many."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def gpus() -> int:
    """GPUs that the driver's tool lists."""
    if shutil.which("nvidia-smi") is None:
        return 0
    done = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False)
    return len(done.stdout.splitlines()) if done.returncode == 0 else 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    found = gpus() if here else 0
    for item in here:
        needed = item.get_closest_marker("gpu")
        wanted = int(needed.kwargs.get("count", 1)) if needed else 1
        if found < wanted:
            item.add_marker(pytest.mark.skip(reason=f"no GPU here (needs {wanted}, has {found})"))
