"""What a sweep's `runtime` section becomes on the driver's machine."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from sweeps.errors import SweepInputError
from sweeps.import_order import child_command
from sweeps.launch.runtime import resolve_runtime
from sweeps.sweep_file import SweepFile, sweep_from_text

if TYPE_CHECKING:
    from pathlib import Path

BASE = "study: s\ndata: {source: digits}\nspace: quick\nruntime: "


def sweep(runtime: str) -> SweepFile:
    return sweep_from_text(BASE + runtime + "\n")


def test_folders_packages_and_variables_go_their_ways(tmp_path: Path) -> None:
    (tmp_path / "lib" / "parts").mkdir(parents=True)
    (tmp_path / "heads-1.0-py3-none-any.whl").touch()
    text = "{working_dir: ., py_modules: [lib/parts, heads-1.0-py3-none-any.whl], env: {KEY_OF_MINE: 'a${B}'}, pip: [timm==1.0.9]}"
    found = resolve_runtime(sweep(text), tmp_path, {"B": "secret"})
    assert found.ray["working_dir"] == str(tmp_path)
    assert "/runs/s" in found.ray["excludes"], "checkpoints below the folder do not travel"
    assert found.ray["py_modules"] == [f"{tmp_path}/lib/parts", f"{tmp_path}/heads-1.0-py3-none-any.whl"]
    assert found.ray["pip"] == ["timm==1.0.9"]
    assert found.environment == {"KEY_OF_MINE": "asecret"}
    assert "secret" not in repr(found)
    assert found.import_paths == (str(tmp_path), f"{tmp_path}/lib", f"{tmp_path}/heads-1.0-py3-none-any.whl"), (
        "the current folder is among them"
    )


def test_the_drivers_process_has_them_meanwhile_and_not_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREETING", "before")
    monkeypatch.delenv("NEW_ONE", raising=False)
    found = resolve_runtime(sweep("{working_dir: ., env: {GREETING: inside, NEW_ONE: 'yes'}}"), tmp_path, os.environ)
    path = list(sys.path)
    with found.in_this_process():
        assert (os.environ["GREETING"], os.environ["NEW_ONE"]) == ("inside", "yes")
        assert sys.path == [*path, str(tmp_path)], "a person's own modules come last"
        assert str(tmp_path) in child_command("sweeps.cli")[3].split(os.pathsep), "for processes that it starts"
    assert (os.environ["GREETING"], "NEW_ONE" in os.environ) == ("before", False)
    assert sys.path == path


@pytest.mark.parametrize(
    ("runtime", "words"),
    [
        ("{working_dir: nowhere}", "runtime.working_dir: .*nowhere does not exist"),
        ("{working_dir: file.txt}", "runtime.working_dir: expected a folder"),
        ("{py_modules: [file.txt]}", r"runtime.py_modules\[0\]: expected a package's folder or a .whl file"),
        ("{env: {A: '${MISSING_ONE}'}}", r"runtime.env.A: \$\{MISSING_ONE\}: not set in the environment"),
    ],
)
def test_what_is_not_there_is_bad_input(runtime: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "file.txt").touch()
    with pytest.raises(SweepInputError, match=words):
        resolve_runtime(sweep(runtime), tmp_path, {})
