"""``steadysweep stop``: end a study's drivers, or single trials, from another shell."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from sweeps.cli.command import Command, storage_argument, storage_url
from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sweeps.record.steering import EndedTrial

LOOK_SECONDS = 0.5


def stop(study: str, *, storage: str | None, trials: Sequence[int], wait: bool) -> int:
    """Ask the drivers of a study to save and end as after one Ctrl-C, or trials to end where they stand.

    Args:
        study: its name.
        storage: URL, or None for the default.
        trials: numbers of the trials to end; none: the drivers.
        wait: return once no driver runs the study.

    Raises:
        SweepInputError: no such study or trial, or options that do not go together.
    """
    from sweeps.record.steering import ask_to_end, ask_to_stop, living_drivers

    if wait and trials:
        raise SweepInputError("stop: --wait waits for the drivers, which go on after --trial; leave one of the two out.")
    url = storage_url(storage, study)
    if trials:
        left = living_drivers(url, study)
        for number in dict.fromkeys(trials):
            print(_said(ask_to_end(url, study, number), study, driven=bool(left)))
        return 0
    drivers = ask_to_stop(url, study)
    if drivers:
        print(f"asked {', '.join(drivers)} to save and stop; go on with: steadysweep resume {study} --storage '{url}'")
    else:
        print(
            f"no driver is known to run {study}: nothing to stop (a driver without a trial, which cannot be seen, stops as well)",
            file=sys.stderr,
        )
    while wait and living_drivers(url, study):
        time.sleep(LOOK_SECONDS)
    return 0


def _said(ended: EndedTrial, study: str, *, driven: bool) -> str:
    """What becomes of a trial, in words."""
    if ended.was == "waiting":
        return f"trial {ended.number}: had not begun and is withdrawn"
    when = (
        "its driver ends it after the batch or the epoch it is in"
        if driven
        else "no driver runs it; the next run ends it before it trains on"
    )
    what = (
        f"trial {ended.number}: {'was asked to end before' if ended.was == 'ending' else 'asked to end where it stands, as pruned'}; {when}"
    )
    if ended.carries:
        others = " ".join(str(each) for each in ended.carries)
        what += (
            f". Its training goes on for trials {', '.join(others.split())}, which differ in BatchNorm momentum alone; "
            f"end these too: steadysweep stop {study} --trial {others}"
        )
    elif ended.carrier is not None:
        what += f". Its training is that of trial {ended.carrier}, which goes on"
    return what


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="STUDY", help="its name in the storage")
    parser.add_argument(
        "--trial", nargs="+", type=int, default=[], dest="trials", metavar="N",
        help="end these trials where they stand, as pruned, and let the study go on; numbers as in `steadysweep status`",
    )  # fmt: skip
    parser.add_argument("--wait", action="store_true", help="return once no driver runs the study")
    storage_argument(parser)


COMMAND = Command(
    name="stop",
    summary="stop a running study, or single trials, from another shell",
    description="Writes to the storage, where every driver of the study looks each second. Without --trial they all save checkpoints and end with exit code 130,\n"
    "as after one Ctrl-C, wherever they run; `steadysweep resume` goes on. With --trial these trials end where they stand: they are pruned, the sampler\n"
    "learns their level, and the study goes on. A training that carries other BatchNorm momenta goes on for those. A point that waits is withdrawn.",
    examples=(
        ("steadysweep stop flowers", "save and stop, as Ctrl-C in its terminal"),
        ("steadysweep stop flowers --wait", "and return once it has stopped"),
        ("steadysweep stop flowers --trial 12 15", "end these two trials; the others go on"),
    ),
    add_arguments=_add_arguments,
    run=stop,
)
