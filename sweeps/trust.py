"""What a sweep file that lies in a storage may do before its person has agreed: nothing outside the current folder, and no code.

``resume``, ``confirm``, ``run --from`` and ``export`` take a study's own file from its storage. Whoever made the storage wrote that file: it names programs to run,
packages to install and places to write to. A file that this person ran here is known by its hash; of any other, what it would do is listed, and ``--trust`` agrees.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reports.wording import visible
from sweeps.errors import SweepInputError
from trainer.user_code import is_reference

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sweeps.sweep_file import SweepFile

KNOWN: Final = "known-sweeps.txt"
_PLACES: Final = ("storage_path", "report.path", "tracking.tensorboard", "tracking.mlflow", "runtime.tune.folder", "data.cache_path")
_CODE: Final = {
    "notify.command": "runs the program",
    "notify.webhook": "sends every event, with the variables that it names, to",
    "tracking.wandb": "sends every figure, with this person's key, to the W&B project",
    "runtime.pip": "installs",
    "runtime.working_dir": "imports code from",
    "runtime.py_modules": "imports code from",
    "runtime.env": "sets the variables",
    "runtime.tune.callbacks": "imports and calls",
}
_REFERENCES: Final = ("data.source", "model.backbone", "search.metric", "training.metrics", "training.loss", "training.callbacks")
LONGEST: Final = 200


def note_known(study: str, sweep_file: str) -> None:
    """Remember that this person runs a sweep file here; where nothing can be written, nothing is remembered.

    Args:
        study: its name.
        sweep_file: as it is stored (`SweepFile.to_yaml`).
    """
    line = _hash(study, sweep_file)
    with suppress(OSError):
        path = _known()
        if path.is_file() and line in path.read_text().split():
            return
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("a") as stream:
            stream.write(f"{line}\n")


def check_trusted(stored: str, sweep: SweepFile, overrides: Sequence[str], *, study: str, trust: bool) -> None:
    """Refuse a study's own file that was never run here and would do more than train in the current folder.

    Args:
        stored: the file as it lies in the storage.
        sweep: the same, read, with what was given on the command line.
        overrides: ``KEY=VALUE`` texts that were given: what they say is the person's own.
        study: its name.
        trust: whether the person has agreed.

    Raises:
        SweepInputError: with what it would do, and how to agree.
    """
    if trust:
        note_known(study, stored)
    if trust or is_known(study, stored):
        return
    given = {override.partition("=")[0].strip() for override in overrides}
    asks = [f"  {path}: {what}" for path, what in _asks(sweep) if not _is_given(path, given)]
    if asks:
        raise SweepInputError(
            f"study {visible(study)!r}: its sweep file comes from the storage, you have not run it on this machine, and it asks for more than training in this folder:\n"
            + "\n".join(asks)
            + "\nIf you trust whoever made the storage, add --trust. Or give values of your own, e.g. --set report.path=report.html."
        )


def _asks(sweep: SweepFile) -> Iterator[tuple[str, str]]:
    for path, verb in _CODE.items():
        if value := _value(sweep, path):
            yield path, f"{verb} {_shown(value)}"
    for reference, path in own_references(sweep):
        yield path, f"imports and calls {_shown(reference)}"
    for path in _PLACES:
        value = _value(sweep, path)
        if value is not None and is_outside(str(value)):
            yield path, f"writes to {_shown(value)}"


def own_references(sweep: SweepFile) -> list[tuple[str, str]]:
    """Every function and class of a person's own that a sweep file names, also in its space, each with its setting."""
    found = []
    for path in _REFERENCES:
        fixed = _value(sweep, path)
        values = [*(fixed if isinstance(fixed, tuple) else (fixed,)), *_searched(sweep, path)]
        found += [(value, path) for value in values if isinstance(value, str) and "://" not in value and is_reference(value)]
    return list(dict.fromkeys(found))


def _value(sweep: SweepFile, path: str) -> Any:  # noqa: ANN401 - a setting
    value: Any = sweep
    for name in path.split("."):
        value = getattr(value, name, None)
    return value


def _searched(sweep: SweepFile, path: str) -> Collection[object]:
    """Labels that the space gives to a setting."""
    parameter = sweep.space.parameters.get(path) or sweep.space.parameters.get(path.rpartition(".")[2])
    if parameter is None:
        return ()
    values = getattr(parameter, "values", None) or {}
    return [*getattr(parameter, "labels", ()), *(values.values() if isinstance(values, dict) else values)]


def is_outside(place: str) -> bool:
    """Whether a place to write to is not below the current folder."""
    if "://" in place and not place.startswith(("file:", "sqlite:")):
        return True
    if ":" in place.partition("/")[0]:  # file:mlruns, sqlite:///mlflow.db
        place = place.partition(":")[2].removeprefix("///").removeprefix("//")
    here = Path.cwd().resolve()
    return not Path(here, Path(place).expanduser()).resolve().is_relative_to(here)


def _is_given(path: str, given: Collection[str]) -> bool:
    return any(path == each or path.startswith(f"{each}.") or path.rpartition(".")[2] == each for each in given)


def _shown(value: object) -> str:
    text = " ".join(map(str, value)) if isinstance(value, tuple | list | dict) else str(value)
    return visible(text if len(text) <= LONGEST else f"{text[:LONGEST]} ...")


def is_known(study: str, sweep_file: str) -> bool:
    """Whether this person ran a sweep file here."""
    try:
        return _hash(study, sweep_file) in _known().read_text().split()
    except OSError:
        return False


def _known() -> Path:
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "steadysweep" / KNOWN


def _hash(study: str, sweep_file: str) -> str:
    return hashlib.sha256(f"{study}\n{sweep_file}".encode()).hexdigest()
