"""``steadysweep resume``: continue a study from its storage alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.cli.new_study import with_hint
from sweeps.cli.outcome import finish
from sweeps.cli.storage_argument import storage_argument
from sweeps.errors import SweepInputError
from sweeps.launch import launch
from sweeps.record import read_study_facts
from sweeps.study import OtherSweepError
from sweeps.sweep_file import parse_duration, sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sweeps.launch import LaunchOptions


def resume(
    study: str, overrides: Sequence[str], *, storage: str | None, more_trials: str | None, time_budget: str | None, options: LaunchOptions
) -> int:
    """Continue a study.

    Args:
        study: its name.
        overrides: ``KEY=VALUE`` texts: resources, budget, a narrower space, another place of the same data.
        storage: URL, or None for the default.
        more_trials: ``+N`` configurations beyond those the study asked for.
        time_budget: of this run, e.g. ``2h``.
        options: how to run it.

    Raises:
        SweepInputError: no such study, an argument that cannot be read, or a change that makes it another study.
    """
    url = storage_argument(storage, study)
    facts = read_study_facts(url, study)
    sweep = sweep_from_text(facts.sweep_file, f"study {study}", overrides)
    if sweep.study != study:
        raise SweepInputError(
            f"resume --set study: a study keeps its name; for a new one, type: steadysweep run --from {study} --set study={sweep.study}"
        )
    sweep = sweep.model_copy(update={"storage": url})
    if more_trials is not None:
        search = sweep.search.model_copy(update={"trials": sweep.search.trials + _count(more_trials)})
        sweep = sweep.model_copy(update={"search": search})
    if time_budget is not None:
        sweep = sweep.model_copy(update={"budget": sweep.budget.model_copy(update={"time": _seconds(time_budget)})})
    try:
        result = launch(sweep, options)
    except OtherSweepError as error:
        raise with_hint(error, sweep, [], overrides) from None
    return finish(sweep, result)


def _count(text: str) -> int:
    number = text.removeprefix("+")
    if not number.isdecimal() or int(number) < 1:
        raise SweepInputError(f"--trials: expected +N with N at least 1, e.g. --trials +12, got {text!r}.")
    return int(number)


def _seconds(text: str) -> float:
    try:
        return float(str(parse_duration(text)))
    except ValueError as error:
        raise SweepInputError(f"--time: {error}") from None
