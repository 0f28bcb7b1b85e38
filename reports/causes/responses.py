"""The size of each flag per configuration: how often and how large, what parameters are tested against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from reports.flags import Flag, FlagName
    from reports.records import StudyRecord, TrialRecord


@dataclass(frozen=True)
class FlaggedConfigurations:
    """Configurations with the trials that can carry flags.

    Attributes:
        trials: per configuration its trials with flags known, in the order of configurations.
        sizes: flag to mean size per configuration, ``(num_configurations,)``: for ``oscillating`` the swing's amplitude (0 where not
            flagged), for others the share of trials flagged.
        shares: flag to share of flagged trials per configuration, ``(num_configurations,)``.
        flagged: flag to numbers of flagged trials.
    """

    trials: Sequence[Sequence[TrialRecord]]
    sizes: Mapping[FlagName, NDArray[np.float64]]
    shares: Mapping[FlagName, NDArray[np.float64]]
    flagged: Mapping[FlagName, tuple[int, ...]]


def flagged_configurations(study: StudyRecord, flags: Mapping[int, Sequence[Flag]]) -> FlaggedConfigurations:
    """Gather trials by configuration; seeds of one configuration are one observation, so repeats do not pass for evidence."""
    groups: dict[str, list[TrialRecord]] = {}
    for trial in study.trials:
        if trial.number in flags:
            groups.setdefault(trial.configuration, []).append(trial)
    trials = list(groups.values())
    names = sorted({flag.name for of_trial in flags.values() for flag in of_trial})
    sizes = {name: np.array([np.mean([_size(flags[trial.number], name) for trial in group]) for group in trials]) for name in names}
    shares = {
        name: np.array([np.mean([any(flag.name == name for flag in flags[trial.number]) for trial in group]) for group in trials])
        for name in names
    }
    flagged = {
        name: tuple(trial.number for group in trials for trial in group if any(flag.name == name for flag in flags[trial.number]))
        for name in names
    }
    return FlaggedConfigurations(trials, sizes, shares, flagged)


def _size(flags: Sequence[Flag], name: FlagName) -> float:
    for flag in flags:
        if flag.name == name:
            amplitude = flag.evidence.get("amplitude") if name == "oscillating" else 1.0
            return float(amplitude) if isinstance(amplitude, float | int) else 1.0
    return 0.0
