"""``steadysweep train``: one configuration, with the records and the report of a sweep."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.cli.command import TRAINING_EXIT_CODES, Command, quiet_argument, storage_argument, storage_url, sweep_file_argument

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from reports.records import ParameterValue
    from sweeps.sweep_file import SweepFile


def train(sweep_file: str, overrides: Sequence[str], *, storage: str | None, quiet: bool) -> int:
    """Train the sweep file's own settings, with ``--set`` for what its space would vary, in this process.

    The study is called ``STUDY-CONFIGURATION``, in the sweep's storage: the same configuration again continues or shows it.

    Raises:
        SweepInputError: the file, the storage or the data cannot be used.
    """
    from reports.logs.sweep_lines import settings_text
    from sweeps.cli.run import finish
    from sweeps.launch import LaunchOptions, launch
    from sweeps.launch.preflight import load_for_run

    searched = load_for_run(sweep_file, overrides)
    values = unset(searched)
    if values and not quiet:
        print(
            f"searched in {sweep_file} and not fixed by --set, so with the file's own or default values: {settings_text(values)}",
            file=sys.stderr,
        )
    sweep = single(searched)
    if storage is not None:
        sweep = sweep.model_copy(update={"storage": storage_url(storage, sweep.study)})
    return finish(sweep, launch(sweep, LaunchOptions("inline", quiet=quiet, folder=str(Path(sweep_file).resolve().parent))))


def unset(sweep: SweepFile) -> dict[str, ParameterValue]:
    """Searched parameters to the values that their settings have without a search."""
    from sweeps.sweep_file.searchable import setting_path

    paths = {name: setting_path(name) for name in sweep.space.parameters}
    values = {name: getattr(getattr(sweep, path[0]), path[1]) for name, path in paths.items() if path is not None}
    return {name: "default" if value is None else value for name, value in values.items()}


def single(sweep: SweepFile) -> SweepFile:
    """`sweep` with nothing varied, one trial, no pruning; its study is named after the configuration."""
    from search_spaces.space import SearchSpace
    from sweeps.study.running import storage_of
    from sweeps.sweep_file.configuration import configuration_id
    from sweeps.sweep_file.settings import NO_CONFIRMATION

    fixed = sweep.model_copy(update={"space": SearchSpace(parameters={})})
    search = sweep.search.model_copy(
        update={"trials": 1, "sampler": "random", "sampler_options": {}, "pruner": "none", "pruner_options": {}}
    )
    name = f"{sweep.study}-{configuration_id(fixed, {})}"
    return fixed.model_copy(
        update={
            "study": name,
            "storage": storage_of(sweep),
            "storage_path": f"{sweep.storage_path or 'runs'}/{name}",
            "search": search,
            "confirm": NO_CONFIRMATION,
            "report": sweep.report.model_copy(update={"path": None}),
        }
    )


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    sweep_file_argument(parser)
    storage_argument(parser)
    quiet_argument(parser)


COMMAND = Command(
    name="train",
    summary="train one configuration with the same records and report",
    description="Trains one configuration of the sweep file in this process: its fixed settings, plus --set for searched parameters.\n"
    "What is searched and not set has its default, and is named. The study is called STUDY-CONFIGURATION.",
    examples=(
        ("steadysweep train sweep.yaml --set learning_rate=1e-3", "one configuration, same records and report"),
        ("steadysweep train sweep.yaml --set learning_rate=1e-3 --set frozen_layers=75%", "two settings fixed"),
    ),
    add_arguments=_add_arguments,
    run=train,
    exit_codes=TRAINING_EXIT_CODES,
)
