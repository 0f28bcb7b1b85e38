"""The end of a trial: its curve in one piece, its figures and diagnosis, then its state."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.trial import TrialState as OptunaState

from sweeps.executor.protocol import Cause
from sweeps.record.stored_trial import Attribute
from sweeps.study.diagnosis import diagnose
from sweeps.study.kill_points import reach
from sweeps.study.scoring import finished_trial, score_attribute

if TYPE_CHECKING:
    from reports.records import TrialState
    from sweeps.executor.protocol import Ended, Outcome
    from sweeps.record.recorded_study import RecordedStudy
    from sweeps.study.live_trial import LiveTrial
    from sweeps.study.observer import StudyObserver
    from sweeps.study.plan import StudyPlan
    from sweeps.study.retention import Retention
    from sweeps.study.study_state import StudyState

LONGEST_ERROR = 20_000


class Finishing:
    """Writes the end of trials. A driver that dies inside is no harm: the next one repeats it."""

    def __init__(self, plan: StudyPlan, record: RecordedStudy, state: StudyState, observer: StudyObserver, retention: Retention) -> None:
        self._plan = plan
        self._record = record
        self._state = state
        self._observer = observer
        self._retention = retention

    def complete(self, trial: LiveTrial, ended: Ended) -> None:
        """End a trial whose trainable returned: COMPLETE with what its curve holds, or FAIL where it has no such curve."""
        curve = trial.curve(self._plan.metric)
        outcome = ended.outcome
        if trial.epochs == 0:
            self.finish(
                trial, "FAIL", cause=Cause.EXCEPTION.value, error="the trainable returned without telling an epoch", outcome=outcome
            )
        elif np.isnan(curve).all():
            told = ", ".join(sorted(trial.curves)) or "none"
            error = f"the trainable told no value of {self._plan.metric!r}, which is ranked; it told: {told}"
            self.finish(trial, "FAIL", cause=Cause.EXCEPTION.value, error=error, outcome=outcome)
        elif not np.isfinite(curve[~np.isnan(curve)]).all():
            error = f"{self._plan.metric} became infinite in epoch {int(np.flatnonzero(np.isinf(curve))[0]) + 1}"
            self.finish(trial, "FAIL", cause=Cause.NON_FINITE.value, error=error, outcome=outcome)
        else:
            self.finish(trial, "COMPLETE", outcome=outcome)

    def finish(
        self, trial: LiveTrial, state: TrialState, *, cause: str | None = None, error: str | None = None, outcome: Outcome | None = None
    ) -> None:
        """End a trial.

        Args:
            trial: live until now.
            state: COMPLETE, PRUNED or FAIL.
            cause: why, for PRUNED and FAIL.
            error: traceback or message of a failure.
            outcome: what the trainable returned, if it did.
        """
        curves = trial.all_curves()
        figures = {} if outcome is None else {name: float(value) for name, value in outcome.figures.items() if math.isfinite(value)}
        num_val = int(figures["num_val"]) if "num_val" in figures else self._record.facts.num_val
        diagnosis = diagnose(curves, num_val, trial.planned_epochs, figures=figures, cut=state == "PRUNED") if trial.epochs else {}
        finished = finished_trial(
            (trial.number, trial.role, trial.configuration, trial.params),
            state,
            trial.curve(self._plan.metric),
            maximize=self._plan.maximize,
            why=(cause, error),
            flags=tuple(str(flag) for flag in diagnosis.get("flags", ())),
        )
        if num_val is not None and num_val > (self._record.facts.num_val or 0):  # a trial may see fewer an epoch than there are
            self._record.update_facts(num_val=num_val)
        self._record.compact(trial.number, curves)
        reach("curves-compacted")
        attributes: dict[str, Any] = {
            Attribute.FIGURES: figures,
            Attribute.FACTS: {} if outcome is None else dict(outcome.facts),
            Attribute.DIAGNOSIS: diagnosis,
            Attribute.SCORE: score_attribute(finished),
            Attribute.CAUSE: cause,
            Attribute.ERROR: None if error is None else error[-LONGEST_ERROR:],
        }
        self._record.set_attributes(trial.number, {key: value for key, value in attributes.items() if value})
        reach("attributes-set")
        value = finished.stable if state == "COMPLETE" else None
        self._record.tell(trial.number, OptunaState[state], value)
        reach("told")
        self._state.finish(finished)
        self._retention.finished(finished)
        self._observer.on_finished(finished)
