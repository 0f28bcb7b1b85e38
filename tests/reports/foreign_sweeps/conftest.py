"""Sweeps that the real tools ran, once a session each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folder of a tool's small sweep, and ``console.txt`` with what it printed; the tool runs in a process of its own."""
    folders: dict[str, Path] = {}

    def run(tool: str) -> Path:
        if tool not in folders:
            folder = tmp_path_factory.mktemp(tool)
            command = [sys.executable, str(Path(__file__).parent / "peers.py"), tool, str(folder)]
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=240,
                check=False,
                cwd=folder,
                env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
            )
            assert done.returncode == 0, done.stderr[-3000:]
            (folder / "console.txt").write_text(done.stdout)
            folders[tool] = folder
        return folders[tool]

    return run
