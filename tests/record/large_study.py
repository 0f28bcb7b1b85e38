"""A study of any size, made by multiplying one trial inside the database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from optuna.trial import TrialState
from sqlalchemy import create_engine, text

from reports.ledger import Ledger, ValidationImages, pack
from reports.records import ParameterRecord, TrialRecord
from reports.stability import SCORE_RULE
from search_spaces.label_parameters import ChoiceParameter
from search_spaces.number_parameters import FloatParameter
from search_spaces.space import SearchSpace
from sweeps.record.errors import StorageTimes
from sweeps.record.opening import create_study
from sweeps.record.reading import shown_epochs
from sweeps.record.study_record import StudyFacts
from sweeps.search.view import record_distributions

if TYPE_CHECKING:
    from sweeps.record.recorded_study import RecordedStudy

SPACE = SearchSpace(
    {
        "learning_rate": FloatParameter("learning_rate", 1e-5, 1e-1, log=True),
        **{name: FloatParameter(name, 0.0, 1.0) for name in ("dropout", "weight_decay", "label_smoothing")},
        "augmentation": ChoiceParameter("augmentation", ("none", "flip", "light")),
    }
)

COPIES = "WITH RECURSIVE copy(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < :trials - 1) "
MULTIPLIED = {  # the trials themselves last: the newest is the one that is copied
    "trial_params": "(trial_id, param_name, param_value, distribution_json) "
    "SELECT trial_id + n, param_name, CASE param_name WHEN 'augmentation' THEN n % 3 WHEN 'learning_rate' THEN 1e-5 + 1e-9 * n ELSE (n * 7919 % 10007) / 10007.0 END, "
    "distribution_json FROM {table}, copy",
    "trial_values": "(trial_id, objective, value, value_type) SELECT trial_id + n, objective, (n * 7919 % 10007) / 10007.0, value_type FROM {table}, copy",
    "trial_user_attributes": "(trial_id, key, value_json) "
    "SELECT trial_id + n, key, CASE key WHEN 'configuration' THEN '\"c' || n || '\"' ELSE value_json END FROM {table}, copy",
    "trial_intermediate_values": "(trial_id, step, intermediate_value, intermediate_value_type) "
    "SELECT trial_id + n, step, intermediate_value, intermediate_value_type FROM {table}, copy",
    "steadysweep_curves": "(trial_id, first_epoch, epochs, data) SELECT trial_id + n, first_epoch, epochs, data FROM {table}, copy",
    "steadysweep_attempts": "(trial_id, attempt, driver, worker, from_epoch, started, seen, ended, cause, checkpoint, gpu) "
    "SELECT trial_id + n, attempt, driver, worker, from_epoch, started, seen, ended, cause, checkpoint, gpu FROM {table}, copy",
    "steadysweep_ledgers": "(trial_id, images, data) SELECT trial_id + n, images, data FROM {table}, copy",
    "trials": "(trial_id, number, study_id, state, datetime_start, datetime_complete) "
    "SELECT trial_id + n, number + n, study_id, state, datetime_start, datetime_complete FROM {table}, copy",
}


POINT = {"learning_rate": 1e-3, "dropout": 0.5, "weight_decay": 0.1, "label_smoothing": 0.1, "augmentation": "flip"}


def new_study(url: str, name: str, trials: int = 10, epochs: int = 100, times: StorageTimes | None = None) -> RecordedStudy:
    """An empty study of `SPACE`."""
    parameters = (
        ParameterRecord("learning_rate", "float", log=True, low=1e-5, high=1e-1),
        ParameterRecord("augmentation", "choice", labels=("none", "flip")),
    )
    facts = StudyFacts(
        metric="val_accuracy",
        maximize=True,
        seed=0,
        target_trials=trials,
        planned_epochs=epochs,
        sweep_file="study: x",
        parameters=parameters,
        distributions=record_distributions(SPACE),
        versions={"keras": "3.15"},
        facts={"host": "here"},
        created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    return create_study(url, name, facts, times or StorageTimes())


def add_trial(study: RecordedStudy, configuration: str = "c", seed: int = 0, epochs: int = 100) -> int:
    """Add a running search trial at `POINT`; returns its number."""
    number = study.next_number
    study.add_trial(TrialRecord(number, configuration, "search", "RUNNING", seed, POINT, {}, epochs))
    return number


def large_ledger(num_val: int, num_classes: int = 10) -> Ledger:
    """Twelve late epochs of a training that gets 90 % of its validation images right and changes its mind on 3 % of them an epoch."""
    rng = np.random.default_rng(0)
    labels = rng.integers(num_classes, size=num_val)
    names = tuple(f"class-{label}/photograph-{number:06d}.jpg" for number, label in enumerate(labels))
    classes = tuple(f"class-{number}" for number in range(num_classes))
    images = ValidationImages("large", np.sort(rng.choice(7 * num_val, num_val, replace=False)), labels, classes, names)
    right = np.logical_xor.accumulate(np.vstack([rng.random(num_val) < 0.9, rng.random((11, num_val)) < 0.03]))
    others = (labels + rng.integers(1, num_classes, size=num_val)) % num_classes
    return Ledger.of(images, range(89, 101), right, np.where(right[-1], labels, others))


def make_large_study(url: str, name: str, trials: int, epochs: int = 100, metrics: int = 20, *, ledger_images: int = 0) -> None:
    """Make a study of `trials` complete trials, each with its parameters, attributes, attempt, shown epochs and curves, and a ledger where it has images."""
    record = new_study(url, name, trials, epochs)
    number = add_trial(record, "c0", epochs=epochs)
    record.begin_attempt(number, 0, driver="host:1", from_epoch=0, gpu=1.0)
    noise = np.random.default_rng(0).normal(0, 0.01, (metrics, epochs))
    values = (1 - np.exp(-np.arange(epochs) / 20) + noise).astype(np.float32)
    curves = dict(zip(["val_accuracy", *(f"metric_{index}" for index in range(metrics - 1))], values, strict=True))
    for epoch in sorted(shown_epochs(epochs)):
        record.show_epoch(number, epoch, float(values[0, epoch - 1]), epochs)
    record.compact(number, curves)
    record.set_attributes(number, {"figures": {"num_val": 500.0, "exported_val_accuracy": 0.9}, "diagnosis": {"flags": ["oscillating"]}})
    if ledger_images:
        record.add_ledger(number, pack(large_ledger(ledger_images)))
    record.set_attributes(
        number, {"score": {"stable": 0.9, "level": 0.95, "best": 1.0, "last": 0.97, "provisional": False, "rule": SCORE_RULE}}
    )
    record.end_attempt(number, 0, "completed")
    record.tell(number, TrialState.COMPLETE, [0.9])
    record.close()
    engine = create_engine(url)
    with engine.begin() as connection:
        for table, copied in MULTIPLIED.items():
            columns, selected = copied.split(" SELECT ", 1)
            original = f"(SELECT * FROM {table} WHERE trial_id = (SELECT MAX(trial_id) FROM trials))"  # noqa: S608 - of the one trial that is there
            statement = f"INSERT INTO {table} {columns} {COPIES} SELECT {selected.format(table=original)}"
            connection.execute(text(statement), {"trials": trials})
    engine.dispose()
