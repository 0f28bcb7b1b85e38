"""A finished trial's figures from its curve as it is on record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.stability import stability
from sweeps.study.observer import FinishedTrial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from reports.records import Role, TrialState
    from search_spaces.parameters import PointValue


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
