"""The end of an attempt and of a trial.

`judge_failure` decides whether a trial is run again; `Finishing` writes a trial's end: its curves in one piece, its figures and flags, then its state.
`FirstFailures` stops a sweep whose first trials all fail alike, before it burns the budget.
"""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.trial import TrialState as OptunaState

from reports.costs import ARCHITECTURE, INFEASIBLE
from reports.flags import find_flags
from reports.sharing import ALONE, CARRIED, MOMENTUM_FACT
from sweeps.errors import SweepError
from sweeps.executor.protocol import Cause, Outcome
from sweeps.record.reading import end_attributes
from sweeps.study.kill_points import reach
from sweeps.study.known_costs import infeasible_cause
from sweeps.study.state import score_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from reports.records import AttemptRecord, TrialState
    from sweeps.observer import StudyObserver
    from sweeps.record.recorded_study import RecordedStudy
    from sweeps.study.live_trial import LiveTrial
    from sweeps.study.plan import StudyPlan
    from sweeps.study.retention import Retention
    from sweeps.study.state import StudyState


def _flags_of(
    curves: Mapping[str, NDArray[np.float32]], num_val: int | None, planned_epochs: int, *, figures: Mapping[str, float], cut: bool
) -> dict[str, dict[str, Any]]:
    """Flags of a curve, the gravest first: name to evidence, plain data; ``num_classes`` and ``frozen_by_batch`` of `figures` sharpen what is said."""
    classes, frozen = figures.get("num_classes"), figures.get("frozen_by_batch")
    flags = find_flags(
        curves,
        num_val=num_val,
        planned_epochs=planned_epochs,
        num_classes=int(classes) if classes else None,
        frozen_by_batch=None if frozen is None else int(frozen),
        cut=cut,
    )
    return {flag.name: asdict(flag)["evidence"] for flag in flags}


LONGEST_ERROR = 20_000


class Finishing:
    """Writes the end of trials. A driver that dies inside is no harm: the next one repeats it."""

    def __init__(
        self, plan: StudyPlan, record: RecordedStudy, state: StudyState, observers: Sequence[StudyObserver], retention: Retention
    ) -> None:
        self._plan = plan
        self._record = record
        self._state = state
        self._observers = observers
        self._retention = retention

    def complete(self, trial: LiveTrial, outcome: Outcome) -> None:
        """End a trial whose trainable returned: COMPLETE with what its curve holds, PRUNED where its network was refused, or FAIL where it has no such curve."""
        if refused := infeasible_cause(outcome.facts):
            self.finish(trial, "PRUNED", cause=refused, outcome=outcome)
            return
        metric, curve = self._plan.metric, trial.curve(self._plan.metric)
        error, cause = None, Cause.EXCEPTION
        if trial.epochs == 0:
            error = "the trainable returned without reporting an epoch"
        elif np.isnan(curve).all():
            names = ", ".join(sorted(trial.curves)) or "none"
            error = f"the trainable reported no value of {metric!r}, which is ranked; it reported: {names}"
        elif np.isinf(curve).any():
            error, cause = f"{metric} became infinite in epoch {int(np.flatnonzero(np.isinf(curve))[0]) + 1}", Cause.NON_FINITE
        elif self._plan.cost is not None and self._plan.cost not in {**outcome.figures, **self._known_costs(outcome)}:
            error = f"{self._plan.cost}, the cost of the frontier that is searched, could not be measured"
        if error is None:
            self.finish(trial, "COMPLETE", outcome=outcome)
        else:
            self.finish(trial, "FAIL", cause=cause.value, error=error, outcome=outcome)

    def finish(
        self, trial: LiveTrial, state: TrialState, *, cause: str | None = None, error: str | None = None, outcome: Outcome | None = None
    ) -> None:
        """End a live trial: `cause` says why it was pruned or failed, `error` is a failure's traceback or message, `outcome` what the trainable returned."""
        record = trial.record()
        curves = dict(record.curves)
        figures = {} if outcome is None else {name: float(value) for name, value in outcome.figures.items() if math.isfinite(value)}
        figures |= {} if outcome is None else self._known_costs(outcome)  # trials of one architecture have one figure
        num_val = int(figures["num_val"]) if "num_val" in figures else self._record.facts.num_val
        finished = replace(
            record,
            state=state,
            curves=curves,
            figures=figures,
            facts={**({} if outcome is None else outcome.facts), **self._momenta(trial)},
            cause=cause,
            error=error,
            score=score_of(trial.curve(self._plan.metric), complete=state == "COMPLETE", maximize=self._plan.maximize),
            flags=_flags_of(curves, num_val, trial.planned_epochs, figures=figures, cut=state == "PRUNED") if trial.epochs else {},
        )
        if num_val is not None and num_val > (self._record.facts.num_val or 0):  # a trial may see fewer an epoch than there are
            self._record.update_facts(num_val=num_val)
        self._record.compact(trial.number, curves)
        reach("curves-compacted")
        if outcome is not None and outcome.ledger is not None and state == "COMPLETE":  # a trial that was cut is compared with nothing
            self._record.add_ledger(trial.number, outcome.ledger)
            reach("ledger-written")
        kept_error = None if error is None else error[-LONGEST_ERROR:]
        self._record.set_attributes(trial.number, end_attributes(replace(finished, error=kept_error)))
        reach("attributes-set")
        costs = () if self._plan.cost is None else (figures.get(self._plan.cost, math.inf),)
        self._record.tell(trial.number, OptunaState[state], (finished.score["stable"], *costs) if state == "COMPLETE" else ())
        reach("told")
        self._state.finish(finished)
        self._retention.finished(finished)
        for observer in self._observers:
            observer.on_finished(finished)

    def refuse(self, trial: LiveTrial, architecture: str) -> None:
        """End a trial whose network is known to break a limit, without a worker."""
        costs = self._state.costs
        facts = {**costs.facts(architecture), INFEASIBLE: costs.reason(architecture)}
        self.finish(trial, "PRUNED", cause=infeasible_cause(facts), outcome=Outcome(costs.of(architecture), facts))

    def _known_costs(self, outcome: Outcome) -> Mapping[str, float]:
        """Costs of a trial's network as an earlier trial measured them."""
        return self._state.costs.of(outcome.facts.get(ARCHITECTURE, ""))

    def _momenta(self, trial: LiveTrial) -> dict[str, str]:
        """Whether its training was another's, or why it carried no other momentum."""
        if trial.carrier is not None:
            return {MOMENTUM_FACT: f"{CARRIED}{trial.carrier}"}
        alone = "" if self._plan.siblings is None or trial.role != "search" else self._plan.siblings.why_alone(trial.params)
        return {MOMENTUM_FACT: f"{ALONE}{alone}"} if alone else {}


