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
    sizes, shares = ({name: np.zeros(len(trials)) for name in names} for _ in range(2))
    flagged: dict[FlagName, list[int]] = {name: [] for name in names}
    for i, group in enumerate(trials):
        for trial in group:
            found = {flag.name: flag for flag in reversed(flags[trial.number])}
            for name, flag in found.items():
                sizes[name][i] += _size(flag)
                shares[name][i] += 1.0
                flagged[name].append(trial.number)
    seeds = np.array([len(group) for group in trials], dtype=np.float64)
    return FlaggedConfigurations(
        trials,
        {name: summed / seeds for name, summed in sizes.items()},
        {name: number / seeds for name, number in shares.items()},
        {name: tuple(numbers) for name, numbers in flagged.items()},
    )


def _size(flag: Flag) -> float:
    """A swing's amplitude; 1 for every other flag."""
    amplitude = flag.evidence.get("amplitude") if flag.name == "oscillating" else 1.0
    return float(amplitude) if isinstance(amplitude, float | int) else 1.0
