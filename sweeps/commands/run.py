"""``steadysweep run``: run a sweep, or continue it where it was left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.commands.outcome import finish
from sweeps.commands.storage_argument import storage_argument
from sweeps.launch import LaunchOptions, launch
from sweeps.sweep_file import load_sweep_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweeps.launch.launch import ExecutorKind


def run(sweep_file: str, overrides: Sequence[str], *, storage: str | None, address: str | None, executor: ExecutorKind, quiet: bool) -> int:
    """Run the study of a sweep file to its end.

    Raises:
        SweepInputError: the file, the storage or the data cannot be used.
    """
    sweep = load_sweep_file(sweep_file, overrides)
    if storage is not None:
        sweep = sweep.model_copy(update={"storage": storage_argument(storage, sweep.study)})
    return finish(sweep, launch(sweep, LaunchOptions(executor, address, quiet)))
