"""The clinics of trainings from random weights keep every promise in their small form, and what their pages show runs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from run import BAD_INPUT, HERE, Shell, load_clinic, outcomes_of, run_clinic

from sweeps.cli import main

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from documents import Documents
    from run import Clinic

ROOT = HERE.parents[1]
PAGES = {
    "s0": ROOT / "docs/clinics/s0-frozen-backbone.md",
    "s1": ROOT / "docs/clinics/s1-batchnorm-gap.md",
    "s2": ROOT / "docs/clinics/s2-frozen-batchnorm.md",
    "s3": ROOT / "docs/clinics/s3-alternating-accuracy.md",
}
LARGEST_FIGURE = 150_000
READING = frozenset({"status", "report"})


@dataclass(frozen=True)
class RecordingShell(Shell):
    """Runs commands and remembers them; those that only read run in this process, which spares the imports."""

    commands: list[tuple[str, ...]] = field(default_factory=list)

    def steadysweep(self, *words: str, accepted: tuple[int, ...] = (0,)) -> tuple[int, str]:
        self.commands.append(words)
        if words[0] not in READING:
            return super().steadysweep(*words, accepted=accepted)
        with chdir(self.folder), redirect_stdout(StringIO()) as out:
            code = main(words)
        assert code in accepted, words
        return code, out.getvalue()


@dataclass(frozen=True)
class Ran:
    """A clinic in its small form, finished, in a folder that looks like the repository's."""

    clinic: Clinic
    shell: RecordingShell
    documents: Documents


@pytest.fixture(scope="module", params=PAGES)
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    clinic = load_clinic(request.param)
    root = tmp_path_factory.mktemp("clinics")
    for name in ("examples", "tests"):
        (root / name).symlink_to(ROOT / name)
    folder = root / "clinics" / clinic.name
    folder.mkdir(parents=True)
    shell = RecordingShell(folder, quiet=True)
    return Ran(clinic, shell, run_clinic(clinic, shell, small=True, executor="inline"))


def test_every_outcome_holds(ran: Ran) -> None:
    broken = [f"{outcome.promise}: {outcome.seen}" for outcome in outcomes_of(ran.clinic, ran.documents) if not outcome.holds]
    assert not broken


def test_figures_are_drawn_from_what_was_measured(ran: Ran) -> None:
    page = PAGES[ran.clinic.name]
    for file, draw in ran.clinic.figures.items():
        assert f"]({file})" in page.read_text()
        assert draw(ran.documents).startswith("<svg")
        committed = (page.parent / file).read_bytes()
        assert committed.startswith(b"<svg")
        assert len(committed) < LARGEST_FIGURE


def test_the_commands_of_the_page_run(ran: Ran) -> None:
    """As the page shows them, less what makes them small; those that the clinic itself has run already are not run twice."""
    known = {_plain(words, ran.clinic) for words in ran.shell.commands}
    shown = _commands(PAGES[ran.clinic.name])
    assert ["make", "clinics", f"CLINIC={ran.clinic.name}"] in shown
    for words in shown:
        if words[0] == "cd":
            assert words[1] == f"clinics/{ran.clinic.name}"
        elif words[0] != "make" and _plain(words[1:], ran.clinic) not in known:
            assert words[0] == "steadysweep"
            ran.shell.steadysweep(*words[1:], accepted=(0, BAD_INPUT) if words[1] == "check" else (0,))


def test_the_python_of_the_page_runs(ran: Ran) -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGES[ran.clinic.name].read_text(), flags=re.DOTALL))
    done = subprocess.run([sys.executable, "-c", code], cwd=ran.shell.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if ran.clinic.name == "s1":
        before, after = (float(line) for line in done.stdout.split())
        assert after < before / 2


def test_what_the_page_quotes_is_what_was_said(ran: Ran) -> None:
    """Findings in the page's text blocks, word for word."""
    quoted = "\n".join(re.findall(r"```text\n(.*?)```", PAGES[ran.clinic.name].read_text(), flags=re.DOTALL)).splitlines()
    said = {
        f"{finding['severity']}: {finding['name']}: {finding['message']}"
        for check in ran.documents.checks.values()
        for finding in check.document["findings"]
    }
    epochs = {f"{number} epochs of" for number in (20, 24, 30)}
    assert quoted
    assert {_without(line, epochs) for line in quoted} <= {_without(line, epochs) for line in said}


def _without(text: str, parts: set[str]) -> str:
    return next((text.replace(part, "") for part in parts if part in text), text)


def _commands(page: Path) -> list[list[str]]:
    """The commands of a page's shell blocks; a line that ends in a backslash goes on."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(), flags=re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def _plain(words: Sequence[str], clinic: Clinic) -> tuple[str, ...]:
    """A command without what makes it small, quiet or readable by a program, the sweep file by its name alone."""
    found: list[str] = []
    iterator = iter(words)
    for word in iterator:
        if word in {"--quiet", "--no-batch"}:
            continue
        if word in {"--executor", "--format"}:
            next(iterator)
        elif word == "--set":
            setting = next(iterator)
            if setting not in clinic.small:
                found.append(setting)
        else:
            found.append(word.rpartition("/")[2] if word.endswith(".yaml") else word)
    return tuple(found)
