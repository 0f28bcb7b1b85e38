"""``steadysweep delete``: remove a study and its checkpoints for good."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sweeps.cli.command import KNOWN_FAILURE, Command, storage_argument, storage_url
from sweeps.errors import SweepError, SweepInputError

if TYPE_CHECKING:
    import argparse

    from sweeps.study.deletion import Belongings


def delete(study: str, *, storage: str | None, yes: bool, trust: bool) -> int:
    """Remove a study's rows from the storage and what its runs wrote to its storage_path, once that was agreed to.

    Args:
        study: its name.
        storage: URL, or None for the default.
        yes: do not ask.
        trust: files outside the current folder may be removed although the study's own file was not run here (`sweeps.trust`).

    Raises:
        SweepInputError: no such study, or nobody can be asked.
        StudyLockedError: a driver is running it.
    """
    from reports.wording import harmless, visible
    from sweeps.record.steering import living_drivers
    from sweeps.record.storage import Database
    from sweeps.record.study_record import read_stored_study
    from sweeps.study.deletion import belongings, delete_study, stored_root
    from sweeps.trust import is_known, is_outside

    with Database(storage_url(storage, study)) as database:
        facts, trials = read_stored_study(database, study)
        root, unread = stored_root(study, facts.sweep_file)
        if unread:
            print(
                harmless(f"the study's sweep file cannot be used any more ({unread}); of it, only storage_path counts here"),
                file=sys.stderr,
            )
        if is_outside(root) and not trust and not is_known(study, facts.sweep_file):
            raise SweepInputError(
                f"delete: the study keeps its checkpoints in {visible(root)}, outside this folder, and you have not run its sweep file on this machine. "
                "If that folder is yours, and its own, add --trust."
            )
        if drivers := living_drivers(database, study):
            raise SweepError(f"delete: {study} is being run by {', '.join(drivers)}. Stop it first: steadysweep stop {study} --wait")
        try:
            _show(study, database.place, belongings(study, facts, trials, root))
            if not yes and not _agreed(study):
                print("nothing was deleted", file=sys.stderr)
                return KNOWN_FAILURE
            gone = delete_study(database, study, facts, trials, root)
        except OSError as error:
            raise SweepError(f"delete: {error}. Run the command again once that is mended: it removes the rest.") from error
    print(f"deleted {study}: {sum(gone.states.values())} trials and {len(gone.files)} files")
    return 0


def _show(study: str, place: str, there: Belongings) -> None:
    """What would go, and what stays."""
    from reports.wording import count, duration, harmless, listing, memory

    states = ", ".join(f"{number} {state.lower()}" for state, number in sorted(there.states.items()))
    lines = [
        f"study {study} in {place}",
        f"  goes: {count(sum(there.states.values()), 'trial')}{f' ({states})' if states else ''}, {duration(there.hours * 3600)} of training",
    ]
    if there.marked:
        lines.append(f"  goes: {count(len(there.files), 'file')} of its runs, {memory(there.megabytes)}, in {there.root}")
    else:
        lines.append(f"  stays: {there.root}: it does not carry the mark of this study (study.json), so nothing there is touched")
    if there.others:
        lines.append(f"  stays: {listing(there.others)} in {there.root}, which its runs did not write")
    lines.append("  stays: its sweep file, reports and exported models")
    print(harmless("\n".join(lines)), file=sys.stderr)


def _agreed(study: str) -> bool:
    """Whether the person at the terminal agrees.

    Raises:
        SweepInputError: nobody is there to be asked.
    """
    if not sys.stdin.isatty():
        raise SweepInputError("delete: nothing was deleted: there is no terminal to ask at; add --yes to delete without being asked.")
    print(f"Delete {study} for good? Type its name: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == study


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="STUDY", help="its name in the storage")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    storage_argument(parser)
    parser.add_argument(
        "--trust", action="store_true", help="remove checkpoints outside this folder although you have not run this study on this machine"
    )


COMMAND = Command(
    name="delete",
    summary="remove a study and its checkpoints for good",
    description="Shows what would go, asks, then removes the study's trials from the storage and the checkpoints and models that its runs wrote to its storage_path.\n"
    "It refuses while a driver runs the study. Of the storage_path, only a folder that carries the study's own mark is touched, and only files that its\n"
    "runs write; other files, other studies in the same storage, the sweep file, reports and exported models stay.",
    examples=(
        ("steadysweep delete old-try", "show what would go, and ask"),
        ("steadysweep delete old-try --yes", "without being asked, as in a script"),
    ),
    add_arguments=_add_arguments,
    run=delete,
)
