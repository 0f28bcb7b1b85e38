"""One attempt inside a worker process: find the trainable, call it, and turn whatever happens into an `Ended`."""

from __future__ import annotations

import importlib
import pickle
import threading
import traceback
from typing import TYPE_CHECKING, cast

from sweeps.errors import SweepInputError
from sweeps.executor.protocol import NO_SIBLINGS, Cause, Ended, EpochEnded, Noticed, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sweeps.executor.protocol import Event, Trainable, TrialTask


LONGEST_ERROR = 20_000
"""Characters of a traceback that are kept: its head and its tail."""


class AttemptReporter:
    """The `Reporter` of one attempt: events leave through `send` at once, a stop arrives by `stop`; both from any thread.

    Attributes:
        task: the attempt.
        has_seen_stop: whether the trainable was answered that it should stop.
    """

    def __init__(self, task: TrialTask, send: Callable[[Event], None]) -> None:
        self.task = task
        self._send = send
        self._last = task.recorded_epochs
        self._stop = threading.Event()
        self.has_seen_stop = False

    def epoch(
        self,
        epoch: int,
        figures: Mapping[str, float],
        checkpoint: str | None = None,
        siblings: Mapping[int, Mapping[str, float]] = NO_SIBLINGS,
    ) -> bool:
        """Report one finished epoch. An epoch that is already on record is not reported again.

        Raises:
            ValueError: the epochs of a trial do not rise.
        """
        if epoch > self.task.recorded_epochs:
            if epoch <= self._last:
                raise ValueError(f"epochs must rise: trial {self.task.trial} reported epoch {epoch} after epoch {self._last}")
            self._last = epoch
            place = None if checkpoint is None else str(checkpoint)
            carried = {trial: _plain(of_trial) for trial, of_trial in siblings.items()}
            self._send(EpochEnded(self.task.trial, self.task.attempt, epoch, _plain(figures), place, carried))
        return self.should_stop()

    def notice(self, text: str) -> None:
        """Report a sentence."""
        self._send(Noticed(self.task.trial, self.task.attempt, text))

    def should_stop(self) -> bool:
        """Whether a stop was asked for."""
        stop = self._stop.is_set()
        self.has_seen_stop = self.has_seen_stop or stop
        return stop

    def stop(self) -> None:
        """Ask for a stop."""
        self._stop.set()


def _plain(figures: Mapping[str, float]) -> dict[str, float]:
    return {str(name): float(value) for name, value in figures.items()}


def run_attempt(task: TrialTask, reporter: AttemptReporter) -> Ended:
    """Run a task to its end; never raises.

    A trainable that returns after it was asked to stop ends as STOPPED: it may have left epochs out.
    """
    try:
        outcome = find_trainable(task.trainable)(task, reporter)
        _check_outcome(task.trainable, outcome)
    except BaseException as error:  # noqa: BLE001 - whatever a trainable raises (SystemExit too) is the trial's end, not the worker's
        parts = getattr(error, "accumulate", None)
        return Ended(
            task.trial,
            task.attempt,
            cause_of(error, on_gpu=task.gpu > 0),
            _text(error),
            accumulate=parts if isinstance(parts, int) else None,
        )
    return Ended(task.trial, task.attempt, Cause.STOPPED if reporter.has_seen_stop else Cause.COMPLETED, outcome=outcome)


def find_trainable(name: str) -> Trainable:
    """The function named ``package.module:function``.

    Raises:
        SweepInputError: the name has another form, its module cannot be imported, or it names nothing that can be called.
    """
    module_name, _, function_name = name.partition(":")
    if not module_name or not function_name:
        raise SweepInputError(f"trainable {name!r}: expected package.module:function")
    try:
        function = getattr(importlib.import_module(module_name), function_name, None)
    except ImportError as error:
        raise SweepInputError(f"trainable {name!r}: module {module_name!r} cannot be imported in the worker: {error}") from error
    if not callable(function):
        raise SweepInputError(f"trainable {name!r}: {module_name!r} has no function {function_name!r} (got {type(function).__name__})")
    return cast("Trainable", function)


def cause_of(error: BaseException, *, on_gpu: bool = False) -> Cause:
    """Tell apart what a trainable raised; looks at names, so that no TensorFlow is imported.

    TensorFlow's ``ResourceExhaustedError`` names the allocator that had no room, a GPU's (``GPU_0_bfc``, ``/device:GPU:0``) or the host's (``cpu``); a step
    compiled by XLA names none ("Out of memory while trying to allocate ... bytes"), which on a trial that has a GPU is the GPU's memory.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    if "NonFiniteLossError" in names:
        return Cause.NON_FINITE
    if names & {"ResourceExhaustedError", "TrainingMemoryError"}:
        text = str(error).upper()
        return Cause.GPU_OUT_OF_MEMORY if "GPU" in text or (on_gpu and "CPU" not in text) else Cause.OUT_OF_MEMORY
    if isinstance(error, MemoryError):
        return Cause.OUT_OF_MEMORY
    return Cause.EXCEPTION


def _check_outcome(name: str, outcome: object) -> None:
    if not isinstance(outcome, Outcome):
        raise TypeError(f"trainable {name!r} must return an Outcome, but returned {type(outcome).__name__}")
    try:
        pickle.dumps(outcome)
    except Exception as error:
        raise TypeError(f"trainable {name!r} returned an Outcome that cannot be sent to the driver: {error}") from error


def _text(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error))
    if len(text) <= LONGEST_ERROR:
        return text
    half = LONGEST_ERROR // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"


def why_not_sendable(task: TrialTask) -> str | None:
    """What keeps `task` from being pickled, or None."""
    try:
        pickle.dumps(task)
    except Exception as error:  # noqa: BLE001 - pickling runs the objects' own code, which may raise anything
        return (
            f"trial {task.trial}: its task cannot be sent to a worker: {error}\n"
            "Expected plain data (numbers, texts, lists, mappings); name a function or a class by its text package.module:name instead."
        )
    return None
