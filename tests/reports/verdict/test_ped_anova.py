from __future__ import annotations

import numpy as np
import optuna
import pytest
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from reports.records import ParameterRecord
from reports.verdict.importance import distribution, internal_value, ped_anova

SPACE = (
    ParameterRecord("dropout", "float", low=0.0, high=0.6),
    ParameterRecord("learning_rate", "float", log=True, low=1e-5, high=1e-2),
    ParameterRecord("units", "int", low=1, high=400),
    ParameterRecord("magnitude", "int", low=1, high=9),
    ParameterRecord("batch", "int", log=True, low=8, high=512),
    ParameterRecord("augmentation", "choice", labels=("none", "flip", "light")),
    ParameterRecord("frozen_layers", "ordinal", labels=("none", "50%", "all")),
)


@pytest.mark.parametrize("maximize", [True, False])
@pytest.mark.parametrize("number", [30, 211, 900])
def test_the_figures_are_optunas(number: int, maximize: bool) -> None:  # noqa: FBT001
    rng = np.random.default_rng(number)
    params = [
        {
            "dropout": float(rng.uniform(0.0, 0.7)),
            "learning_rate": float(10 ** rng.uniform(-5.2, -2)),
            "units": int(rng.integers(1, 401)),
            "magnitude": int(rng.integers(1, 10)),
            "batch": int(2 ** rng.integers(3, 10)),
            "augmentation": str(rng.choice(["none", "flip", "gone from the space"])),
            "frozen_layers": str(rng.choice(["none", "50%", "all"])),
        }
        for _ in range(number)
    ]
    rate = np.array([np.log10(of["learning_rate"]) for of in params])
    values = np.round(0.9 - 0.05 * np.abs(rate + 3.5) + 0.03 * np.array([of["dropout"] for of in params]) + rng.normal(0, 0.01, number), 2)
    study = optuna.create_study(direction="maximize" if maximize else "minimize")
    distributions = {p.name: distribution(p, [of[p.name] for of in params]) for p in SPACE}
    for of, value in zip(params, values, strict=True):
        inside = {p.name: internal_value(p, of[p.name]) for p in SPACE}
        study.add_trial(optuna.trial.create_trial(params=inside, distributions=distributions, value=float(value)))
    theirs = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    ours = ped_anova([(p, [of[p.name] for of in params]) for p in SPACE], values, maximize=maximize)
    assert ours == pytest.approx(theirs, rel=1e-6)
    assert sum(ours.values()) == pytest.approx(1.0)
