"""A finished trial's figures: computed once from its curve, then read from the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reports.stability import stability
from sweeps.record.stored_trial import Attribute
from sweeps.study.observer import FinishedTrial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from reports.records import Role, TrialState
    from search_spaces.parameters import PointValue
    from sweeps.record.stored_trial import StoredTrial

_FIGURES = ("stable", "level", "best", "last", "provisional")


def finished_trial(
    identity: tuple[int, Role, str, Mapping[str, PointValue]],
    state: TrialState,
    curve: NDArray[np.float32],
    *,
    maximize: bool,
    why: tuple[str | None, str | None] = (None, None),
    flags: tuple[str, ...] = (),
) -> FinishedTrial:
    """Score a trial that is over.

    Args:
        identity: number, role, configuration, params.
        state: how it ended.
        curve: the ranked metric, shape ``(num_epochs,)``.
        maximize: whether more is better.
        why: cause and error.
        flags: names of the curve's flags.
    """
    number, role, configuration, params = identity
    score = stability(curve, maximize=maximize)
    known = curve[~np.isnan(curve)]
    best = None if not len(known) else float(known.max() if maximize else known.min())
    return FinishedTrial(
        number=number,
        role=role,
        configuration=configuration,
        params=params,
        state=state,
        epochs=len(curve),
        stable=None if score is None else score.stable,
        level=None if score is None else score.level,
        best=best,
        last=float(known[-1]) if len(known) else None,
        cause=why[0],
        error=why[1],
        flags=flags,
        provisional=score is None or score.provisional,
    )


def score_attribute(trial: FinishedTrial) -> dict[str, float | bool | None]:
    """The figures as they are put on record; empty where there is no score."""
    if trial.stable is None or not all(
        np.isfinite(value) for value in (trial.stable, trial.level, trial.best, trial.last) if value is not None
    ):
        return {}
    return {name: getattr(trial, name) for name in _FIGURES}


def restored_trial(stored: StoredTrial, params: Mapping[str, PointValue], metric: str, *, maximize: bool) -> FinishedTrial:
    """A finished trial from the record; its curve is only decoded where the record holds no score."""
    attributes = stored.attributes
    identity = (stored.number, stored.role, stored.configuration, params)
    why = (attributes.get(Attribute.CAUSE), attributes.get(Attribute.ERROR))
    flags = tuple(str(flag) for flag in attributes.get(Attribute.DIAGNOSIS, {}).get("flags", ()))
    score: Mapping[str, Any] | None = attributes.get(Attribute.SCORE)
    if score is None:
        curve = metric_curve(stored, metric)
        return finished_trial(identity, stored.state, curve, maximize=maximize, why=why, flags=flags)
    return FinishedTrial(
        *identity,
        stored.state,
        stored.epochs,
        stable=score.get("stable"),
        level=score.get("level"),
        best=score.get("best"),
        last=score.get("last"),
        cause=why[0],
        error=why[1],
        flags=flags,
        provisional=bool(score.get("provisional")),
    )


def metric_curve(stored: StoredTrial, metric: str) -> NDArray[np.float32]:
    """A stored trial's curve of the metric, shape ``(num_epochs,)``; NaN throughout where it has none."""
    found = stored.curves.get(metric)
    return np.full(stored.epochs, np.nan, dtype=np.float32) if found is None else np.array(found, dtype=np.float32)
