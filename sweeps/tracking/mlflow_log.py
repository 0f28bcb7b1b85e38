"""MLflow: an experiment for the study, a run for each trial, through MLflow's own client."""

from __future__ import annotations

import logging
import math
import os
import time
from typing import TYPE_CHECKING, Any

from sweeps.tracking.tracker import FINAL_FIGURES, Log
from sweeps.variables import expand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.records import TrialRecord

TRIAL_TAG = "steadysweep.trial"
STATUS = {"COMPLETE": "FINISHED", "PRUNED": "KILLED", "FAIL": "FAILED"}
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # a sweep tells nobody that it runs
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "GIT_PYTHON_REFRESH": "quiet",
}


class MlflowLog(Log):
    """Writes runs that a resumed sweep finds again by a tag.

    Args:
        uri: of the tracking server or store, e.g. ``http://host:5000`` or ``sqlite:///mlflow.db``; ``${VARIABLES}`` are expanded here.
        study: the study's name, which is the experiment's.
    """

    def __init__(self, uri: str, study: str) -> None:
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)  # a database's migrations are nothing to watch
        self._client = MlflowClient(expand(uri, os.environ))
        experiment = self._client.get_experiment_by_name(study)
        self._experiment = self._client.create_experiment(study) if experiment is None else experiment.experiment_id
        self._runs: dict[int, str] = {}

    def on_started(self, trial: TrialRecord) -> None:
        """Open the trial's run."""
        self._run(trial.number, trial.params, {"role": trial.role, "configuration": trial.configuration})

    def on_epoch(self, trial: TrialRecord, figures: Mapping[str, float]) -> None:
        """One point of every curve; epochs count from 1."""
        from mlflow.entities import Metric

        now = _milliseconds()
        run = self._run(trial.number, trial.params, {"role": trial.role, "configuration": trial.configuration})
        metrics = [Metric(name, value, now, trial.num_epochs) for name, value in figures.items() if math.isfinite(value)]
        self._client.log_batch(run, metrics=metrics)

    def on_finished(self, trial: TrialRecord) -> None:
        """Final figures, state and flags."""
        from mlflow.entities import Metric, RunTag

        run = self._run(trial.number, trial.params, {"role": trial.role, "configuration": trial.configuration})
        metrics = [Metric(name, trial.score[name], _milliseconds(), trial.num_epochs) for name in FINAL_FIGURES if name in trial.score]
        tags = {"state": trial.state, "flags": ", ".join(trial.flags) or "none", "cause": trial.cause or ""}
        self._client.log_batch(run, metrics=metrics, tags=[RunTag(name, value) for name, value in tags.items()])
        self._client.set_terminated(run, status=STATUS.get(trial.state, "FINISHED"))
        self._runs.pop(trial.number, None)

    def close(self) -> None:
        """Runs of trials that were cut stay open for the next sweep."""

    def _run(self, number: int, params: Mapping[str, Any], tags: Mapping[str, str]) -> str:
        """The run of a trial: known, found by its tag, or new."""
        if number not in self._runs:
            from mlflow.entities import Param

            runs = self._client.search_runs([self._experiment], f"tags.`{TRIAL_TAG}` = '{number}'", max_results=1)
            if runs:
                self._runs[number] = runs[0].info.run_id
                return self._runs[number]
            run = self._client.create_run(self._experiment, run_name=f"trial {number}", tags={TRIAL_TAG: str(number), **tags})
            self._runs[number] = run.info.run_id
            self._client.log_batch(run.info.run_id, params=[Param(name, str(value)) for name, value in params.items()])
        return self._runs[number]


def _milliseconds() -> int:
    return round(time.time() * 1000)
