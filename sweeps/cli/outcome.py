"""The last words of a run: leaders, why it ended, how to go on, where the report is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from sweeps.cli.error_handler import INTERRUPTED
from sweeps.cli.status import leader_lines
from sweeps.progress.plain import counts
from sweeps.standing import standing
from sweeps.study import storage_of

if TYPE_CHECKING:
    from sweeps.launch import LaunchResult
    from sweeps.sweep_file import SweepFile


def finish(sweep: SweepFile, result: LaunchResult) -> int:
    """Print the leaders and the report's path; the exit code of the run."""
    console = Console(stderr=True, highlight=False)
    outcome = result.outcome
    resume = f"steadysweep resume {sweep.study} --storage '{storage_of(sweep)}'"
    console.print(f"{outcome.reason if result.ran else f'nothing to do ({outcome.reason})'}: {counts(outcome.snapshot)}", soft_wrap=True)
    print("\n".join(leader_lines(result.record, standing(result.record))), flush=True)
    if outcome.note:
        console.print(f"  {outcome.note}", soft_wrap=True)
    if outcome.unfinished:
        numbers = ", ".join(str(number) for number in outcome.unfinished)
        console.print(f"unfinished: {numbers}; continue with: {resume}", soft_wrap=True)
    elif not result.ran:
        console.print(f"search more configurations with: {resume} --trials +{max(1, sweep.search.trials // 2)}", soft_wrap=True)
    console.print("report:")
    print(result.report)
    return INTERRUPTED if outcome.reason == "interrupted" else 0
