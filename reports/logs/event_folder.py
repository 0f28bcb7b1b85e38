"""Runs of a TensorBoard log folder: event files joined over their ``train`` and ``validation`` folders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reports.errors import ReportInputError
from reports.logs.event_files import read_scalars
from reports.logs.fit import RawEpoch, RawFit, at_validations, join_single_epochs
from reports.logs.metric_names import is_known, is_learning_rate, normalise
from reports.logs.source import open_log

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from reports.logs.event_files import Scalar

_SPLITS: Final = {"train": "", "training": "", "validation": "val_", "val": "val_", "valid": "val_", "eval": "val_", "test": "test_"}
_BY_BATCH = re.compile(r"(?:^|/)(?:batch|evaluation)_|_vs_iterations$")
_RAY_TUNE: Final = "ray/tune/"
_FILES: Final = "*tfevents*"


def read_event_file(path: Path) -> list[RawFit]:
    """Fits of one event file; where it lies in a ``train`` or ``validation`` folder, with those of the folders beside it."""
    if path.parent.name.lower() not in _SPLITS:
        return _read_run([path])
    beside = [folder for folder in path.parent.parent.iterdir() if folder.is_dir() and folder.name.lower() in _SPLITS]
    return _read_run(sorted(file for folder in beside for file in folder.glob(_FILES) if file.is_file()))


def read_event_stream(pieces: Iterable[bytes]) -> list[RawFit]:
    """Fits of one event file given in pieces."""
    scalars, problem = read_scalars(pieces)
    return _fits_of_splits({"": scalars}, [_problem_note("events", problem)] if problem else [])


def read_event_folder(folder: Path) -> list[RawFit]:
    """Fits of every run in a folder and the folders below it, labelled by folder.

    Raises:
        ReportInputError: no event file lies there.
    """
    files = sorted(path for path in folder.rglob(_FILES) if path.is_file() and not path.name.endswith(".profile-empty"))
    if not files:
        found = sorted(path.name for path in folder.iterdir())[:5]
        raise ReportInputError(
            f"{folder}: a folder without trainings: no sweep of Ray Tune, KerasTuner, MLflow or W&B, no two logs, and no TensorBoard event files "
            f"(found {', '.join(found) if found else 'nothing'}). Name a log file, a sweep's folder, or the folder given to keras.callbacks.TensorBoard."
        )
    runs: dict[Path, list[Path]] = {}
    for path in files:
        runs.setdefault(path.parent.parent if path.parent.name.lower() in _SPLITS else path.parent, []).append(path)
    fits: list[RawFit] = []
    for run, paths in runs.items():
        found_fits = _read_run(paths)
        label = "" if run == folder else str(run.relative_to(folder)) if run.is_relative_to(folder) else run.name
        for number, fit in enumerate(found_fits, 1):
            fit.label = ", ".join(part for part in (label, f"fit {number}" if len(found_fits) > 1 else "") if part)
        fits.extend(found_fits)
    return fits


def _read_run(paths: Iterable[Path]) -> list[RawFit]:
    """Fits of one run's files."""
    by_split: dict[str, list[Scalar]] = {}
    notes: list[str] = []
    for path in paths:
        with open_log(str(path)) as log:
            scalars, problem = read_scalars(log.data())
        if problem:
            notes.append(_problem_note(path.name, problem))
        by_split.setdefault(_SPLITS.get(path.parent.name.lower(), ""), []).extend(scalars)
    return _fits_of_splits(by_split, notes)


def _problem_note(name: str, problem: str) -> str:
    """What to say about a file that is read in part."""
    return f"{name}: {problem}; what comes before is read."


def _fits_of_splits(by_split: Mapping[str, list[Scalar]], notes: list[str]) -> list[RawFit]:
    """Fits from the scalars of each split: the n-th fit of each belongs together."""
    splits = {split: _fits_of(scalars, split) for split, scalars in by_split.items()}
    fits: list[RawFit] = []
    for index in range(max((len(found) for found in splits.values()), default=0)):
        epochs: dict[int, dict[str, str]] = {}
        for found in splits.values():
            for step, values in found[index].items() if index < len(found) else ():
                epochs.setdefault(step, {}).update(values)
        rows = at_validations([RawEpoch(step, epochs[step]) for step in sorted(epochs)])
        rows = [row for row in rows if any(not is_learning_rate(name) for name in row.values)]
        if rows:
            fits.append(RawFit(rows, notes=list(notes)))
    return join_single_epochs(fits)


def _fits_of(scalars: Iterable[Scalar], split: str) -> list[dict[int, dict[str, str]]]:
    """Figures by step for each fit in one split's files; a fit begins where a tag's step does not rise."""
    fits: list[dict[int, dict[str, str]]] = [{}]
    last: dict[str, int] = {}
    for scalar in scalars:
        name = _metric_name(scalar.tag, split)
        if name is None:
            continue
        if scalar.step <= last.get(name, -1):
            fits.append({})
            last = {}
        last[name] = scalar.step
        fits[-1].setdefault(scalar.step, {})[name] = repr(scalar.value)
    return [fit for fit in fits if fit]


def _metric_name(tag: str, split: str) -> str | None:
    """Our name of a tag, or None when it is not a metric of an epoch (figures of batches, of layers, ...)."""
    tag = tag.removeprefix(_RAY_TUNE)
    if _BY_BATCH.search(tag):
        return None
    name = normalise(tag)
    if split and not name.startswith(("val_", "test_")):
        name = split + name
    keeps = is_known(tag) or tag.startswith("epoch_")
    return name if keeps else None
