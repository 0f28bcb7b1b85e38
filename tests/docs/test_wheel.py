"""The wheel as somebody installs it: everything that the program reads is in it, and it works away from the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = ("sweeps", "search_spaces", "trainer", "reports")
DATA = (".yaml", ".jinja", ".css", ".js", ".typed")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's contents, as in site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(built) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def test_every_module_and_every_file_it_reads_is_in_the_wheel_and_nothing_else(installed: Path) -> None:
    ours = {
        path.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("*") if path.suffix in (".py", *DATA)
    }
    packed = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    assert ours <= packed
    assert {name.split("/")[0] for name in packed - ours} == {next(installed.glob("*.dist-info")).name}
    assert "steadysweep = sweeps.cli:main" in next(installed.glob("*.dist-info/entry_points.txt")).read_text()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("spaces", "transfer"), "starting_points:"),
        (("schema",), "json-schema.org"),
        (("diagnose", "run.csv", "-o", "report.html"), "oscillating"),
        (("check", "sweep.yaml", "--no-batch", "--set", "frozen_layers=none"), "findings none"),
    ],
)
def test_it_works_in_any_folder(installed: Path, tmp_path: Path, words: tuple[str, ...], expected: str) -> None:
    (tmp_path / "run.csv").write_text((ROOT / "tests" / "data" / "alternating_plain_cnn.csv").read_text())
    (tmp_path / "sweep.yaml").write_text("study: s\ndata: {source: digits}\nspace: quick\nmodel: {pooling: avg}\n")
    program = (
        f"import sys, sweeps; assert sweeps.__file__.startswith({str(installed)!r}), sweeps.__file__\n"
        "from sweeps.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout
    if "report.html" in words:
        page = (tmp_path / "report.html").read_text()
        assert "<style" in page
        assert "<script" in page
