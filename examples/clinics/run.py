"""Run clinics: reproduce a known failure, diagnose it, and let a sweep find what repairs it; ``make clinics``.

    python examples/clinics/run.py                 # all of them
    python examples/clinics/run.py s1 --output /somewhere

Each clinic is a folder beside this file with

- ``sweep.yaml``: the sweep at a size for two CPU cores; its first starting point is the failure,
- ``original.yaml``: the same sweep at the size of the training that went wrong, for a GPU,
- ``prepare.py`` (where it needs images or weights of its own): a script that writes them into the current folder, once,
- ``clinic.py``: `TITLE`; `OUTCOMES`, functions from `documents.Documents` to `documents.Outcome`; and where it needs them `CHECKS` and `TRAININGS`
  (name to ``KEY=VALUE`` settings for ``steadysweep check`` and ``steadysweep train``), `SMALL` (settings that make it a test of seconds) and
  `FIGURES` (file name to a function from `documents.Documents` to an SVG, for its page; ``--figures docs/clinics`` writes them).

A clinic's commands run in ``OUTPUT/CLINIC``, where the report is afterwards. A clinic that ran is continued, not repeated. Exit code 1 when an outcome does not hold.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from documents import Check, Documents, Outcome, percent, settings_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from documents import OutcomeCheck

HERE = Path(__file__).resolve().parent
CLINICS = tuple(sorted(path.parent.name for path in HERE.glob("*/clinic.py")))
BAD_INPUT = 2


class ClinicError(Exception):
    """A command of a clinic failed; the message holds what it said."""


@dataclass(frozen=True)
class Clinic:
    """One clinic's folder, read.

    Attributes:
        name: of its folder.
        title: what it is about, one line.
        outcomes: what it promises.
        checks: name to settings of further ``steadysweep check`` runs; they start no TensorFlow.
        trainings: name to settings of ``steadysweep train`` runs.
        small: settings of the small form.
        figures: file name to a function that draws it, of the clinic's page.
    """

    name: str
    title: str
    outcomes: tuple[OutcomeCheck, ...]
    checks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    trainings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    small: Sequence[str] = ()
    figures: Mapping[str, Callable[[Documents], str]] = field(default_factory=dict)

    @property
    def sweep_file(self) -> Path:
        """The sweep at its small size."""
        return HERE / self.name / "sweep.yaml"


def load_clinic(name: str) -> Clinic:
    """Read a clinic's ``clinic.py``."""
    spec = importlib.util.spec_from_file_location(f"clinic_{name}", HERE / name / "clinic.py")
    if spec is None or spec.loader is None:
        raise ClinicError(f"{HERE / name / 'clinic.py'} cannot be read")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Clinic(
        name,
        module.TITLE,
        tuple(module.OUTCOMES),
        getattr(module, "CHECKS", {}),
        getattr(module, "TRAININGS", {}),
        getattr(module, "SMALL", ()),
        getattr(module, "FIGURES", {}),
    )


@dataclass(frozen=True)
class Shell:
    """Runs commands in a clinic's folder.

    Attributes:
        folder: where they run.
        quiet: keep their progress to oneself.
    """

    folder: Path
    quiet: bool = False

    def steadysweep(self, *words: str, accepted: tuple[int, ...] = (0,)) -> tuple[int, str]:
        """Run one command; its exit code and what it wrote to stdout.

        Raises:
            ClinicError: an exit code that is not `accepted`.
        """
        return self.python("-m", "sweeps.cli", *words, accepted=accepted)

    def python(self, *words: str, accepted: tuple[int, ...] = (0,)) -> tuple[int, str]:
        """Run one Python command; see `steadysweep`."""
        process = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, *words],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if self.quiet else None,
            text=True,
            check=False,
            env={"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ},
        )
        if process.returncode not in accepted:
            said = process.stderr or process.stdout
            raise ClinicError(f"{' '.join(words)} ended with exit code {process.returncode}\n{said}")
        return process.returncode, process.stdout


