"""``steadysweep resume``: continue a study from its storage alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweeps.cli.command import (
    TRAINING_EXIT_CODES,
    Command,
    execution_arguments,
    overrides_argument,
    storage_argument,
    storage_url,
    trust_argument,
)
from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def resume(
    study: str,
    overrides: Sequence[str],
    *,
    storage: str | None,
    more_trials: str | None,
    time_budget: str | None,
    trust: bool,
    **options: Any,  # noqa: ANN401 - each has its own type in LaunchOptions
) -> int:
    """Continue a study, with ``+N`` more trials, or a time budget such as ``2h`` for this run; `options` are fields of `sweeps.launch.LaunchOptions`.

    Raises:
        SweepInputError: no such study, an argument that cannot be read, or a change that makes it another study.
    """
    from sweeps.cli.new_study import with_hint
    from sweeps.cli.run import finish
    from sweeps.launch import LaunchOptions, launch
    from sweeps.record.study_record import read_study_facts
    from sweeps.study.running import OtherSweepError
    from sweeps.sweep_file import sweep_from_text
    from sweeps.trust import check_trusted

    url = storage_url(storage, study)
    facts = read_study_facts(url, study)
    sweep = sweep_from_text(facts.sweep_file, f"study {study}", overrides)
    if sweep.study != study:
        raise SweepInputError(
            f"resume --set study: a study keeps its name; for a new one, type: steadysweep run --from {study} --set study={sweep.study}"
        )
    check_trusted(facts.sweep_file, sweep, overrides, study=study, trust=trust)
    sweep = sweep.model_copy(update={"storage": url})
    if more_trials is not None:
        search = sweep.search.model_copy(update={"trials": sweep.search.trials + _count(more_trials)})
        sweep = sweep.model_copy(update={"search": search})
    if time_budget is not None:
        sweep = sweep.model_copy(update={"budget": sweep.budget.model_copy(update={"time": _seconds(time_budget)})})
    try:
        result = launch(sweep, LaunchOptions(**options))
    except OtherSweepError as error:
        raise with_hint(error, sweep, [], overrides) from None
    return finish(sweep, result)


def _count(text: str) -> int:
    number = text.removeprefix("+")
    if not number.isdecimal() or int(number) < 1:
        raise SweepInputError(f"--trials: expected +N with N at least 1, e.g. --trials +12, got {text!r}.")
    return int(number)


def _seconds(text: str) -> float:
    from sweeps.sweep_file.runtime import parse_duration

    try:
        return float(str(parse_duration(text)))
    except ValueError as error:
        raise SweepInputError(f"--time: {error}") from None


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="STUDY", help="its name in the storage")
    overrides_argument(parser)
    storage_argument(parser)
    parser.add_argument("--trials", metavar="+N", dest="more_trials", help="search N more configurations than the study asked for")
    parser.add_argument("--time", metavar="T", dest="time_budget", help="wall-clock budget of this run, e.g. 2h or 30m")
    trust_argument(parser)
    execution_arguments(parser)


COMMAND = Command(
    name="resume",
    summary="continue a study from its storage alone",
    description="Needs the storage, the data and your own code, not the sweep file. --set changes resources, runtime, budget and reports,\n"
    "narrows the space, or says where the data lies now; what makes it another study is refused.",
    examples=(
        ("steadysweep resume flowers --storage sqlite:///flowers.db", "goes on without the sweep file"),
        ("steadysweep resume flowers --storage sqlite:///flowers.db --trials +20 --time 2h", "20 more configurations, two hours at most"),
    ),
    add_arguments=_add_arguments,
    run=resume,
    exit_codes=TRAINING_EXIT_CODES,
)
