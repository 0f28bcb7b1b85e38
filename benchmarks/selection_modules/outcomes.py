"""What replayed sweeps ended in: replays them, and keeps the outcomes of peers, some of whose proposals cost seconds."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from replay import Choice, Contender, Sweep

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from study import Table

KEPT = Path(__file__).resolve().parents[1] / "data" / "selection"
"""Outcomes of slow peers, by default; they depend on the tabular study and the peers' releases alone."""


@dataclass(frozen=True)
class Outcome:
    """The end of one sweep.

    Attributes:
        space: name of the table.
        number: of the sweep.
        choice: what the tool said.
        trainings: begun.
        epochs: spent.
        used: seeds of the chosen configuration that the sweep has seen, as places among the table's; the others are the truth. Empty where seeds are resampled.
        finished: configurations with a training that ended, in the order of the grid; not kept in files.
    """

    space: str
    number: int
    choice: Choice
    trainings: int
    epochs: int
    used: tuple[int, ...]
    finished: tuple[int, ...]


def replay(contender: Contender, table: Table, number: int, trainings: int, *, resampled: bool = False) -> Outcome:
    """Run a contender on one sweep of a space.

    Args:
        contender: who searches.
        table: the space.
        number: of the sweep.
        trainings: budget that contenders with a share of 1 are given.
        resampled: which of the two worlds of `replay`.
    """
    sweep = Sweep(table, number, round(trainings * contender.share), resampled=resampled)
    choice = contender.choose(sweep)
    if sweep.epochs > sweep.budget:
        raise RuntimeError(f"{contender.name} spent {sweep.epochs} epochs of {sweep.budget} in {table.name}")
    finished = {each.configuration for each in sweep.started if each.curve.size == table.num_epochs}
    used = set() if resampled else {each.seed for each in sweep.started if each.configuration == choice.configuration}
    return Outcome(table.name, number, choice, len(sweep.started), sweep.epochs, tuple(sorted(used)), tuple(sorted(finished)))


@dataclass(frozen=True)
class Plan:
    """Which sweeps are replayed.

    Attributes:
        sweeps: of each space.
        trainings: budget of each.
        resampled: which of the two worlds of `replay`.
    """

    sweeps: int
    trainings: int
    resampled: bool = False


def outcomes(contender: Contender, tables: Mapping[str, Table], plan: Plan, folder: Path | None) -> list[Outcome]:
    """The outcomes of a contender in all spaces, sweep by sweep.

    Args:
        contender: who searches.
        tables: spaces by name.
        plan: which sweeps.
        folder: where outcomes are read, and those written that are not there yet; None replays without reading and writing.
    """
    numbers = range(0, plan.sweeps, contender.every)
    world = "-resampled" * plan.resampled
    stem = re.sub(r"[^a-z0-9]+", "-", contender.name.lower()).strip("-")
    path = None if folder is None else folder / f"{stem}-{plan.trainings}{world}.json"
    known = {} if path is None or not path.exists() else {(each.space, each.number): each for each in read(path)}
    for number in numbers:
        new = {
            (name, number): replay(contender, table, number, plan.trainings, resampled=plan.resampled)
            for name, table in tables.items()
            if (name, number) not in known
        }
        known |= new
        if new and path is not None and (contender.slow or number == numbers[-1]):
            write(path, known.values())
    return [known[name, number] for number in numbers for name in tables]


def read(path: Path) -> list[Outcome]:
    """Outcomes from a file."""
    rows = json.loads(path.read_text())
    return [
        Outcome(**{**row, "choice": Choice(**row["choice"]), "used": tuple(row["used"]), "finished": tuple(row["finished"])})
        for row in rows
    ]


def write(path: Path, of: Iterable[Outcome]) -> None:
    """Outcomes to a file, one a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = sorted(of, key=lambda each: (each.space, each.number))
    new = path.with_suffix(".new")
    new.write_text("[\n" + ",\n".join(json.dumps(_row(each)) for each in ordered) + "\n]\n")
    new.replace(path)


def _row(of: Outcome) -> dict[str, object]:
    choice = {"configuration": of.choice.configuration, "reported": round(of.choice.reported, 6)}
    return {**asdict(of), "choice": choice, "finished": []}
