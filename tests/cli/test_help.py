"""What answers at once, without TensorFlow or Ray."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sweeps.cli import main, parser
from sweeps.cli.parser import build_parser, commands
from sweeps.cli.reference import reference_markdown

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Shell

COMMANDS = tuple(commands())
HEAVY = ("tensorflow", "keras", "ray", "optuna", "pandas", "sklearn")
PRINT_IMPORTED = f"print([name for name in {HEAVY!r} if name in sys.modules])"


def _imported(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", f"import sys\n{code}\n{PRINT_IMPORTED}"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def test_help_names_every_command_and_imports_nothing_heavy(shell: Shell) -> None:
    done = shell.run("--help")
    assert done.returncode == 0
    assert all(re.search(rf"^    {command}\b", done.stdout, re.MULTILINE) for command in COMMANDS)
    assert _imported("from sweeps.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass") == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(shell: Shell, command: str) -> None:
    done = shell.run(command, "--help")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 5


def test_reading_commands_import_neither_tensorflow_nor_ray() -> None:
    modules = (
        "sweeps.cli.status",
        "sweeps.cli.report",
        "sweeps.cli.diagnose",
        "sweeps.sweep_file",
        "reports.page",
        "reports.verdict",
        "reports.logs",
        "sweeps.record",
    )
    assert _imported("\n".join(f"import {name}" for name in modules)) == "[]"


def test_python_api_is_light_until_it_runs() -> None:
    assert _imported("from sweeps import Sweep\nfrom trainer import TrainConfig") == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_argument_has_a_parameter_of_its_name(command: str) -> None:
    values = vars(build_parser().parse_args([command, *REQUIRED.get(command, ())]))
    values.pop("command")
    inspect.signature(commands()[command].run).bind(**values)


REQUIRED = {
    "init": ("images",),
    "check": ("sweep.yaml",),
    "resume": ("study",),
    "confirm": ("study",),
    "add": ("study",),
    "pause": ("study",),
    "stop": ("study",),
    "delete": ("study",),
    "report": ("study",),
    "diagnose": ("train.log",),
    "export": ("study", "-o", "model"),
    "predict": ("model", "a.png"),
    "train": ("sweep.yaml",),
}
NEW = """
from sweeps.cli.command import Command, quiet_argument

def greet(*, quiet: bool) -> int:
    print("..." if quiet else "hello")
    return 0

GREET = Command("greet", "say hello", "Says hello.", (("steadysweep greet", "says it"),), quiet_argument, greet)
"""


def test_a_command_is_added_by_its_file_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "greeting_command.py").write_text(NEW)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(parser, "COMMANDS", (*parser.COMMANDS, "greeting_command:GREET"))
    assert main(["greet"]) == 0
    assert capsys.readouterr().out == "hello\n"
    assert main(["greet", "--quiet"]) == 0
    assert capsys.readouterr().out == "...\n"
    with pytest.raises(SystemExit):
        main(["--help"])
    assert re.search(r"^ +greet +say hello$", capsys.readouterr().out, re.MULTILINE)
    with pytest.raises(SystemExit):
        main(["greet", "--help"])
    assert "steadysweep greet                             says it" in capsys.readouterr().out
    page = reference_markdown()
    assert "| [`greet`](#greet) | say hello |" in page
    assert "| `--quiet` | no progress, only warnings and the result |" in page[page.index("## `greet`") :]
