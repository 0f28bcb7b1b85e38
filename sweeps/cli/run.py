"""``steadysweep run``: run a sweep, or continue it where it was left."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sweeps.cli.new_study import history_source, sweep_of_study, with_hint
from sweeps.cli.outcome import finish
from sweeps.cli.storage_argument import storage_argument
from sweeps.errors import SweepInputError
from sweeps.launch import LaunchOptions, launch
from sweeps.study import OtherSweepError, storage_of
from sweeps.sweep_file import load_sweep_file

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(
    sweep_file: str | None,
    overrides: Sequence[str],
    *,
    storage: str | None,
    source: str | None,
    source_storage: str | None,
    options: LaunchOptions,
) -> int:
    """Run the study of a sweep file to its end.

    Args:
        sweep_file: the YAML file; None, with `source`: that study's own file.
        overrides: ``KEY=VALUE`` texts.
        storage: URL, or None for the file's.
        source: a study whose trials a new study begins with, or None.
        source_storage: its URL, or None for the new study's storage, or the default.
        options: how to run it.

    Raises:
        SweepInputError: the file, the storage or the data cannot be used.
    """
    if source is None and source_storage is not None:
        raise SweepInputError("--from-storage: says where the study of --from is; add --from STUDY.")
    if sweep_file is None and source is None:
        raise SweepInputError(
            "run: expected SWEEP.yaml (`steadysweep init DATA_DIR` writes one), or --from STUDY for a new study from an old one's file."
        )
    given = None if storage is None else storage_argument(storage, source)
    if sweep_file is None:
        history = history_source(str(source), source_storage, given)
        sweep, options = sweep_of_study(history, overrides, given), replace(options, history=history)
    else:
        sweep = load_sweep_file(sweep_file, overrides)
        if given is not None:
            sweep = sweep.model_copy(update={"storage": given})
        if source is not None:
            options = replace(options, history=history_source(source, source_storage, storage_of(sweep)))
    try:
        result = launch(sweep, options)
    except OtherSweepError as error:
        raise with_hint(error, sweep, [] if sweep_file is None else [sweep_file], overrides) from None
    return finish(sweep, result)
