"""Callbacks of Ray Tune around our trials: Tune's own result files, and what a sweep file names under ``runtime.tune.callbacks``.

A Tune result of ours is a batch of events, some of it without an epoch. Callbacks hear of epochs alone, each with its figures and its number as Tune's iteration,
so that TensorBoard, W&B and MLflow draw the curves that the study records.
"""

from __future__ import annotations

import pickle
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ray.tune import Callback
from ray.tune.logger import CSVLoggerCallback, JsonLoggerCallback, TBXLoggerCallback

from sweeps.errors import SweepInputError
from sweeps.executor.protocol import Cause, Ended
from sweeps.executor.tune_worker import BATCH, EPOCH

if TYPE_CHECKING:
    from collections.abc import Callable

    from sweeps.executor.worker import Batch
    from sweeps.sweep_file.runtime import TuneSettings

KEY = "runtime.tune.callbacks"
FILES: tuple[type[Callback], ...] = (CSVLoggerCallback, JsonLoggerCallback, *([TBXLoggerCallback] if find_spec("tensorboardX") else []))
"""Those that write a trial's files into the experiment's folder: figures as CSV, JSON and, where tensorboardX is installed, TensorBoard events."""

PASSED_ON = (
    "setup",
    "on_step_begin",
    "on_step_end",
    "on_trial_start",
    "on_trial_restore",
    "on_trial_save",
    "on_trial_recover",
    "on_checkpoint",
    "on_experiment_end",
)
"""Hooks that a callback hears as Tune calls them."""

GOOD = (Cause.COMPLETED, Cause.STOPPED)


def make_callbacks(settings: TuneSettings, say: Callable[[str], object]) -> tuple[Callback, ...]:
    """The callbacks that a sweep file asks for, Tune's own files first where there is a folder.

    Raises:
        SweepInputError: a name leads to nothing that makes a callback of Ray Tune.
    """
    named = [_named(name) for name in settings.callbacks]
    files = [kind() for kind in FILES if not any(isinstance(callback, kind) for callback in named)] if settings.folder else []
    return tuple(EpochCallback(callback, say) for callback in (*files, *named))


def _named(name: str) -> Callback:
    module, _, attribute = name.partition(":")
    try:
        made = getattr(import_module(module), attribute)()
    except (ImportError, AttributeError) as error:
        raise SweepInputError(
            f"{KEY}: {name} cannot be imported: {error}. Expected package.module:Class, installed or in the current folder."
        ) from error
    except Exception as error:
        raise SweepInputError(
            f"{KEY}: {name}() failed: {type(error).__name__}: {error}. It is called without arguments; "
            "where a callback needs some, name a function of your own that makes it."
        ) from error
    if not isinstance(made, Callback):
        raise SweepInputError(f"{KEY}: {name}() made a {type(made).__name__}; expected a callback of Ray Tune (ray.tune.Callback)")
    return made


class EpochCallback(Callback):  # type: ignore[misc]
    """Tells another callback of every epoch and of every trial's end. An error in it is said once and harms no trial."""

    def __init__(self, inner: Callback, say: Callable[[str], object]) -> None:
        self._inner = inner
        self._say = say
        self._has_failed = False
        self._causes: dict[str, Cause] = {}
        self._SAVED_FILE_TEMPLATES = inner._SAVED_FILE_TEMPLATES  # noqa: SLF001 - Tune asks for it
        for hook in PASSED_ON:
            setattr(self, hook, self._passing(hook))

    def __getstate__(self) -> dict[str, Any]:
        """Leave nothing in Tune's experiment files: nobody restores from them, and a callback may hold open files."""
        return {}

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any) -> None:  # noqa: ANN401 - Tune's signature
        """Tell of an epoch; note how an attempt ended."""
        batch: Batch = pickle.loads(result[BATCH])  # noqa: S301 - made by our own worker
        last = batch.events[-1]
        if isinstance(last, Ended):
            self._causes[trial.trial_id] = last.cause
        if EPOCH in result:
            shown = {name: value for name, value in result.items() if name != BATCH} | {"training_iteration": result[EPOCH]}
            self._call("on_trial_result", iteration, trials, trial, shown, **info)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:  # noqa: ANN401 - Tune's signature
        """Tell of an end, as our own event says it."""
        self._end(iteration, trials, trial, **info)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:  # noqa: ANN401 - Tune's signature
        """As `on_trial_complete`: Tune takes a process that is replaced for a failed trial."""
        self._end(iteration, trials, trial, **info)

    def _end(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:  # noqa: ANN401 - Tune's signature
        good = self._causes.pop(trial.trial_id, None) in GOOD
        self._call("on_trial_complete" if good else "on_trial_error", iteration, trials, trial, **info)

    def _passing(self, hook: str) -> Callable[..., None]:
        return lambda *given, **named: self._call(hook, *given, **named)

    def _call(self, hook: str, *given: Any, **named: Any) -> None:  # noqa: ANN401 - whatever Tune passes
        try:
            getattr(self._inner, hook)(*given, **named)
        except Exception as error:  # noqa: BLE001 - a person's own code; the sweep goes on without it
            if not self._has_failed:
                self._has_failed = True
                self._say(f"{KEY}: {type(self._inner).__name__}.{hook}: {type(error).__name__}: {error}; the sweep goes on (told once)")
