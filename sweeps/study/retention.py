"""What stays of finished trials below storage_path: the models of the configurations that rank best, and nothing else.

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
from trainer.checkpoints.layout import superfluous
from trainer.places import open_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from reports.ranking import RankedConfiguration
    from reports.records import TrialRecord
    from sweeps.study.plan import StudyPlan
    from sweeps.study.ranking import StudyRanking
    from sweeps.study.state import StudyState
    from trainer.places import Folder

KEPT_CONFIGURATIONS = 5
"""Best configurations whose models stay. Where as many are confirmed, one more: it leads if all of those fall in their fresh seeds."""
RACING = 7
"""Contenders that a race may take up, for this: its budget goes to few, and a further one is out before it could lead."""
_TRIAL = re.compile(r"\d{5,}")
_Result = TypeVar("_Result")
_LOG = logging.getLogger(__name__)


class Retention:
    """Removes in a thread of its own, because object stores are slow; what cannot be removed now is left for the next run."""

    def __init__(self, plan: StudyPlan, state: StudyState, ranking: StudyRanking, leaders: Callable[[], Collection[str]]) -> None:
        """Args: leaders: configurations whose confirmation was planned or has begun; one bad seed of theirs is no verdict, so their models stay."""
        self._root = open_folder(plan.checkpoint_root, "storage_path")
        self._kept = max(KEPT_CONFIGURATIONS, (plan.confirm.top or RACING if plan.confirm.wanted else 0) + 1)
        self._state = state
        self._ranking = ranking
        self._confirmed = leaders
        self._judged: tuple[RankedConfiguration, ...] = ()
        self._over: set[int] = set()
        self._models: set[int] = set()
        self._waiting: set[int] = set()
        self._notice(self._state.finished.values())
        self._decide(now=True)
        self._waiting.clear()
        self._left = {number: number in self._models for number in self._over}
        self._jobs: queue.SimpleQueue[tuple[int, bool] | None] = queue.SimpleQueue()
        self._failed = False
        self._thread = threading.Thread(target=self._work, name="retention", daemon=True)

    def start(self) -> None:
        """Clear what earlier drivers left, then trials as they end."""
        self._thread.start()

    def finished(self, trial: TrialRecord) -> None:
        """A trial is over and the record says so."""
        self._put(self._notice([trial]))
        self.review()

    def clear(self, trial: TrialRecord) -> None:
        """Remove what a worker may have written of a trial after it was over: the model of a pruned one whose training went on for its siblings, or for its carrier."""
        if trial.state != "COMPLETE":
            self._put([(trial.number, False)])

    def review(self) -> None:
        """Decide about models where there is a new ranking; costs nothing where there is none."""
        self._put(self._decide(now=False))

    def close(self, seconds: float) -> None:
        """Finish what is to be removed, of trials of other drivers too; after `seconds` the rest is left for the next run."""
        self._put(self._notice(self._state.finished.values()))
        self._put(self._decide(now=True))
        self._jobs.put(None)
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _put(self, decisions: Iterable[tuple[int, bool]]) -> None:
        for decision in decisions:
            self._jobs.put(decision)

    def _notice(self, finished: Iterable[TrialRecord]) -> list[tuple[int, bool]]:
        """Learn of trials that are over; returns those that leave no model. The others wait for the next ranking."""
        cleared = []
        for trial in finished:
            if trial.role == "history" or trial.number in self._over:
                continue
            self._over.add(trial.number)
            if trial.state == "COMPLETE":
                self._models.add(trial.number)
                self._waiting.add(trial.number)
            else:
                cleared.append((trial.number, False))
        return cleared

    def _decide(self, *, now: bool) -> list[tuple[int, bool]]:
        """What a new ranking decides: number of a trial, and whether its model stays. None of a model that stays as it is."""
        ranked = self._ranking.configurations(now=now)
        if ranked is self._judged:
            return []
        self._judged = ranked
        spared = set(self._confirmed())
        decisions = []
        for place, each in enumerate(ranked):
            stays = place < self._kept or each.configuration in spared
            for number in (trial.number for trial in each.trials if trial.number in self._models):
                if not stays or number in self._waiting:
                    decisions.append((number, stays))
                self._waiting.discard(number)
                if not stays:
                    self._models.discard(number)
        return decisions

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
        """Ask the folder; a failure is reported once in a run and costs nothing but room."""
        try:
            return operation()
        except OSError as error:
            if not self._failed:
                self._failed = True
                _LOG.warning("storage_path: checkpoints of finished trials could not be removed (%s); the next run tries again", error)
            return otherwise
