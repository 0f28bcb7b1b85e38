"""What the import rules of pyproject.toml cannot say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_every_module_imports_alone() -> None:
    program = Path(__file__).with_name("import_each_alone.py")
    done = subprocess.run([sys.executable, str(program)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "0 of them do not import alone" in done.stdout
