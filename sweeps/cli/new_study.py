"""New studies that begin with an old one's trials: ``run [SWEEP.yaml] --from STUDY``, and the exact command where it is what a person needs."""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from sweeps.cli.command import storage_url
from sweeps.errors import SweepInputError
from sweeps.record.study_record import HistorySource, read_study_facts, study_exists
from sweeps.study.running import storage_of
from sweeps.sweep_file import SweepFile, sweep_from_text
from sweeps.trust import check_trusted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweeps.study.running import OtherSweepError


MOST_NAMES = 1000


def sweep_of_study(source: HistorySource, overrides: Sequence[str], storage: str | None, *, trust: bool) -> SweepFile:
    """The file of an old study as that of a new one, which gets places of its own for checkpoints and report, and `storage` (default: the old one's).

    Raises:
        SweepInputError: the ``KEY=VALUE`` texts do not give the new study a name.
    """
    facts = read_study_facts(source.storage, source.study)
    sweep = sweep_from_text(facts.sweep_file, f"study {source.study}", overrides)
    if sweep.study == source.study:
        raise SweepInputError(f"--from {source.study}: the new study needs a name of its own; add --set study=NAME.")
    check_trusted(facts.sweep_file, sweep, overrides, study=source.study, trust=trust)
    places = dict(own_places(sweep_from_text(facts.sweep_file), sweep.study))
    given = {override.partition("=")[0].strip() for override in overrides}
    if "storage_path" in places and "storage_path" not in given:
        sweep = sweep.model_copy(update={"storage_path": places["storage_path"]})
    if "report.path" in places and not given & {"report", "report.path"}:
        sweep = sweep.model_copy(update={"report": sweep.report.model_copy(update={"path": places["report.path"]})})
    return sweep.model_copy(update={"storage": storage or source.storage})


def history_source(study: str, storage: str | None, new_storage: str | None) -> HistorySource:
    """Where the old study is: as given, else in the new study's storage, else where a command about it would look.

    Raises:
        SweepInputError: no storage can be told.
    """
    if storage is None and new_storage is not None and study_exists(new_storage, study):
        return HistorySource(study, new_storage)
    return HistorySource(study, storage_url(storage, study))


def with_hint(error: OtherSweepError, sweep: SweepFile, words: Sequence[str], overrides: Sequence[str]) -> SweepInputError:
    """The refusal of a sweep that its study cannot continue, with the command for a new study where one can begin with its trials.

    `words` are the sweep file, or nothing; `overrides` the ``KEY=VALUE`` texts that were given.
    """
    if not error.importable:
        return SweepInputError(str(error))
    storage = storage_of(sweep)
    name = _free_name(storage, sweep.study)
    settings = [f"study={name}", *overrides, *(f"{key}={place}" for key, place in own_places(sweep, name) if words)]
    options = [part for each in settings for part in ("--set", each)]
    command = ["steadysweep", "run", *words, "--from", sweep.study, "--from-storage", storage, *options]
    return SweepInputError(f"{error}\nFor a new study that takes these trials over as history:\n  {shlex.join(command)}")


def own_places(sweep: SweepFile, name: str) -> list[tuple[str, str]]:
    """Where the file names places for checkpoints and report: others for a study called `name`, by setting."""
    found = []
    if sweep.storage_path is not None:
        found.append(("storage_path", _renamed(sweep.storage_path.rstrip("/"), sweep.study, name)))
    if sweep.report.path is not None:
        path = PurePosixPath(sweep.report.path)
        found.append(("report.path", str(path.with_name(_renamed(path.stem, sweep.study, name) + path.suffix))))
    return found


def _renamed(text: str, old: str, new: str) -> str:
    return f"{text.removesuffix(old)}{new}" if text.endswith(old) else f"{text}-{new}"


def _free_name(storage: str, study: str) -> str:
    return next((name for number in range(2, MOST_NAMES) if not study_exists(storage, name := f"{study}-{number}")), f"{study}-new")
