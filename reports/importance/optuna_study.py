"""Importances of parameters: fANOVA of a throw-away Optuna study, PED-ANOVA where configurations are many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.importance.ped_anova import ped_anova

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from optuna.distributions import BaseDistribution

    from reports.records import ParameterRecord
    from reports.records.trial import ParameterValue

FOREST_LIMIT = 200
"""Configurations up to which fANOVA's forest is grown (a second or two, and scikit-learn's import); PED-ANOVA beyond, which takes
milliseconds and needs many."""
FOREST_SEED = 0
FOREST_TREES = 16
FOREST_DEPTH = 8
"""A quarter of Optuna's trees, less deep: the order of parameters is the same and a report does not wait."""


def evaluate(
    parameters: Sequence[ParameterRecord],
    params: Sequence[Mapping[str, ParameterValue]],
    values: NDArray[np.float64],
    *,
    maximize: bool = True,
) -> tuple[dict[str, float], str]:
    """Importances by name, summing to 1, and the evaluator's name.

    Parameters that hold one value alone are left out; nothing is evaluated for a constant target.

    Args:
        parameters: active in every configuration.
        params: of each configuration.
        values: the target, ``(num_configurations,)``.
        maximize: whether more is what PED-ANOVA should explain.

    Source: Hutter et al., ICML 2014 (fANOVA); Watanabe et al., IJCAI 2023 (PED-ANOVA).
    """
    varying = [p for p in parameters if len({str(of[p.name]) for of in params}) > 1]
    if not varying or float(np.ptp(values)) == 0.0:
        return {}, ""
    if len(params) <= FOREST_LIMIT:
        found, evaluator = _forest(varying, params, values, maximize=maximize), "fANOVA"
    else:
        found, evaluator = ped_anova([(p, [of[p.name] for of in params]) for p in varying], values, maximize=maximize), "PED-ANOVA"
    return {name: float(share) for name, share in found.items() if np.isfinite(share)}, evaluator


def _forest(
    varying: Sequence[ParameterRecord], params: Sequence[Mapping[str, ParameterValue]], values: NDArray[np.float64], *, maximize: bool
) -> dict[str, float]:
    """Optuna's fANOVA of a study made of the configurations."""
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    distributions = {p.name: distribution(p, [of[p.name] for of in params]) for p in varying}
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study(direction="maximize" if maximize else "minimize")
        study.add_trials(
            [
                optuna.trial.create_trial(
                    params={p.name: internal_value(p, of[p.name]) for p in varying}, distributions=distributions, value=float(value)
                )
                for of, value in zip(params, values, strict=True)
            ]
        )
        evaluator = FanovaImportanceEvaluator(n_trees=FOREST_TREES, max_depth=FOREST_DEPTH, seed=FOREST_SEED)
        return get_param_importances(study, evaluator=evaluator)
    finally:
        optuna.logging.set_verbosity(level)


def distribution(parameter: ParameterRecord, values: Sequence[ParameterValue]) -> BaseDistribution:
    """The parameter's distribution, widened to what the configurations hold."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if parameter.kind in {"choice", "ordinal"}:
        return CategoricalDistribution(tuple(dict.fromkeys([*parameter.labels, *sorted({str(value) for value in values})])))
    numbers = [float(value) for value in values if isinstance(value, int | float | str)]
    low = min([*numbers, *([] if parameter.low is None else [parameter.low])])
    high = max([*numbers, *([] if parameter.high is None else [parameter.high])])
    log = parameter.log and low > 0.0
    if parameter.kind == "int":
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(low, high, log=log)


def internal_value(parameter: ParameterRecord, value: ParameterValue) -> str | float | int:
    """A value as `distribution` holds it."""
    if parameter.kind in {"choice", "ordinal"}:
        return str(value)
    return int(float(str(value))) if parameter.kind == "int" else float(str(value))
