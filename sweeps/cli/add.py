"""``steadysweep add``: ask for a point to be trained next, from another shell too while the study is running."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from sweeps.cli.command import Command, storage_argument, storage_url
from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def add(study: str, settings: Sequence[str], *, storage: str | None) -> int:
    """Ask for a point; a driver that is running trains it next, else the next run does.

    Args:
        study: its name.
        settings: ``KEY=VALUE`` texts: parameters of the space; those that are left out are drawn.
        storage: URL, or None for the default.

    Raises:
        SweepInputError: no such study, or values that are not of its space.
    """
    from sweeps.record.opening import ask_for
    from sweeps.record.study_record import read_study_facts
    from sweeps.study.requests import point_asked_for
    from sweeps.sweep_file import sweep_from_text

    url = storage_url(storage, study)
    sweep = sweep_from_text(read_study_facts(url, study).sweep_file, f"study {study}")
    point = point_asked_for(sweep.space, _given(settings))
    number = ask_for(url, study, point)
    print(f"trial {number}: {', '.join(f'{name}={value}' for name, value in point.items())}")
    drawn = [name for name in sweep.space.parameters if name not in point]
    left = f"{', '.join(drawn)}: drawn, as for a starting point. " if drawn else ""
    print(
        f"{left}A run of {study} trains it next; where none is running, type: steadysweep resume {study} --storage {url}", file=sys.stderr
    )
    return 0


def _given(settings: Sequence[str]) -> dict[str, Any]:
    """Names and values, read as YAML.

    Raises:
        SweepInputError: a text without a key or a value, or a key that is given twice.
    """
    from search_spaces.errors import SpaceError
    from search_spaces.located_yaml import load_yaml

    given: dict[str, Any] = {}
    for text in settings:
        key, equals, value = text.partition("=")
        name = key.strip().removeprefix("space.")
        if not equals or not name or not value.strip():
            raise SweepInputError(f"add --set {text}: expected KEY=VALUE; write e.g. --set learning_rate=1e-3")
        if name in given:
            raise SweepInputError(f"add --set {name}: given twice; give one value for each parameter")
        try:
            given[name] = load_yaml(value, f"--set {name}").value
        except SpaceError as error:
            raise SweepInputError(f"add --set {name}: {error}") from None
    if not given:
        raise SweepInputError("add: expected at least one --set KEY=VALUE, e.g. --set learning_rate=1e-3")
    return given


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="STUDY", help="its name in the storage")
    parser.add_argument(
        "--set", action="append", default=[], dest="settings", metavar="KEY=VALUE",
        help="a value of a searched parameter; those that are not given are drawn (repeatable)",
    )  # fmt: skip
    storage_argument(parser)


COMMAND = Command(
    name="add",
    summary="ask for a point of a study's space to be trained next",
    description="Writes the point to the storage, where the running drivers of the study look every second: it is trained next, before the sampler's\n"
    "proposals and beside the trials that were asked for. Where none is running, the next run trains it. Optuna's study.enqueue_trial does the same.",
    examples=(
        ("steadysweep add flowers --set learning_rate=1e-3 --set dropout=0.3", "train this point next"),
        ("steadysweep add flowers --set frozen_layers=75%", "this value; the others are drawn"),
    ),
    add_arguments=_add_arguments,
    run=add,
)
