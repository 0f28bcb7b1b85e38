"""``steadysweep status STUDY --watch``: a study's progress, drawn again until no driver runs it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sweeps.cli.status import leader_lines, plain_table, running_trials

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.records import StudyRecord
    from sweeps.cli.status import RunningTrial
    from sweeps.record.storage import Database
    from sweeps.standing import Standing

LOOK_SECONDS: Final = 2.0
SHARE_OF_TIME: Final = 0.1
"""Of the watching, that looks at a large study may take."""
ON_A_SERVER_SECONDS: Final = 10.0
"""On a server a driver between two trials holds none: nobody runs the study once none was held for so long."""
MOST_SHOWN: Final = 8


@dataclass(frozen=True)
class Look:
    """A study at one moment.

    Attributes:
        record: of it.
        standing: of it.
        running: its trials that are not over.
        driven: whether a driver runs it; None where that cannot be told from one look.
    """

    record: StudyRecord
    standing: Standing
    running: tuple[RunningTrial, ...]
    driven: bool | None

    @property
    def paused(self) -> bool:
        """Whether no new trial begins."""
        return "paused" in self.record.facts

    def heading(self) -> str:
        """Where it stands, on one line."""
        from reports.wording import count, plain_score

        states, target = self.standing.states, self.record.target_trials
        waiting = sum(trial.free is True or trial.state == "WAITING" for trial in self.running)
        tried = f"{self.standing.configurations}{f' of {target}' if target else ''} tried"
        fresh = sum(trial.role == "confirmation" for trial in self.record.trials)
        parts = [tried, f"{states['COMPLETE']} complete", f"{states['PRUNED']} pruned", f"{states['FAIL']} failed"]
        parts.append(f"{len(self.running) - waiting} running")
        parts += [f"{waiting} to continue"] if waiting else []
        parts += [count(fresh, "confirmation")] if fresh else []
        parts += ["paused"] if self.paused else []
        if self.standing.leaders:
            best = self.standing.leaders[0]
            parts.append(f"best {best.short} {plain_score(best.stable, self.record.metric)}")
        return ", ".join(parts)

    def lines(self) -> list[str]:
        """All that is drawn, the most important first: a line that is too long is cut at the screen's edge."""
        lines = [self.record.name, self.heading(), "", *leader_lines(self.record, self.standing)]
        if self.running:
            rows = [(str(each.number), each.role, f"{each.epochs}/{each.planned_epochs}", _now(each)) for each in self.running[:MOST_SHOWN]]
            lines += ["", *plain_table(("trial", "role", "epoch", "now"), rows, left=frozenset({"role", "now"}))]
            lines += [f"and {len(self.running) - MOST_SHOWN} more"] if len(self.running) > MOST_SHOWN else []
        return [*lines, "", "Ctrl-C ends the watching, not the study"]


def watch(url: str, study: str) -> int:
    """Show a study until no driver runs it: on a terminal drawn in place, else a line for each change.

    Args:
        url: of its storage.
        study: its name.

    Raises:
        StudyNotFoundError: no such storage or study.
    """
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from reports.wording import harmless
    from sweeps.record.storage import Database

    console = Console(highlight=False)
    with Database(url) as database:
        if not console.is_terminal:
            return _watch_lines(database, study)
        with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:

            def draw(look: Look) -> None:
                text = Text(harmless("\n".join(look.lines())), no_wrap=True, overflow="ellipsis")
                live.update(text, refresh=True)

            last = _looks(database, study, draw)
    print(harmless(_ending(last)))
    return 0


def _watch_lines(database: Database, study: str) -> int:
    from reports.wording import harmless

    told: list[str] = []

    def tell(look: Look) -> None:
        line = look.heading()
        if told[-1:] != [line]:
            told.append(line)
            print(harmless(f"{datetime.now(UTC).astimezone().strftime('%H:%M:%S')} {study}: {line}"), flush=True)

    print(harmless(_ending(_looks(database, study, tell))), flush=True)
    return 0


def _looks(database: Database, study: str, show: Callable[[Look], None]) -> Look:
    """Look and show until no driver runs the study; returns the last look."""
    idle_since: float | None = None
    while True:
        began = time.monotonic()
        look = look_at(database, study)
        show(look)
        now = time.monotonic()
        idle_since = None if look.driven or (look.driven is None and look.paused) else now if idle_since is None else idle_since
        if look.driven is False or (idle_since is not None and now - idle_since >= ON_A_SERVER_SECONDS):
            return look
        time.sleep(max(LOOK_SECONDS, (now - began) / SHARE_OF_TIME))


def look_at(database: Database, study: str) -> Look:
    """The study now.

    Raises:
        StudyNotFoundError: no such storage or study.
    """
    from sweeps.record import read_study
    from sweeps.record.steering import living_drivers
    from sweeps.record.study_record import left_by_drivers, read_leases
    from sweeps.standing import standing

    drivers = living_drivers(database, study)  # before the record: what its last moments wrote is then in it
    record = read_study(database, study)
    running = running_trials(record, read_leases(database, study), left=left_by_drivers(database, study))
    on_a_server = database.storage.file is None
    return Look(record, standing(record), running, True if drivers else None if on_a_server else False)


def _now(trial: RunningTrial) -> str:
    return "to be continued" if trial.free or trial.state == "WAITING" else trial.worker or trial.driver or "starting"


def _ending(look: Look) -> str:
    """Why the watching is over, and what may be typed next."""
    name, left = look.record.name, [str(trial.number) for trial in look.running]
    if left:
        return f"no driver runs {name}; unfinished: {', '.join(left)}; continue with: steadysweep resume {name}"
    if (target := look.record.target_trials) and look.standing.configurations < target and "search settled" not in look.record.facts:
        return (
            f"no driver runs {name}; {target - look.standing.configurations} more were asked for; continue with: steadysweep resume {name}"
        )
    return f"no driver runs {name}, and its search is over; its report: steadysweep report {name}"
