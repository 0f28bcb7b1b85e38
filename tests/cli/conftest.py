"""A small finished sweep that the commands are tried on: real Keras trainings of digits."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING

import psutil
import pytest

from sweeps.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SWEEP = """\
study: tiny-digits
data:
  source: digits
  classes: ["0", "1", "2"]
  split: {train: 60, validation: 100, test: 40}
model: {backbone: small_resnet, options: {filters: [4, 8]}}
training: {epochs: 6, batch_size: 20}
space:
  learning_rate: {float: [1.0e-3, 1.0e-1], log: true}
  bn_momentum: {choice: [0.5, 0.99]}
search: {trials: 3, pruner: none, seed: 1}
confirm: off
resources: {cpu: 1, concurrent: 1}
"""


@dataclass(frozen=True)
class Shell:
    """A folder in which ``steadysweep`` is run as a person would."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        """Start one command."""
        process = subprocess.Popen(
            [sys.executable, "-m", "sweeps.cli", *words],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "COLUMNS": "200", **variables},
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        """Kill what is left of what was started, as after a test that failed: a sweep would train for hours beside the other tests."""
        for process in self.started:
            if process.poll() is None:
                of_it = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
                for each in of_it:
                    with suppress(psutil.NoSuchProcess):
                        each.kill()
                process.wait()

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        process = self.start(*words, **variables)
        out, err = process.communicate(timeout=400)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one command in this process, where the test does not ask for one of its own: it spares the imports."""
        with chdir(self.folder), redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            try:
                code = main(words)
            except SystemExit as refused:  # by the parser
                code = int(refused.code or 0)
        return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path)
    yield shell
    shell.end()


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A folder with ``sweep.yaml`` and its finished study."""
    shell = Shell(tmp_path_factory.mktemp("swept"))
    (shell.folder / "sweep.yaml").write_text(SWEEP)
    done = shell.run("run", "sweep.yaml", "--executor", "inline", "--no-sharing")  # a trial for each training
    assert done.returncode == 0, done.stderr
    (shell.folder / "run.out").write_text(done.stdout)
    (shell.folder / "run.err").write_text(done.stderr)
    return shell
