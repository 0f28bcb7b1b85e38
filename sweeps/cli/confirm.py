"""``steadysweep confirm``: more fresh trainings for a study that was searched, so that its answer becomes surer."""

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


def confirm(  # noqa: PLR0913 - each is an argument of the command
    study: str,
    overrides: Sequence[str],
    *,
    storage: str | None,
    seeds: int | None,
    trainings: int | None,
    configurations: Sequence[str],
    trust: bool,
    dry_run: bool,
    **options: Any,  # noqa: ANN401 - each has its own type in LaunchOptions
) -> int:
    """Train what may be the best again from fresh seeds, and print the verdict.

    Args:
        study: its name.
        overrides: ``KEY=VALUE`` texts, as for ``resume``.
        storage: URL, or None for the default.
        seeds: fresh trainings for each configuration that may be the best, or for each of `configurations`.
        trainings: fresh trainings in all, in place of `seeds`.
        configurations: IDs of those to train, or their beginnings; none: where it helps most to tell which is best.
        trust: the study's own file may do what `sweeps.trust` asks about.
        dry_run: print what it would cost, and train nothing.
        options: fields of `sweeps.launch.LaunchOptions`.

    Raises:
        SweepInputError: no such study or configuration, a number that makes no sense, or a change that makes it another study.
    """
    from reports.ranking import rank
    from reports.verdict.sentences import decide
    from sweeps.cli.run import finish, print_verdict
    from sweeps.launch import LaunchOptions, launch
    from sweeps.progress.plain import confirmation
    from sweeps.record import read_study
    from sweeps.record.study_record import read_study_facts
    from sweeps.study.ordering import look_at_order
    from sweeps.study.plan import ConfirmationOrder
    from sweeps.study.running import check_continues
    from sweeps.sweep_file import sweep_from_text
    from sweeps.trust import check_trusted

    for option, number in (("--seeds", seeds), ("--trainings", trainings)):
        if number is not None and number < 1:
            raise SweepInputError(f"confirm {option}: expected a whole number of at least 1, got {number}.")
    if seeds is not None and trainings is not None:
        raise SweepInputError("confirm: --seeds counts for each configuration and --trainings in all; give one of the two.")
    url = storage_url(storage, study)
    facts = read_study_facts(url, study)
    sweep = sweep_from_text(facts.sweep_file, f"study {study}", overrides).model_copy(update={"storage": url})
    check_continues(study, facts, sweep)
    if not dry_run:
        check_trusted(facts.sweep_file, sweep, overrides, study=study, trust=trust)
    order = ConfirmationOrder(trainings, seeds, tuple(configurations))
    cost = look_at_order(sweep, order)
    if cost is None or dry_run:
        known = "nothing to train: the best is known with 95 %, or there is nothing to compare; --configuration ID trains one all the same"
        print(known if cost is None else confirmation(cost))
        record = read_study(url, study)
        print_verdict(decide(record, rank(record)), study, url)
        return 0
    return finish(sweep, launch(sweep, LaunchOptions(**options, order=order)), again="confirm")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="STUDY", help="its name in the storage")
    parser.add_argument(
        "--seeds", type=int, metavar="N",
        help="N fresh trainings for each configuration that may be the best; each goes to where it helps most to tell",
    )  # fmt: skip
    parser.add_argument("--trainings", type=int, metavar="N", help="N fresh trainings in all, in place of --seeds")
    parser.add_argument(
        "--configuration", nargs="+", default=[], dest="configurations", metavar="ID",
        help="train these, each as often as the others, whatever is known of them, pruned ones to the end; the beginning of an ID is enough",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="print what it would cost, and train nothing")
    overrides_argument(parser)
    storage_argument(parser)
    trust_argument(parser)
    execution_arguments(parser)


COMMAND = Command(
    name="confirm",
    summary="more fresh trainings of a study's best configurations, for a surer answer",
    description="Trains configurations of a finished or stopped study again, from seeds that nothing was chosen by, and prints the verdict.\n"
    "It ends early once the best, or one within half a point of it, is known with 95 %; the search does not go on. Without --seeds and --trainings\n"
    "it goes on with what an interrupted confirmation left, or spends 15 % of the search's epochs, as confirm: auto in a sweep file does.",
    examples=(
        ("steadysweep confirm flowers --dry-run", "what it would cost"),
        ("steadysweep confirm flowers --seeds 2", "two more seeds for each that may be the best"),
        ("steadysweep confirm flowers --trainings 6", "six more, each where it helps most"),
        ("steadysweep confirm flowers --configuration e11d86 4c20aa --seeds 3", "three more seeds for these two"),
    ),
    add_arguments=_add_arguments,
    run=confirm,
    exit_codes=TRAINING_EXIT_CODES,
)
