"""The Python of the README and the quickstart runs as it stands; the commands they show exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sweeps.cli.dispatch import COMMANDS

if TYPE_CHECKING:
    from tests.cli.conftest import Shell

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/index.md")


def _blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), flags=re.DOTALL)


@pytest.mark.parametrize(("page", "code"), [(page, code) for page in PAGES for code in _blocks(page, "python")])
def test_python_snippets_run(swept: Shell, page: str, code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], cwd=swept.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{page}: {done.stderr}"


def test_shown_commands_exist() -> None:
    shown = {
        name for page in PAGES for block in _blocks(page, "sh") for name in re.findall(r"^steadysweep (\S+)", block, flags=re.MULTILINE)
    }
    assert shown
    assert shown <= set(COMMANDS)


def test_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    shown = {name for page in PAGES for block in _blocks(page, "sh") for name in re.findall(r"^make (\S+)", block, flags=re.MULTILINE)}
    assert {"demo", "test"} <= shown <= targets
