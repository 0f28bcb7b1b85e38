"""What is read: one line a source. The first that recognises a place reads it, and says which others would."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reports.errors import ReportInputError
from reports.foreign_sweeps import console_sweep, keras_tuner, log_folder, mlflow_store, optuna_storage, ray_tune, wandb_export
from reports.foreign_sweeps.sweep import ForeignSweep, Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.records import ParameterValue


@dataclass(frozen=True)
class Source:
    """A tool's way of keeping a sweep.

    Attributes:
        what: it is, for messages.
        recognises: whether a place is such a one, by its content.
        read: the sweep in it.
    """

    what: str
    recognises: Callable[[Place], bool]
    read: Callable[[Place], ForeignSweep]


SOURCES: Final = (
    Source("a Ray Tune experiment folder (progress.csv or result.json, params.json)", ray_tune.recognises, ray_tune.read),
    Source("an Optuna database", optuna_storage.recognises_database, optuna_storage.read_database),
    Source("an Optuna journal file", optuna_storage.recognises_journal, optuna_storage.read_journal),
    Source("a KerasTuner project with its callbacks' logs", keras_tuner.recognises, keras_tuner.read),
    Source("an MLflow folder (mlruns)", mlflow_store.recognises_folder, mlflow_store.read_folder),
    Source("an MLflow database", mlflow_store.recognises_database, mlflow_store.read_database),
    Source("a W&B export (a chart's CSV, or histories beside the table of runs)", wandb_export.recognises, wandb_export.read),
    Source("a folder of logs with JSON or YAML settings beside them", log_folder.recognises, log_folder.read),
    Source("a folder of several logs", log_folder.recognises_without_settings, log_folder.read_without_settings),
    Source("a log in which trials are told apart", console_sweep.recognises, console_sweep.read),
)
_MOST_BELOW: Final = 200
_MOST_SHOWN: Final = 10
_SQLITE: Final = b"SQLite format 3\x00"


def read_foreign_sweep(place: str, *, study: str | None = None) -> ForeignSweep | None:
    """The sweep at a place, whoever ran it; None where nothing recognises it.

    Args:
        place: a file, a folder or the address of a database.
        study: which study or experiment, where the place has several.

    Raises:
        ReportInputError: the place does not exist, or what is there has no learning curves.
    """
    where = _place(place, study)
    number = next((number for number, source in enumerate(SOURCES) if source.recognises(where)), None)
    if number is None:
        return _below(where)
    sweep = _printable(SOURCES[number].read(where))
    others = [source.what for source in SOURCES[number + 1 : -3] if source.recognises(where)]
    if number < len(SOURCES) - 3 and where.path is not None and where.path.is_dir() and log_folder.lie_in(where.path):
        others.append("logs with settings beside them")
    if others:
        sweep = replace(
            sweep, facts={**sweep.facts, "also there, not read": f"{'; '.join(others)}. To read it, give it a folder of its own."}
        )
    return sweep


def _below(place: Place) -> ForeignSweep | None:
    """The sweep in the only folder of a folder that holds one, e.g. ``ray_results``; None where none does.

    Raises:
        ReportInputError: several do.
    """
    if place.path is None or not place.path.is_dir():
        return None
    folders = [path for path in sorted(place.path.iterdir()) if path.is_dir() and not path.name.startswith(".")][:_MOST_BELOW]
    below = [Place(str(path), path, None, place.study) for path in folders]
    found = [(each, source) for each in below for source in SOURCES[:-2] if source.recognises(each)]
    if not found:
        return None
    places = list(dict.fromkeys(each.text for each, _ in found))
    if len(places) > 1:
        shown = ", ".join(places[:_MOST_SHOWN]) + (", ..." if len(places) > _MOST_SHOWN else "")
        raise ReportInputError(f"{place.text}: holds {len(places)} sweeps ({shown}); name one: steadysweep report {places[0]}")
    each, source = found[0]
    return _printable(source.read(each))


def _printable(sweep: ForeignSweep) -> ForeignSweep:
    """A sweep whose names and settings cannot steer a terminal: control characters are shown as a mark."""

    def plain(value: ParameterValue) -> ParameterValue:
        return "".join(each if each.isprintable() else "\ufffd" for each in value) if isinstance(value, str) else value

    trials = tuple(
        replace(trial, name=str(plain(trial.name)), params={str(plain(name)): plain(value) for name, value in trial.params.items()})
        for trial in sweep.trials
    )
    return replace(sweep, name=str(plain(sweep.name)), trials=trials)


def what_is_read() -> str:
    """The sources in words, for a message."""
    return "; ".join(source.what for source in SOURCES)


def is_place(text: str) -> bool:
    """Whether a text is an address or a file or folder that exists, rather than a study's name."""
    return "://" in text or Path(text).exists()


def _place(text: str, study: str | None) -> Place:
    """A place as the sources want it: a SQLite file has an address too, a SQLite address a file."""
    if "://" in text:
        from reports.foreign_sweeps.database import shown_address

        return Place(shown_address(text), None, text, study)
    path = Path(text)
    if not path.exists():
        raise ReportInputError(f"{text}: no such file or folder. Expected {what_is_read()}.")
    return Place(text, path, f"sqlite:///{path}" if is_sqlite(path) else None, study)


def is_sqlite(path: Path) -> bool:
    """Whether a path is a SQLite database's file."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE
