"""Which parameters go with which flags in a study, and which of them were tested apart from all others."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from reports.flags import NULL_RATE, study_flags
from reports.records import StudySettings
from reports.verdict.association import Association, Causes, FlagCount, narrower
from reports.verdict.importance import value_codes
from reports.verdict.matched import STEP, MatchedPairs, compare_pairs, groups_alike, spaced
from reports.verdict.permutation import SMALLEST_SIDE, Permutations, groups_test, holm, order_test

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from reports.flags import Flag, FlagName
    from reports.records import ParameterRecord, StudyRecord, TrialRecord

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Configurations:
    """Configurations with the trials that can carry flags; seeds of one are one observation, so repeats do not pass for evidence.

    Attributes:
        trials: per configuration its trials with flags known.
        sizes: flag to mean size per configuration, ``(num_configurations,)``: for ``oscillating`` the swing's amplitude (0 where not
            flagged), for others the share of trials flagged.
        shares: flag to share of flagged trials per configuration, ``(num_configurations,)``.
        flagged: flag to number of flagged trials.
    """

    trials: Sequence[Sequence[TrialRecord]]
    sizes: Mapping[FlagName, Array]
    shares: Mapping[FlagName, Array]
    flagged: Mapping[FlagName, int]


def _configurations(study: StudyRecord, flags: Mapping[int, Sequence[Flag]]) -> _Configurations:
    """Gather trials by configuration; swings that few validation images may explain count as none."""
    groups: dict[str, list[TrialRecord]] = {}
    for trial in study.trials:
        if trial.number in flags:
            groups.setdefault(trial.configuration, []).append(trial)
    trials = list(groups.values())
    names = sorted({flag.name for of_trial in flags.values() for flag in of_trial if not flag.cannot_tell})
    sizes, counts = ({name: np.zeros(len(trials)) for name in names} for _ in range(2))
    for i, group in enumerate(trials):
        for trial in group:
            for name, flag in {flag.name: flag for flag in reversed(flags[trial.number]) if not flag.cannot_tell}.items():
                amplitude = flag.evidence.get("amplitude") if name == "oscillating" else 1.0
                sizes[name][i] += amplitude if isinstance(amplitude, float | int) else 1.0
                counts[name][i] += 1.0
    seeds = np.array([len(group) for group in trials], dtype=np.float64)
    return _Configurations(
        trials,
        {name: size / seeds for name, size in sizes.items()},
        {name: count / seeds for name, count in counts.items()},
        {name: int(count.sum()) for name, count in counts.items()},
    )


SIGNIFICANCE = 0.02
"""Family-wise chance of a false claim in a study where nothing causes anything, below the 5 % that is asked for."""
PAIRS_SIGNIFICANCE = 0.05
"""Of pairs that differ in one parameter alone, over the associations that survive: they tell a cause from parameters that move together."""
PERMUTATIONS = 9_999
MOST_PERMUTATIONS = 19_999
ENOUGH = 100
"""Permutations as good as the data at which a test ends: p-values above 1 % are known to a tenth of themselves, smaller ones better."""
SEED = 20_170_521
"""Of the permutations: the same study gives the same report."""


@dataclass(frozen=True)
class _Coded:
    """One parameter as numbers, over the configurations in which it is active.

    Attributes:
        active: whether a configuration has it, ``(num_configurations,)``.
        codes: its values in their order, ``(num_active,)``.
        labels: of a choice or ordinal, by code.
        trials: of the active configurations.
    """

    parameter: ParameterRecord
    active: NDArray[np.bool_]
    codes: Array
    labels: Sequence[str]
    trials: int


@dataclass(frozen=True)
class _Test:
    """One parameter against one flag, before adjustment."""

    association: Association
    coded: _Coded
    worse: NDArray[np.bool_]


def find_causes(study: StudyRecord, *, flags: Mapping[int, Sequence[Flag]] | None = None) -> Causes:
    """State which parameters go with the flags of a study.

    The unit is the configuration. An ordered parameter is parted where the share of flagged trials differs most, a choice by its labels; the
    p-value comes from permuting these shares over configurations (shares, not amplitudes: how large a swing is varies for many reasons) and
    is Holm-adjusted over all parameters and flags. What survives is an association: a sampler that homes in on good settings moves
    parameters together. It is called tested only where three pairs of configurations and more differ in that parameter alone, and show it.

    Args:
        study: the record.
        flags: by trial number, when already known; otherwise they are looked for here.
    """
    known = study_flags(study) if flags is None else flags
    configurations = _configurations(study, known)
    names = [
        name
        for name, sizes in configurations.sizes.items()
        if min(np.count_nonzero(sizes), np.count_nonzero(sizes == 0.0)) >= SMALLEST_SIDE
    ]
    parameters = [_coded(parameter, configurations.trials) for parameter in study.parameters] if names else []
    most = min(MOST_PERMUTATIONS, max(PERMUTATIONS, int(2 * len(names) * len(parameters) / SIGNIFICANCE)))
    permutations = Permutations(most, ENOUGH, np.random.default_rng(SEED))
    tests = [test for name in names for coded in parameters if (test := _test(coded, name, configurations, permutations)) is not None]
    adjusted = holm(np.array([test.association.p_value for test in tests]))
    surviving = _judge(
        [(test, replace(test.association, p_adjusted=float(p))) for test, p in zip(tests, adjusted, strict=True) if p <= SIGNIFICANCE],
        configurations,
        StudySettings(study),
    )
    surviving.sort(key=lambda a: (a.p_adjusted, -abs(a.worse_mean - a.better_mean)))
    return Causes(tuple(surviving), _counts(configurations, surviving), len(tests))


def _coded(parameter: ParameterRecord, trials: Sequence[Sequence[TrialRecord]]) -> _Coded:
    """A parameter's values over the configurations in which it is active."""
    active = np.array([parameter.name in group[0].params for group in trials], dtype=bool)
    groups = list(itertools.compress(trials, active))
    values = [group[0].params[parameter.name] for group in groups]
    labels = parameter.all_labels(values)
    return _Coded(parameter, active, value_codes(parameter, values), labels, sum(map(len, groups)))


def _test(coded: _Coded, name: FlagName, configurations: _Configurations, permutations: Permutations) -> _Test | None:
    """Test one parameter against one flag over the configurations in which it is active; None when that says nothing."""
    parameter, codes = coded.parameter, coded.codes
    sizes, shares = configurations.sizes[name][coded.active], configurations.shares[name][coded.active]
    if codes.size < 2 * SMALLEST_SIDE or not sizes.any():
        return None
    association = Association(parameter.name, name, 1.0, 1.0, None, "", 0.0, 0.0, codes.size, coded.trials, 0, 0)
    if parameter.kind == "choice":
        labels, members = np.unique(codes.astype(np.int64), return_inverse=True)
        p_value = groups_test(members.astype(np.int64), shares, permutations)
        if p_value is None:
            return None
        means = np.array([sizes[members == k].mean() for k in range(labels.size)])
        worse = members == int(means.argmax())
        association = replace(association, p_value=p_value, worse=coded.labels[int(labels[int(means.argmax())])])
    else:
        split = order_test(codes, shares, permutations)
        if split is None:
            return None
        ordered = np.sort(codes)
        worse = (codes >= ordered[split.cut]) == split.rises
        threshold = _between(parameter, float(ordered[split.cut - 1]), float(ordered[split.cut]))
        association = replace(association, p_value=split.p_value, threshold=threshold, worse="above" if split.rises else "below")
    association = replace(association, worse_mean=float(sizes[worse].mean()), better_mean=float(sizes[~worse].mean()))
    return _Test(association, coded, worse)


def _between(parameter: ParameterRecord, low: float, high: float) -> float | str:
    """A threshold between two neighbouring values: their middle on the parameter's scale, or the upper label of an ordinal."""
    if parameter.kind == "ordinal":
        return parameter.labels[int(high)] if int(high) < len(parameter.labels) else str(high)
    return float(np.sqrt(low * high)) if parameter.log and low > 0.0 else (low + high) / 2.0


def _judge(surviving: Sequence[tuple[_Test, Association]], configurations: _Configurations, settings: StudySettings) -> list[Association]:
    """Look for configurations that differ in one parameter alone and say what they show."""
    pairs = [_pairs(test, association, configurations, settings) for test, association in surviving]
    tested = [place for place, each in enumerate(pairs) if each.p_value is not None]
    adjusted = dict(zip(tested, holm(np.array([pairs[place].p_value for place in tested])).tolist(), strict=True))
    return [
        replace(
            association,
            matched=each.pairs,
            consistent=each.agree,
            p_pairs=adjusted.get(place),
            tested=adjusted.get(place, 1.0) <= PAIRS_SIGNIFICANCE,
            space_change=narrower(test.coded.parameter, association),
        )
        for place, (each, (test, association)) in enumerate(zip(pairs, surviving, strict=True))
    ]


def _pairs(test: _Test, association: Association, configurations: _Configurations, settings: StudySettings) -> MatchedPairs:
    """Compare configurations that differ in an association's parameter alone, across its threshold."""
    coded = test.coded
    groups = groups_alike(
        [settings.others(association.parameter, group[0].params) for group in itertools.compress(configurations.trials, coded.active)]
    )
    sizes = configurations.sizes[association.flag][coded.active]
    if coded.parameter.kind == "choice":
        return compare_pairs(groups, test.worse.astype(np.float64), sizes, STEP)
    values, gap = spaced(coded.parameter, coded.codes)
    values = values if association.worse == "above" else -values
    return compare_pairs(groups, values, sizes, gap, split=float(values[test.worse].min()))


def _counts(configurations: _Configurations, surviving: Sequence[Association]) -> tuple[FlagCount, ...]:
    """How common each flag is, beside what chance alone would raise."""
    of_trials = sum(len(group) for group in configurations.trials)
    explained = {association.flag for association in surviving}
    counts = [
        FlagCount(name, number, of_trials, NULL_RATE * of_trials if name == "oscillating" else None, name in explained)
        for name, number in configurations.flagged.items()
    ]
    return tuple(sorted(counts, key=lambda count: -count.trials))