def run_clinic(clinic: Clinic, shell: Shell, *, small: bool = False, executor: str | None = None) -> Documents:
    """Run a clinic's commands from the images to the report.

    Args:
        clinic: which.
        shell: in an existing folder, the clinic's own.
        small: in its small form.
        executor: for ``steadysweep run``; default: its own.

    Raises:
        ClinicError: a command failed.
    """
    sweep = str(clinic.sweep_file)
    own = _overrides(clinic.small) if small else ()
    prepare = HERE / clinic.name / "prepare.py"
    if prepare.is_file():
        shell.python(str(prepare))
    checks = {name: _check(shell, sweep, *own, *_overrides(settings)) for name, settings in {"sweep": (), **clinic.checks}.items()}
    trainings = {}
    for name, settings in clinic.trainings.items():
        storage = f"sqlite:///training-{name}.db"
        shell.steadysweep("train", sweep, *own, *_overrides(settings), "--storage", storage)
        trainings[name] = _report(shell, storage)
    shell.steadysweep("run", sweep, *own, *(("--executor", executor) if executor else ()), *(("--quiet",) if shell.quiet else ()))
    storage = f"sqlite:///clinic-{clinic.name}.db"
    report = _report(shell, storage)
    shell.steadysweep("report", report["study"]["name"], "--storage", storage, "-o", f"clinic-{clinic.name}.html")
    return Documents(shell.folder, report, checks, trainings)


def _overrides(settings: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for setting in settings for word in ("--set", setting))


def _check(shell: Shell, sweep: str, *words: str) -> Check:
    code, out = shell.steadysweep("check", sweep, *words, "--no-batch", "--format", "json", accepted=(0, BAD_INPUT))
    if not out:
        raise ClinicError(f"check {sweep} {' '.join(words)} refused the file")
    return Check(code, json.loads(out))


def _report(shell: Shell, storage: str) -> Mapping[str, Any]:
    """The JSON report of the one study in a storage."""
    _, listed = shell.steadysweep("status", "--storage", storage, "--format", "json")
    (study,) = json.loads(listed)["studies"]
    _, out = shell.steadysweep("report", study["name"], "--storage", storage, "--format", "json")
    document: Mapping[str, Any] = json.loads(out)
    return document


def outcomes_of(clinic: Clinic, documents: Documents) -> tuple[Outcome, ...]:
    """What the clinic promised, each with whether it holds."""
    return tuple(check(documents) for check in clinic.outcomes)


def summary(clinic: Clinic, documents: Documents, outcomes: Sequence[Outcome], seconds: float) -> str:
    """A readable summary for a terminal."""
    first, baseline = documents.ranking[0], documents.baseline
    flags = ", ".join(each["name"] for each in baseline["flags"]) or "none"
    rows = [
        f"{clinic.name}: {clinic.title}",
        f"  failure   holds {percent(baseline['stable'])}, best epoch {percent(baseline['best'])}; flags: {flags}; {settings_text(baseline)}",
        f"  repaired  holds {percent(first['stable'])}; {settings_text(first)}",
        *(f"  {'ok ' if each.holds else 'NOT'} {each.promise}: {each.seen}" for each in outcomes),
        f"  report    {documents.folder / f'clinic-{clinic.name}.html'} ({seconds:.0f} s)",
    ]
    return "\n".join(rows)


def main() -> int:
    """Run the chosen clinics; 0 when every outcome holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clinics", nargs="*", metavar="CLINIC", help=f"of {', '.join(CLINICS)}; default: all")
    parser.add_argument("--output", type=Path, default=Path("clinics"), help="folder of the clinics' folders (default: %(default)s)")
    parser.add_argument("--small", action="store_true", help="the small form of each, as the tests run it")
    parser.add_argument("--figures", type=Path, metavar="FOLDER", help="also draw the figures of the clinics' pages into this folder")
    given = parser.parse_args()
    unknown = sorted(set(given.clinics) - set(CLINICS))
    if unknown:
        parser.error(f"unknown clinic {', '.join(unknown)}; there are {', '.join(CLINICS)}")
    lines, kept = [], True
    for name in given.clinics or CLINICS:
        clinic = load_clinic(name)
        folder = (given.output / name).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        print(f"== {name}: {clinic.title}", flush=True)
        began = time.monotonic()
        try:
            documents = run_clinic(clinic, Shell(folder), small=given.small)
        except ClinicError as error:
            lines.append(f"{name}: {error}")
            kept = False
            continue
        for file, draw in clinic.figures.items() if given.figures else ():
            (given.figures / file).write_text(draw(documents), encoding="utf-8")
        found = outcomes_of(clinic, documents)
        kept &= all(each.holds for each in found)
        lines.append(summary(clinic, documents, found, time.monotonic() - began))
    print("\n" + "\n\n".join(lines))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
