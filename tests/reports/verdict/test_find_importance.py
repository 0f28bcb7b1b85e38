from __future__ import annotations

import numpy as np
import pytest

from reports.ranking import rank
from reports.records import ParameterRecord, StudyRecord, TrialRecord
from reports.verdict.importance import find_importance

SPACE = (
    ParameterRecord("dropout", "float", low=0.0, high=0.6),
    ParameterRecord("learning_rate", "float", log=True, low=1e-5, high=1e-2),
    ParameterRecord("augmentation", "choice", labels=("none", "flip")),
    ParameterRecord("magnitude", "int", low=1, high=10, condition="augmentation = flip"),
)


def study(num_trials: int, *, space: tuple[ParameterRecord, ...] = SPACE, swinging: bool = True) -> StudyRecord:
    rng = np.random.default_rng(num_trials)
    trials = []
    for number in range(num_trials):
        rate = float(10 ** rng.uniform(-5, -2))
        params = {"dropout": float(rng.uniform(0, 0.6)), "learning_rate": rate, "augmentation": str(rng.choice(["none", "flip"]))}
        if params["augmentation"] == "flip":
            params["magnitude"] = int(rng.integers(1, 11))
        curve = 0.9 - 0.05 * abs(np.log10(rate) + 3.5) + rng.normal(0, 0.002, 20)
        if swinging and rate > 1e-3:
            curve += 0.06 * (-1.0) ** np.arange(20)
        trials.append(TrialRecord(number, f"c{number}", "search", "COMPLETE", number, params, {"val_accuracy": curve}, 20))
    return StudyRecord("s", "study", "val_accuracy", maximize=True, trials=tuple(trials), parameters=space, num_val=2000)


@pytest.mark.parametrize("target", ["stable", "oscillation"])
def test_the_parameter_that_matters_comes_first(target: str) -> None:
    record = study(60)
    found = find_importance(record, rank(record), target)
    first = found.parameters[0]
    assert first.parameter == "learning_rate"
    assert first.importance > 0.5
    assert found.evaluator == "fANOVA"
    assert found.configurations == 60


def test_a_conditional_parameter_is_evaluated_where_it_is_active() -> None:
    record = study(60)
    magnitude = next(p for p in find_importance(record, rank(record)).parameters if p.parameter == "magnitude")
    assert 0.3 < magnitude.active_share < 0.7
    assert magnitude.importance is not None


def test_large_studies_use_the_fast_evaluator() -> None:
    record = study(260)
    found = find_importance(record, rank(record, flags={}))
    assert found.evaluator == "PED-ANOVA"
    assert found.parameters[0].parameter == "learning_rate"


def test_tiny_and_uniform_studies_say_why_there_is_nothing() -> None:
    tiny = study(3)
    assert "need 8" in find_importance(tiny, rank(tiny)).note
    calm = study(12, swinging=False)
    nothing = find_importance(calm, rank(calm), "oscillation")
    assert "no configuration was flagged" in nothing.note
    assert all(parameter.importance is None for parameter in nothing.parameters)
    empty = StudyRecord("s", "study", "val_accuracy", maximize=True, trials=(), parameters=SPACE)
    assert find_importance(empty, rank(empty)).configurations == 0


def test_importances_repeat() -> None:
    record = study(20)
    ranking = rank(record)
    assert find_importance(record, ranking) == find_importance(record, ranking)
