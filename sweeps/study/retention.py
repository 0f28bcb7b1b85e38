"""What stays of finished trials below storage_path: the models of the best configurations, and nothing else.

A trial that is not over is never touched: its checkpoints are what the next attempt continues from. A trial is cleared only once the record says that it is over,
so a driver that dies before or within only leaves something behind, which the next one finds when it starts.
"""

from __future__ import annotations

import logging
import queue
import re
import threading
from typing import TYPE_CHECKING, TypeVar

from sweeps.storage_path import NAME as MARK
from sweeps.study.kill_points import reach
from trainer.checkpoints import superfluous
from trainer.places import open_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sweeps.study.observer import FinishedTrial
    from sweeps.study.plan import StudyPlan
    from trainer.places import Folder

KEPT_CONFIGURATIONS = 5
"""Best configurations by stable whose models stay; more where more are confirmed."""
_TRIAL = re.compile(r"\d{5,}")
_Result = TypeVar("_Result")
_LOG = logging.getLogger(__name__)


class KeptConfigurations:
    """The best configurations by stable so far. One that has fallen out never comes back: others only get better."""

    def __init__(self, plan: StudyPlan) -> None:
        self._count = max(KEPT_CONFIGURATIONS, plan.confirm_top)
        self._sign = 1.0 if plan.maximize else -1.0
        self._best: dict[str, tuple[bool, float, int]] = {}
        self._models: dict[str, set[int]] = {}

    def add(self, trial: FinishedTrial) -> list[int]:
        """Take a finished trial into account; returns the trials whose models need no longer stay."""
        if trial.state != "COMPLETE":
            return []
        self._models.setdefault(trial.configuration, set()).add(trial.number)
        if trial.role == "search" and trial.stable is not None:
            standing = (not trial.provisional, self._sign * trial.stable, -trial.number)
            self._best[trial.configuration] = max(standing, self._best.get(trial.configuration, standing))
        kept = sorted(self._best, key=lambda each: self._best[each], reverse=True)[: self._count]
        self._best = {configuration: self._best[configuration] for configuration in kept}
        gone = [configuration for configuration in self._models if configuration not in self._best]
        return [number for configuration in gone for number in sorted(self._models.pop(configuration))]

    def keeps_model_of(self, trial: FinishedTrial) -> bool:
        """Whether a trial's model stays."""
        return trial.number in self._models.get(trial.configuration, ())


class Retention:
    """Removes in a thread of its own, because object stores are slow; what cannot be removed now is left for the next run."""

    def __init__(self, plan: StudyPlan, finished: Iterable[FinishedTrial]) -> None:
        self._root = open_folder(plan.checkpoint_root, "storage_path")
        self._kept = KeptConfigurations(plan)
        self._over: dict[int, FinishedTrial] = {}
        for trial in finished:
            if trial.role != "history":
                self._over[trial.number] = trial
                self._kept.add(trial)
        self._left = {number: self._kept.keeps_model_of(trial) for number, trial in self._over.items()}
        self._jobs: queue.SimpleQueue[tuple[int, bool] | None] = queue.SimpleQueue()
        self._failed = False
        self._thread = threading.Thread(target=self._work, name="retention", daemon=True)

    def start(self) -> None:
        """Clear what earlier drivers left, then what is told to be over."""
        self._thread.start()

    def finished(self, trial: FinishedTrial) -> None:
        """A trial is over and the record says so."""
        if trial.number in self._over or trial.role == "history":
            return
        self._over[trial.number] = trial
        gone = self._kept.add(trial)
        keep = self._kept.keeps_model_of(trial)
        self._jobs.put((trial.number, keep))
        for number in gone:
            if number != trial.number:
                self._jobs.put((number, False))

    def close(self, finished: Iterable[FinishedTrial], seconds: float) -> None:
        """Finish what is to be removed; after `seconds` the rest is left for the next run.

        Args:
            finished: every trial that is over, those of other drivers included.
            seconds: to wait at most.
        """
        for trial in finished:
            self.finished(trial)
        self._jobs.put(None)
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _work(self) -> None:
        names: tuple[str, ...] = self._attempt(self._root.folders, ())
        for name in names:
            if _TRIAL.fullmatch(name) and int(name) in self._left:
                self._clear(name, keep_model=self._left[int(name)])
        while (job := self._jobs.get()) is not None:
            self._clear(f"{job[0]:05d}", keep_model=job[1])

    def _clear(self, name: str, *, keep_model: bool) -> None:
        folder: Folder = self._root.child(name)
        none: Mapping[str, int] = {}
        files = self._attempt(folder.files, none)
        marks = [MARK] if MARK in files else []
        for each in [*superfluous(files, keep_model=keep_model), *marks]:
            self._attempt(lambda each=each: self._root.remove([f"{name}/{each}"]), None)  # type: ignore[misc]
            reach("mid-removal")
        self._attempt(folder.remove_empty, None)

    def _attempt(self, operation: Callable[[], _Result], otherwise: _Result) -> _Result:
        """Ask the folder; a failure is told once in a run and costs nothing but room."""
        try:
            return operation()
        except OSError as error:
            if not self._failed:
                self._failed = True
                _LOG.warning("storage_path: checkpoints of finished trials could not be removed (%s); the next run tries again", error)
            return otherwise
