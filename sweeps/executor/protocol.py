"""The seam between study logic and whatever runs trials: tasks go in, events come out.

The driver's loop is ``submit`` while ``room`` is left, ``poll`` for events, ``stop`` what is to be pruned. Every submitted trial ends with exactly one `Ended`,
whatever happens to its worker. Events of one trial arrive in order; after ``stop(trial)`` returns no further `EpochEnded` of that trial is delivered.
An executor never retries and never judges: it tells causes apart, the study decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.ledger import PackedLedger


class Cause(StrEnum):
    """How an attempt ended."""

    COMPLETED = "completed"
    STOPPED = "stopped"  # by Executor.stop
    EXCEPTION = "exception"  # raised by the trainable: the trial's own failure
    NON_FINITE = "non-finite loss"
    GPU_OUT_OF_MEMORY = "gpu out of memory"
    WORKER_DIED = "worker died"  # signal, segmentation fault
    OUT_OF_MEMORY = "out of memory"
    NODE_LOST = "node lost"
    NODE_UNFIT = "node unfit"  # it has other package versions than the driver
    SILENT = "silent"  # it told nothing for so long that the study ended its process
    INTERRUPTED = "interrupted"  # Executor.close before the trial's end, or a driver that died


@dataclass(frozen=True)
class SiblingTask:
    """A trial that differs from another in BatchNorm momentum alone: the other's training carries it.

    Attributes:
        trial: number in the study.
        bn_momentum: its ``model.bn_momentum``.
        checkpoint_dir: folder or URL of its exported model.
    """

    trial: int
    bn_momentum: float | None
    checkpoint_dir: str


@dataclass(frozen=True)
class TrialTask:
    """One attempt at a trial, as a worker receives it; everything in it can be pickled and holds no secret.

    Attributes:
        trial: number in the study.
        attempt: counted from 0.
        trainable: ``package.module:function`` of a `Trainable`.
        config: what the trainable is called with (plain data: the resolved training settings).
        checkpoint_dir: folder or URL of this trial's checkpoints, shared by its attempts.
        recorded_epochs: epochs already on record; the trainable must not report them again.
        cpu: CPU cores, fractions allowed.
        gpu: GPUs, fractions allowed.
        affinity: trials with the same text are best run in the same warm process (compile key).
        evaluate_test: whether the exported checkpoint is measured on the test images: where nothing is chosen by the result any more.
        trainings: of the study that will plausibly see the same images as this one, itself included; 0: trials share no work.
        study: a text that no other study has, not even a later one of the same name: tells whose a folder is.
        known_images: keys of validation images that are on record: a trial's ledger need not bring them again (`reports.ledger.pack`).
        slots: attempts of the same affinity, this one included, that one worker may run at a time. More than 1 asks the trainable to train together with those
            beside it; the result does not depend on them.
        siblings: trials that this attempt carries: what it tells of an epoch and at its end holds theirs.
        architecture: equal for tasks whose networks cost the same to run.
        costs: of this architecture, as an earlier trial of the study measured them (`reports.costs`); empty: not known yet.
        limits: of ``search.limits``: a network that breaks one is not trained, and the outcome has the fact ``infeasible``.
    """

    trial: int
    attempt: int
    trainable: str
    config: Mapping[str, Any]
    checkpoint_dir: str
    recorded_epochs: int = 0
    cpu: float = 1.0
    gpu: float = 0.0
    affinity: str = ""
    evaluate_test: bool = False
    trainings: int = 1
    study: str = ""
    known_images: tuple[str, ...] = ()
    slots: int = 1
    siblings: tuple[SiblingTask, ...] = ()
    architecture: str = ""
    costs: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Started:
    """A worker took the task."""

    trial: int
    attempt: int
    worker: str  # "host:pid"


@dataclass(frozen=True)
class EpochEnded:
    """An epoch is done; `checkpoint` names the folder that holds its state, if one was written. `siblings` has the figures of the trials that it carries."""

    trial: int
    attempt: int
    epoch: int  # counted from 1
    figures: Mapping[str, float]
    checkpoint: str | None = None
    siblings: Mapping[int, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Noticed:
    """Something that a person should know and that does not end the attempt: a checkpoint that is damaged, gone or could not be written."""

    trial: int
    attempt: int
    text: str


@dataclass(frozen=True)
class Outcome:
    """What a trainable returns: final scalars and texts (exported epoch, model path, test accuracy, frozen boundary, ...).

    `ledger` says which validation images were right; None where the trainable does not tell. `siblings` has the outcomes of the trials that it carried.
    """

    figures: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    ledger: PackedLedger | None = None
    siblings: Mapping[int, Outcome] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """The attempt is over.

    Attributes:
        error: the traceback or the infrastructure's message.
        outcome: there when the trainable returned.
        accumulate: after running out of memory: micro-batches with which the training is the same in less memory; None where there are none.
    """

    trial: int
    attempt: int
    cause: Cause
    error: str | None = None
    outcome: Outcome | None = None
    accumulate: int | None = None


Event = Started | EpochEnded | Noticed | Ended


NO_SIBLINGS: Mapping[int, Mapping[str, float]] = MappingProxyType({})


class Reporter(Protocol):
    """Given to a trainable inside the worker."""

    def epoch(
        self,
        epoch: int,
        figures: Mapping[str, float],
        checkpoint: str | None = None,
        siblings: Mapping[int, Mapping[str, float]] = NO_SIBLINGS,
    ) -> bool:
        """Tell one finished epoch, with the figures of each trial that it carries; True asks the trainable to save and return soon."""
        ...

    def notice(self, text: str) -> None:
        """Tell a sentence that belongs on record and on the terminal."""
        ...

    def should_stop(self) -> bool:
        """Whether a stop was asked for; cheap enough to call every batch."""
        ...


class Trainable(Protocol):
    """What a worker runs."""

    def __call__(self, task: TrialTask, reporter: Reporter) -> Outcome:
        """Train from the newest checkpoint in ``task.checkpoint_dir`` (or from scratch) to the end."""
        ...


class Executor(Protocol):
    """Runs tasks."""

    def room(self) -> int:
        """Tasks that may be submitted now without queueing."""
        ...

    def submit(self, task: TrialTask) -> None:
        """Queue one attempt."""
        ...

    def poll(self, timeout: float) -> Sequence[Event]:
        """Events since the last call, in order per trial; waits up to `timeout` seconds for the first."""
        ...

    def stop(self, trial: int) -> None:
        """Ask a running trial to stop; its `Ended` (STOPPED) follows."""
        ...

    def kill(self, trial: int, why: str) -> bool:
        """End the process of a running trial at once; its `Ended` (SILENT, with `why`) follows. False where it has none of its own, and nothing is done."""
        ...

    def close(self, grace: float) -> Sequence[Event]:
        """Stop everything, waiting up to `grace` seconds for checkpoints; returns the remaining events (INTERRUPTED where a trial was cut)."""
        ...
