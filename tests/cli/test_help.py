"""What answers at once, without TensorFlow or Ray."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sweeps.cli.dispatch import COMMANDS

if TYPE_CHECKING:
    from tests.cli.conftest import Shell

HEAVY = ("tensorflow", "keras", "ray", "optuna", "pandas", "sklearn")
PRINT_IMPORTED = f"print([name for name in {HEAVY!r} if name in sys.modules])"


def _imported(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", f"import sys\n{code}\n{PRINT_IMPORTED}"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def test_help_names_every_command_and_imports_nothing_heavy(shell: Shell) -> None:
    done = shell.run("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in COMMANDS)
    assert _imported("from sweeps.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass") == "[]"


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_each_command_explains_itself(shell: Shell, command: str) -> None:
    done = shell.run(command, "--help")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 5


def test_reading_commands_import_neither_tensorflow_nor_ray() -> None:
    modules = "sweeps.cli.status", "sweeps.cli.report", "sweeps.cli.diagnose", "sweeps.sweep_file", "reports.page"
    assert _imported("\n".join(f"import {name}" for name in modules)) == "[]"


def test_python_api_is_light_until_it_runs() -> None:
    assert _imported("from sweeps import Sweep\nfrom trainer import TrainConfig") == "[]"
