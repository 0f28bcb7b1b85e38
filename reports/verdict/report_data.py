"""What a report shows, as frozen data: the stage between records and strings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reports.diagnosis import CauseCheck
    from reports.flags import Flag, FlagName
    from reports.records import ParameterRecord, ParameterValue, StudyRecord, TrialRecord, TrialState
    from reports.verdict.importance import StudyImportance


Interval = tuple[float, float]
VerdictKind = Literal["confirmed", "unconfirmed", "tied", "empty"]


@dataclass(frozen=True)
class Configuration:
    """One row of the ranking.

    Attributes:
        id: the configuration's ID.
        short: shortest prefix of the ID (at least 6 characters) that is unique in the study; for logs the run's name.
        rank: counted from 1, or None when nothing can be ranked (failed, waiting, no epochs).
        state: the best state among its trainings: COMPLETE before RUNNING, PRUNED, WAITING, FAIL.
        params: searched parameters that are active.
        stable: metric that it holds at an arbitrary late epoch, mean over seeds.
        interval: 95 % interval for one more training stopped at a random late epoch, or None while nothing was trained twice.
        level: centre of late epochs.
        spread: level less stable.
        best: best epoch over all its seeds; optimistic by construction.
        best_epoch: its epoch, counted from 1.
        last: metric at the last epoch, mean over seeds.
        exported: accuracy on validation of the exported file that `export` hands out.
        test: that file's accuracy on the test images, measured once; None where it was not.
        epochs: epochs on record, the most over its seeds.
        planned: epochs of a complete training.
        seeds: trainings that count.
        confirmed: trained again from fresh seeds, or, of logs, more than once.
        provisional: fewer than five epochs.
        tied_with: IDs of configurations that cannot be told from this one.
        flags: union over its trainings, the severest first.
        trials: its trainings in the order of their numbers.
    """

    id: str
    short: str
    rank: int | None
    state: TrialState
    params: Mapping[str, ParameterValue]
    stable: float | None
    interval: Interval | None
    level: float | None
    spread: float | None
    best: float | None
    best_epoch: int | None
    last: float | None
    exported: float | None
    test: float | None
    epochs: int
    planned: int
    seeds: int
    confirmed: bool
    provisional: bool
    tied_with: tuple[str, ...]
    flags: tuple[Flag, ...]
    trials: tuple[TrialRecord, ...]

    @property
    def oscillates(self) -> bool:
        """Whether its validation curve swings through its late epochs."""
        return any(flag.name == "oscillating" for flag in self.flags)


@dataclass(frozen=True)
class Verdict:
    """The answer in words.

    Attributes:
        kind: how sure it is; ``tied`` when several cannot be separated.
        headline: one line, at most some 60 characters.
        leaders: IDs of the winner and of all that are tied with it; empty when nothing is ranked.
        sure: how sure that is, one or two sentences.
        checkpoint: how good the exported file is, or empty.
        best_epoch_pick: ID of what the best epoch would have picked, or None.
        best_epoch: what that pick would have meant, or empty.
        oscillating: IDs that oscillate, best rank first.
        steadiness: how many oscillate beside what chance would give.
        open_ends: what is unfinished, or empty.
    """

    kind: VerdictKind
    headline: str
    leaders: tuple[str, ...] = ()
    sure: str = ""
    checkpoint: str = ""
    best_epoch_pick: str | None = None
    best_epoch: str = ""
    oscillating: tuple[str, ...] = ()
    steadiness: str = ""
    open_ends: str = ""


@dataclass(frozen=True)
class Cause:
    """A parameter that goes with a flag in this study.

    Attributes:
        parameter: its name.
        flag: the flag.
        tested: whether configurations that differ in this parameter alone agree; else it is an association.
        sentence: the finding in words, with trials and p-value.
        space_change: a narrower entry of the sweep file's space to paste, or empty.
    """

    parameter: str
    flag: FlagName
    tested: bool
    sentence: str
    space_change: str = ""


@dataclass(frozen=True)
class Failure:
    """Trainings that ended in the same way.

    Attributes:
        reason: last line of the traceback, or the recorded cause.
        trials: numbers.
        traceback: of the first, or empty.
    """

    reason: str
    trials: tuple[int, ...]
    traceback: str


@dataclass(frozen=True)
class MemoryCell:
    """Trainings of one batch size and boundary on a GPU.

    Attributes:
        batch_size: images a step, as text.
        boundary: what is frozen, as the space or the file says it.
        tried: trainings that finished, were pruned, or ran out of GPU memory.
        failed: numbers of those that ran out.
    """

    batch_size: str
    boundary: str
    tried: int
    failed: tuple[int, ...]


@dataclass(frozen=True)
class Run:
    """One attempt on the timeline.

    Attributes:
        trial: its number.
        worker: where it ran.
        start: seconds since the study's first start.
        end: likewise; for a running one the time of the newest record.
        cause: how it ended (``pruned`` where that is why the driver stopped it), or ``running``.
        driver: who handed it out.
        gpu: GPUs that it had.
    """

    trial: int
    worker: str
    start: float
    end: float
    cause: str
    driver: str = ""
    gpu: float = 0.0


@dataclass(frozen=True)
class Progress:
    """How far the sweep is and what it cost.

    Attributes:
        states: state to number of trainings.
        runs: attempts with known times, by start.
        seconds: wall-clock from the first start to the newest record, or None.
        worker_seconds: sum over attempts.
        gpu_seconds: sum over attempts, each times its GPUs.
        epochs_trained: epochs on record.
        epochs_pruned: planned epochs that pruning did not train.
        epochs_shared: planned epochs of siblings, that no training of their own produced.
        shared: what was shared to number of trainings.
        leaders: (seconds since the start, stable) each time a finished training led, raising over time.
        finished: (seconds since the start, stable, trial number) of every scored training.
        failures: grouped by reason.
        memory: trainings by batch size and boundary, where any ran out of GPU memory.
        notices: trial number and what its worker told: checkpoints that were damaged, gone or could not be written.
        budget: limit of the sweep file (``time``, ``gpu_hours``, ``trials``) to its value, as far as they are set.
        tried: search configurations.
    """

    states: Mapping[TrialState, int]
    runs: tuple[Run, ...] = ()
    seconds: float | None = None
    worker_seconds: float = 0.0
    gpu_seconds: float = 0.0
    epochs_trained: int = 0
    epochs_pruned: int = 0
    epochs_shared: int = 0
    shared: Mapping[str, int] = field(default_factory=dict)
    leaders: tuple[tuple[float, float], ...] = ()
    finished: tuple[tuple[float, float, int], ...] = ()
    failures: tuple[Failure, ...] = ()
    memory: tuple[MemoryCell, ...] = ()
    notices: tuple[tuple[int, str], ...] = ()
    budget: Mapping[str, float | str] = field(default_factory=dict)
    tried: int = 0


@dataclass(frozen=True)
class ReportData:
    """Everything that one report shows.

    Attributes:
        study: the records it was made from.
        verdict: the answer in words.
        configurations: the ranking, then what cannot be ranked.
        progress: the sweep's course.
        parameters: searched parameters in the order of the space, then any that only older trials have.
        importance: for stable accuracy and for oscillation; empty for logs.
        causes: parameters that go with flags, the surest first.
        cause_tests: how many pairs of parameter and flag were tested for `causes`.
        flag_counts: flag to a sentence: how many trainings show it, how many would by chance.
        cause_checks: configuration to the usual causes of swings, as far as its log or its sweep can test them.
        updated: UTC of the newest record.
    """

    study: StudyRecord
    verdict: Verdict
    configurations: tuple[Configuration, ...]
    progress: Progress
    parameters: tuple[ParameterRecord, ...]
    importance: tuple[StudyImportance, ...] = ()
    causes: tuple[Cause, ...] = ()
    cause_tests: int = 0
    flag_counts: Mapping[FlagName, str] = field(default_factory=dict)
    cause_checks: Mapping[str, tuple[CauseCheck, ...]] = field(default_factory=dict)
    updated: datetime | None = None

    def configuration(self, identifier: str) -> Configuration:
        """The configuration with this ID."""
        return next(row for row in self.configurations if row.id == identifier)
