"""One log that all trials of a KerasTuner search wrote to, one after the other: ``CSVLogger("log.csv", append=True)``.

The tuner keeps the order in which trials began, and of each its best epoch's figures: a stretch of the log is a trial's when it has these.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports.logs.history import read_table, table_delimiter
from reports.logs.metric_names import parse_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from reports.logs.fit import RawEpoch

_MOST_EXECUTIONS: Final = 5
_ROUNDING: Final = 1e-6
_LARGEST: Final = 1 << 28


@dataclass(frozen=True)
class BestEpoch:
    """What a tuner keeps of a trial.

    Attributes:
        figures: metric to the value of its best epoch, averaged over its executions.
        objective: the metric that the tuner ranks by.
        maximize: whether more of it is better.
        first: number of the first epoch: 0, or the epoch after the checkpoint from which Hyperband goes on.
        stop: number of the epoch at which it ends at the latest, or None.
    """

    figures: Mapping[str, float]
    objective: str
    maximize: bool
    first: int = 0
    stop: int | None = None


def trainings_in(file: Path, trials: Sequence[BestEpoch]) -> list[list[list[RawEpoch]]]:
    """The epochs of each trial's executions in a table that all trials share; an empty list for a trial that is not found.

    Args:
        file: a table with an epoch's number in each row.
        trials: in the order in which they began.
    """
    if file.stat().st_size > _LARGEST:
        return [[] for _ in trials]
    text = file.read_text(encoding="utf-8", errors="replace")
    delimiter = table_delimiter(text)
    rows = [row for fit in read_table(text, delimiter) for row in fit.rows] if delimiter else []
    best: list[list[list[RawEpoch]]] = [[] for _ in trials]
    for executions in range(1, _MOST_EXECUTIONS + 1):
        found = _assigned(rows, trials, executions)
        if sum(map(bool, found)) > sum(map(bool, best)):
            best = found
    return best


def _assigned(rows: Sequence[RawEpoch], trials: Sequence[BestEpoch], executions: int) -> list[list[list[RawEpoch]]]:
    """Stretches of each trial when every trial was trained so many times; what belongs to no trial is passed over."""
    found: list[list[list[RawEpoch]]] = []
    position = 0
    for trial in trials:
        begin = position
        stretches: list[list[RawEpoch]] = []
        while begin < len(rows) and not stretches:
            stretches, end = _stretches(rows, begin, trial, executions)
            if stretches and _is_of(stretches, trial):
                position = end
            else:
                stretches, begin = [], begin + 1
        found.append(stretches)
    return found


def _stretches(rows: Sequence[RawEpoch], begin: int, trial: BestEpoch, executions: int) -> tuple[list[list[RawEpoch]], int]:
    """So many stretches of consecutive epochs from a row on, and the row after them; none where a stretch does not begin as the trial does."""
    found: list[list[RawEpoch]] = []
    for _ in range(executions):
        stretch: list[RawEpoch] = []
        while begin < len(rows) and rows[begin].epoch == trial.first + len(stretch) != trial.stop:
            stretch.append(rows[begin])
            begin += 1
        if not stretch:
            return [], begin
        found.append(stretch)
    return found, begin


def _is_of(stretches: Sequence[Sequence[RawEpoch]], trial: BestEpoch) -> bool:
    """Whether the best epochs of some stretches have, on average, the figures that the tuner keeps."""
    choose = max if trial.maximize else min
    bests = []
    for stretch in stretches:
        counted = [row for row in stretch if math.isfinite(_figure(row, trial.objective))]
        if not counted:
            return False
        bests.append(choose(counted, key=lambda row: _figure(row, trial.objective)))
    means = {name: sum(_figure(row, name) for row in bests) / len(bests) for name in trial.figures}
    known = {name: mean for name, mean in means.items() if not math.isnan(mean)}
    return trial.objective in known and all(
        math.isclose(mean, trial.figures[name], rel_tol=_ROUNDING, abs_tol=_ROUNDING) for name, mean in known.items()
    )


def _figure(row: RawEpoch, name: str) -> float:
    number = parse_number(row.values.get(name, ""))
    return math.nan if number is None else number[0]
