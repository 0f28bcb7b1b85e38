"""``steadysweep pause``: let a study begin no new trial for a while, from another shell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sweeps.cli.command import Command, storage_argument, storage_url

if TYPE_CHECKING:
    import argparse


def pause(study: str, *, storage: str | None, off: bool) -> int:
    """Let the drivers of a study begin no new trial, or let them go on.

    Args:
        study: its name.
        storage: URL, or None for the default.
        off: let them go on.

    Raises:
        SweepInputError: no such study.
    """
    from sweeps.environment import host_and_owner
    from sweeps.record.steering import set_paused

    url = storage_url(storage, study)
    who = host_and_owner()
    since = f"since {datetime.now(UTC).isoformat(sep=' ', timespec='seconds').removesuffix('+00:00')} UTC by {who.get('owner', 'somebody')}"
    before = set_paused(url, study, "" if off else since)
    if off:
        print(f"{study} goes on; it was paused {before}" if before else f"{study} was not paused")
    elif before:
        print(f"{study} is paused already, {before}")
    else:
        print(
            f"{study} is paused: running trials go on, no new one begins, now or in a later run, until: steadysweep pause {study} --off --storage '{url}'"
        )
    return 0


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="STUDY", help="its name in the storage")
    parser.add_argument("--off", action="store_true", help="let it begin trials again")
    storage_argument(parser)


COMMAND = Command(
    name="pause",
    summary="let a study begin no new trial for a while, from another shell",
    description="Writes to the storage, where every driver of the study looks each second. Trials that are running, or were interrupted, go on to their end;\n"
    "no new one begins: neither proposals, nor points of `add`, nor confirmations. The drivers wait, and time budgets run on. It lasts until --off,\n"
    "over later runs too. To give the machine free at once, use `steadysweep stop`.",
    examples=(
        ("steadysweep pause flowers", "the running trials are the last for now"),
        ("steadysweep pause flowers --off", "go on"),
    ),
    add_arguments=_add_arguments,
    run=pause,
)
