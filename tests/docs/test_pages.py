"""Every command and snippet of README and documentation runs, or stands in a list with the reason why not."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from search_spaces.located_yaml import load_yaml
from sweeps.cli import main
from sweeps.cli.parser import build_parser
from sweeps.cli.reference import reference_markdown
from sweeps.sweep_file import SweepFile, sweep_from_text
from tests.docs.exceptions import OTHER_PROGRAMS, OTHER_YAML, RUN_ELSEWHERE, SUBSTITUTED, VALIDATED, VALIDATED_PAGES
from tests.docs.pages import PAGES, ROOT, Block, Command, blocks, commands

if TYPE_CHECKING:
    from tests.docs.conftest import Reader

HEAVY = ("run", "resume", "confirm", "train", "check", "export")
"""Commands that start TensorFlow or write models: run as programs of their own."""



def _elsewhere(page: str) -> bool:
    """Whether other tests run what stands on a page."""
    return page.startswith(tuple(VALIDATED_PAGES))


SHOWN = [command for page in PAGES for command in commands(page)]
OURS = [command for command in SHOWN if command.calls]


def test_every_command_is_one_that_the_parser_takes() -> None:
    wrong = []
    for command in OURS:
        for call in command.calls:
            try:
                build_parser().parse_args(call)
            except SystemExit as stop:
                if stop.code:
                    wrong.append(f"{command.page}: {command.line}")
    assert not wrong


def test_lines_that_are_not_ours_call_known_programs_and_targets() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for command in SHOWN:
        first = command.words[0]
        if command.calls:
            continue
        assert first in OTHER_PROGRAMS or _elsewhere(command.page), f"{command.page}: {command.line}"
        if first == "make":
            assert {word for word in command.words[1:] if "=" not in word} <= targets, f"{command.page}: {command.line}"


def test_the_lists_of_exceptions_name_what_is_there() -> None:
    lines = {command.line for command in SHOWN}
    assert not [line for line in VALIDATED if line not in lines]
    assert not [page for page in (*SUBSTITUTED, *RUN_ELSEWHERE) if page not in PAGES]


RUN_HERE = dict.fromkeys(command.line for command in OURS if not _elsewhere(command.page) and command.line not in VALIDATED)


@pytest.mark.parametrize("line", RUN_HERE)
def test_every_command_runs(line: str, reader: Reader, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In the order of the pages, each once, in one folder; what has to be small is made small in the sweep file."""
    monkeypatch.chdir(reader.folder)
    code, said = _run(Command("", line.replace("+20", "+1")), reader, capsys)
    assert code == 0, said[-3000:]
    if line == "steadysweep init images/flowers":
        reader.make_small()
    if "--trials +20" in line:
        reader.edit("trials: 2", "trials: 3")  # the file says what the study is now


def _run(command: Command, reader: Reader, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and what was said; light commands run in this process."""
    if command.plain and command.words[1] not in HEAVY:
        try:
            code = main(command.words[1:])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out + err
    line = command.line
    if command.words[1] in ("run", "resume", "confirm"):
        line += " --executor inline"
    if command.words[1] == "train":
        line += " --quiet"
    done = reader.bash(line)
    return done.returncode, done.stdout + done.stderr


PYTHON = [page for page in PAGES if page not in RUN_ELSEWHERE and not _elsewhere(page) and blocks(page, "python")]


@pytest.mark.parametrize("page", PYTHON)
def test_python_snippets_run(reader: Reader, page: str) -> None:
    """All of a page in one process, in the folder where the commands ran."""
    assert (reader.folder / "flowers.db").exists(), "run this file as a whole: snippets read the study that the commands made"
    code = "\n".join(block.text for block in blocks(page, "python"))
    for shown, run in SUBSTITUTED.get(page, ()):
        assert shown in code
        code = code.replace(shown, run)
    (reader.folder / "snippets.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "snippets.py"], cwd=reader.folder, capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, f"{page}: {done.stderr[-3000:]}"


@pytest.mark.parametrize("block", [block for page in PAGES if not _elsewhere(page) for block in blocks(page, "yaml")], ids=lambda block: block.page)
def test_yaml_is_of_a_sweep_file(block: Block) -> None:
    if block.text.splitlines()[0] in OTHER_YAML:
        return
    shown = load_yaml(block.text, block.page).value
    missing = {"study": "study: s\n", "data": "data: {source: digits}\n", "space": "space: {}\n"}
    sweep_from_text("".join(text for key, text in missing.items() if key not in shown) + block.text)


@pytest.mark.parametrize("block", [block for page in PAGES for block in blocks(page, "json")], ids=lambda block: block.page)
def test_json_is_json(block: Block) -> None:
    json.loads(block.text)


def test_the_reference_of_the_command_line_is_current() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == reference_markdown(), "run: python -m sweeps.cli.reference docs/cli.md"


def test_what_the_readme_links_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert len(links) > 10
    assert not [link for link in links if not (ROOT / link).exists()]