def as_pruned(outcome: Outcome) -> Outcome:
    """What a training that went on for its siblings says of its own pruned trial: nothing of epochs that this trial has no part in."""
    of_export = ("exported_", "precise_", "test_")
    figures = {name: value for name, value in outcome.figures.items() if not name.startswith(of_export)}
    return Outcome(figures, {name: text for name, text in outcome.facts.items() if name != "model_path"})


WORKER_RETRIES = 2
SILENT_RETRIES = 1
LOST_NODES_WITHOUT_PROGRESS = 10

_OF_NODES = frozenset({Cause.NODE_LOST, Cause.NODE_UNFIT})
_RETRIES = {frozenset({Cause.WORKER_DIED, Cause.OUT_OF_MEMORY}): WORKER_RETRIES, frozenset({Cause.SILENT}): SILENT_RETRIES}
"""Causes that are counted together, and how often a trial is run again after them."""


def judge_failure(cause: Cause, attempts: Sequence[AttemptRecord], epochs: int) -> str | None:
    """Why a trial fails whose last attempt did not complete, in words; None where it is run again.

    A node that was lost, or that has other versions, is no fault of the trial: it runs again, uncounted, as long as some epoch is gained now and then.
    A worker that died or ran out of memory is run again at most twice, a trial that told nothing once. The trial's own failures are never repeated.

    Args:
        cause: how the last attempt ended.
        attempts: all attempts of the trial, the last included.
        epochs: epochs on record now.
    """
    if cause is Cause.INTERRUPTED:
        return None
    if cause in _OF_NODES:
        fruitless = sum(attempt.cause in _OF_NODES and attempt.from_epoch == epochs for attempt in attempts)
        return None if fruitless < LOST_NODES_WITHOUT_PROGRESS else f"{cause.value} ({fruitless} times without a new epoch)"
    for alike, retries in _RETRIES.items():
        if cause in alike:
            counted = sum(attempt.cause in alike for attempt in attempts)
            return None if counted <= retries else f"{cause.value} ({counted} attempts)"
    return cause.value


def after_silence(attempts: Sequence[AttemptRecord]) -> str:
    """What becomes of a trial whose process was ended because it told nothing; its last attempt is not over yet."""
    before = sum(attempt.cause == Cause.SILENT for attempt in attempts)
    return "; it is tried once more" if before < SILENT_RETRIES else "; it counts as failed"


class SweepAbortedError(SweepError):
    """The first trials of a run all failed with the same exception: the message holds its traceback."""


class FirstFailures:
    """Watches the first trials that end in a run.

    Args:
        limit: so many equal failures, with nothing else before or between them, stop the sweep.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._last_line: str | None = None
        self._count = 0
        self._over = limit < 1

    def other(self) -> None:
        """A trial ended otherwise: the sweep as such works."""
        self._over = True

    def exception(self, trial: int, error: str) -> None:
        """A trial ended with an exception.

        Raises:
            SweepAbortedError: it is the same for the first trials of the run.
        """
        if self._over:
            return
        lines = error.strip().splitlines()
        last_line = lines[-1] if lines else ""
        if self._last_line is not None and last_line != self._last_line:
            self._over = True
            return
        self._last_line = last_line
        self._count += 1
        if self._count >= self._limit:
            raise SweepAbortedError(
                f"the first {self._count} trials of this run failed alike, the last one being trial {trial}; the sweep stops rather than repeat it:\n{error.rstrip()}\n"
                "Fix the cause and run the sweep again: it goes on with the next configuration."
            )
