"""A sweep's ``runtime`` section made ready: what Ray sends to workers, what our own messages carry, and what the driver's process needs of it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.errors import SweepInputError
from sweeps.import_order import importable
from sweeps.trust import own_references
from sweeps.variables import expand
from trainer.errors import UserCodeError
from trainer.user_code import check_module

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sweeps.sweep_file import SweepFile

WHEEL = ".whl"
NOT_SENT = ("*.db", "*.db-wal", "*.db-shm")
"""Of a working folder, in ``.gitignore``'s notation: studies; Ray itself leaves out what ``.gitignore`` names, ``.git`` and ``.venv``."""


@dataclass(frozen=True)
class Runtime:
    """What trials find where they run.

    Attributes:
        ray: Ray's runtime environment; Ray writes it to its logs, so there is no secret in it.
        environment: variables and their values, which may be secrets: they travel in our own messages and are never written.
        import_paths: folders that the driver imports the same code from, the current one last.
    """

    ray: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    import_paths: tuple[str, ...] = ()

    @contextmanager
    def in_this_process(self) -> Iterator[None]:
        """The driver, and processes that it starts meanwhile, import the user's modules and see the variables too: data and models are checked here."""
        before = {name: os.environ.get(name) for name in self.environment}
        os.environ.update(self.environment)
        try:
            with importable(self.import_paths):
                yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


@contextmanager
def beside_sweep_file(folder: str) -> Iterator[None]:
    """Modules that lie beside a sweep file can be imported meanwhile; `folder` may be empty, where none is known.

    Whoever calls this with what a storage says has asked `sweeps.trust` before.
    """
    with importable([folder] if folder else []):
        yield


def check_still_there(sweep: SweepFile, folder: str) -> None:
    """Make sure that a study's own modules are found, before anything else is tried.

    Args:
        sweep: the study's file, taken from its storage.
        folder: where it lay when the study was run last, or empty where that is not on record.

    Raises:
        SweepInputError: one is not found; the message says where it was looked for and what to do.
    """
    for reference, key in own_references(sweep):
        try:
            check_module(reference, key)
        except UserCodeError as error:
            if not folder:
                raise SweepInputError(str(error)) from None
            module = reference.partition(":")[0].partition(".")[0]
            what = (
                "lies there no more"
                if Path(folder).is_dir()
                else "cannot be found: that folder was moved or removed, or is on another machine"
            )
            raise SweepInputError(
                f"{key}: the study uses {reference}. {module}.py lay beside the sweep file in {folder} and {what}. "
                f"Start the command in the folder that holds it now, or name that folder: --set runtime.working_dir=FOLDER"
            ) from None


def resolve_runtime(sweep: SweepFile, base: Path, environ: Mapping[str, str]) -> Runtime:
    """Find the folders and expand the variables.

    Args:
        sweep: its ``runtime`` section, and where it keeps files that must not travel.
        base: folder that relative paths mean.
        environ: where ``${VARIABLES}`` are looked up, usually ``os.environ``.

    Raises:
        SweepInputError: a folder or file is not there, or a variable is not set.
    """
    settings = sweep.runtime
    ray: dict[str, Any] = {}
    paths: list[str] = []
    if settings.working_dir is not None:
        folder = _existing(settings.working_dir, base, "runtime.working_dir")
        if not folder.is_dir():
            raise SweepInputError(f"runtime.working_dir: expected a folder, {folder} is a file")
        ray |= {"working_dir": str(folder), "excludes": [*NOT_SENT, *_own_files(sweep, folder, base)]}
        paths.append(str(folder))
    for index, place in enumerate(settings.py_modules):
        module = _existing(place, base, f"runtime.py_modules[{index}]")
        if not module.is_dir() and module.suffix != WHEEL:
            raise SweepInputError(f"runtime.py_modules[{index}]: expected a package's folder or a .whl file, got {module}")
        ray.setdefault("py_modules", []).append(str(module))
        paths.append(str(module if module.suffix == WHEEL else module.parent))
    if settings.pip:
        ray["pip"] = list(settings.pip)
    return Runtime(ray, _expanded(settings.env, environ), tuple(dict.fromkeys([*paths, str(base)])))


def _existing(place: str, base: Path, key: str) -> Path:
    path = (base / Path(place).expanduser()).resolve()
    if not path.exists():
        raise SweepInputError(f"{key}: {path} does not exist; a relative path means the folder that the command is started in ({base})")
    return path


def _own_files(sweep: SweepFile, folder: Path, base: Path) -> list[str]:
    """The checkpoint folder, where it lies in the working folder."""
    place = sweep.storage_path or f"runs/{sweep.study}"
    if "://" in place:
        return []
    path = (base / Path(place).expanduser()).resolve()
    return [f"/{path.relative_to(folder)}"] if path.is_relative_to(folder) and path != folder else []


def _expanded(env: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    expanded = {}
    for name, value in env.items():
        try:
            expanded[name] = expand(value, environ)
        except SweepInputError as error:
            raise SweepInputError(f"runtime.env.{name}: {error}") from None
    return expanded
