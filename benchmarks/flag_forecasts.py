"""What a flag at 60 % of a curve says of the rest, next to rules that are chosen to foretell it, ours and others'.

Rules and the probabilities that go with their margins are chosen without the source or space that is judged. The labelled curves and the tabular
study have equal weight.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from flag_agreement import difference, published_rule, published_share, resampled_sources, show
from flag_curves import as_run, source
from flag_futures import FUTURES, cut_at, futures, goes_on
from flag_nested import leave_source_out
from flag_search import Counts, Family, at_least, at_most, calibrate, choose, count, rule_of, tabulate, verdicts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flag_agreement import Verdict
    from flag_curves import Curve
    from flag_nested import Judgement, Nested

    from reports.flags.rule import Rule

_EXCESS = at_least("excess", 0.003, 0.0045, 0.006, 0.0075, 0.009, 0.0105, 0.012, 0.0135, 0.015, 0.018, 0.021)
_SURPRISE, _FALLS = at_least("surprise", 0.5, 1.0, 1.5, 2.0), at_least("falls", 0.5, 1.5, 2.5)
_DECLINE = at_least("decline", 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05)
_DECLINE_NOISE, _DECLINE_STEPS = at_least("decline over noise", 0.5, 1.0, 1.5, 2.0, 3.0), at_least("decline over steps", 0.5, 1.0, 2.0, 3.0)
_GAIN, _GAIN_ERROR = at_least("gain", 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06), at_least("gain over error", 1.0, 1.5, 2.0, 3.0)
_SINCE = at_most("since best", 0.06, 0.1, 0.15, 0.2, 0.3)

FORECASTS: Mapping[str, Sequence[Family]] = {
    "oscillating": (((_EXCESS,),), ((_EXCESS, _SURPRISE),), ((_EXCESS, _FALLS),)),
    "diverging": (((_DECLINE,),), ((_DECLINE, _DECLINE_NOISE),), ((_DECLINE, _DECLINE_STEPS),)),
    "unfinished": (((_GAIN,),), ((_GAIN, _GAIN_ERROR),), ((_GAIN, _SINCE),)),
}
"""Per flag, shapes of rules on its own figures that are chosen for the future instead of for readers, simplest first."""
_AS_IT_WAS = (((at_least("goes on", 0.25, 0.4, 0.55, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0),),),)
_AUTOTRAINER = (((at_least("published share", 0.05, 0.075, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3, 0.4),),),)


@dataclass(frozen=True)
class Forecast:
    """What rules chosen without a curve's source say of its future: yes or no, and how likely, ``(num_curves,)`` each."""

    said: Verdict
    chance: np.ndarray

    def of(self, which: Verdict) -> Forecast:
        """The same of some of the curves."""
        return Forecast(self.said[which], self.chance[which])


class Forecasts:
    """Chooses and judges forecasts of one future."""

    def __init__(self, truth: Verdict, groups: np.ndarray, weights: np.ndarray) -> None:
        """Take the truth ``(num_curves,)`` with each curve's source and weight."""
        self.truth, self.groups, self.weights = truth, groups, weights
        self.names = np.unique(groups)
        self._membership = (groups[:, None] == self.names).astype(np.float32)
        self._of_source = np.array([weights[groups == name][0] for name in self.names])

    def judge(self, families: Sequence[Family], columns: Mapping[str, np.ndarray]) -> Forecast:
        """Judge every curve by the rule and calibration chosen on the other sources."""
        said, chance = np.empty(self.truth.size, dtype=bool), np.empty(self.truth.size)
        counts = self._counts(families, columns)
        for index, name in enumerate(self.names):
            held = self.groups == name
            rule = self._rule(families, counts, np.where(np.arange(self.names.size) == index, 0.0, self._of_source))
            margins = margins_of(rule, columns)
            intercept, slope = calibrate(margins[~held], self.truth[~held].astype(np.float64), self.weights[~held])
            said[held] = margins[held] >= 0.0
            chance[held] = 1.0 / (1.0 + np.exp(-intercept - slope * margins[held]))
        return Forecast(said, chance)

    def calibrated(self, margins: np.ndarray) -> Forecast:
        """Verdicts and probabilities of margins ``(num_curves,)`` that were judged already, calibrated on the other sources."""
        return Forecast(margins >= 0.0, leave_source_out(margins, self.truth.astype(np.float64), self.groups, self.weights))

    def base(self) -> np.ndarray:
        """The share of other sources' curves of which it is true, ``(num_curves,)``."""
        shares = {name: np.average(self.truth[self.groups != name], weights=self.weights[self.groups != name]) for name in self.names}
        return np.array([shares[name] for name in self.groups])

    def chosen(self, families: Sequence[Family], columns: Mapping[str, np.ndarray]) -> Rule:
        """The rule and calibration chosen on all sources."""
        rule = self._rule(families, self._counts(families, columns), self._of_source)
        intercept, slope = calibrate(margins_of(rule, columns), self.truth.astype(np.float64), self.weights)
        return replace(rule, intercept=round(intercept, 2), slope=round(slope, 2))

    def _counts(self, families: Sequence[Family], columns: Mapping[str, np.ndarray]) -> list[Counts]:
        everywhere = np.ones(self.truth.size, dtype=bool)
        return [count(verdicts(family, columns), self.truth, everywhere, self._membership) for family in families]

    def _rule(self, families: Sequence[Family], counts: Sequence[Counts], training: np.ndarray) -> Rule:
        number, best = choose(counts, [sum(len(way) for way in family) for family in families], training)
        choice = np.unravel_index(best, counts[number].shape)
        return rule_of(families[number], [int(i) for i in choice])


def margins_of(rule: Rule, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """How far inside a rule each curve is, ``(num_curves,)``: `reports.flags.rule.Rule.margin` of all curves at once."""
    ways = []
    for way in rule.ways:
        away = [(columns[of.figure] - of.threshold) / abs(of.threshold) * (1.0 if of.side == ">=" else -1.0) for of in way]
        ways.append(np.min([np.where(np.isnan(each), -1.0, np.clip(each, -1.0, 1.0)) for each in away], axis=0))
    margins: np.ndarray = np.max(ways, axis=0)
    return margins


def foresight(labelled: Sequence[Curve], tabular: Sequence[Curve], nested: Nested, judgement: Judgement, repeats: int) -> None:
    """Print how well the flags at 60 % of each curve say what the rest does, on either set of curves.

    Args:
        labelled: curves that `nested` was made from.
        tabular: curves of other sources, of which no flag's rule has seen any.
        nested: the search for the flags' rules.
        judgement: what rules chosen without their source say of the labelled curves.
        repeats: resamples of each interval.
    """
    curves = [*labelled, *tabular]
    groups = np.array([source(of) for of in curves])
    of_tabular = np.arange(len(curves)) >= len(labelled)
    weights = np.where(of_tabular, len(labelled) / max(1, len(tabular)), 1.0)
    tables = [nested.early, *([tabulate([as_run(of, cut_at(of)) for of in tabular])] if tabular else [])]
    others = nested.judge_others(tables[1]) if tabular else {}
    came, lasted = [futures(of) for of in curves], [goes_on(of) for of in curves]
    seen = [np.array(of["val_accuracy"][: cut_at(of)]) for of in curves]
    print("WITHOUT READERS: at 60 % of the epochs, what the rest does; everything chosen without the curve's source or space")
    for flag, future in FUTURES.items():
        shared = {name for way in (way for family in FORECASTS[flag] for way in family) for name, _, _ in way}
        columns = {name: np.concatenate([table.columns[name] for table in tables]) for name in shared}
        columns["goes on"] = np.array([each[future] for each in lasted])
        columns["published share"] = np.array([published_share(values) for values in seen])
        search = Forecasts(np.array([each[future] for each in came]), groups, weights)
        margins = np.concatenate([judgement.early[flag], *([others[flag]] if tabular else [])])
        forecasts = {
            "the flag": search.calibrated(margins),
            "rule chosen for it": search.judge(FORECASTS[flag], columns),
            "goes on as it was": replace(search.judge(_AS_IT_WAS, columns), said=columns["goes on"] >= 1.0),
            "goes on as it was, threshold chosen": search.judge(_AS_IT_WAS, columns),
        }
        if flag == "oscillating":
            chosen = search.judge(_AUTOTRAINER, columns)
            forecasts["AUTOTRAINER's published rule"] = replace(chosen, said=np.array([published_rule(values) for values in seen]))
            forecasts["AUTOTRAINER's rule, share chosen"] = chosen
        intercept, slope = calibrate(margins, search.truth.astype(np.float64), weights)
        print(f" {flag}: {future}; forecast of the shipped rule: ({intercept:.2f}, {slope:.2f}); {search.chosen(FORECASTS[flag], columns)}")
        for name, which in {"labelled curves": ~of_tabular, "tabular study": of_tabular}.items():
            if which.any():
                print(f"  {name}, {search.truth[which].sum()} of {which.sum()}")
                _compare({rule: of.of(which) for rule, of in forecasts.items()}, search.truth[which], groups[which], repeats)
                _calibration(forecasts["the flag"].of(which), search.truth[which])
                _brier({**{rule: of.chance[which] for rule, of in forecasts.items() if "published" not in rule and rule != "goes on as it was"},
                        "base rate": search.base()[which]}, search.truth[which], groups[which], repeats)  # fmt: skip


def _compare(forecasts: Mapping[str, Forecast], truth: Verdict, groups: np.ndarray, repeats: int) -> None:
    """Print agreement of every rule, and of ours the difference to every other."""
    for rule, forecast in forecasts.items():
        show(rule, truth, forecast.said, groups, repeats)
    for ours in list(forecasts)[:2]:
        for other in list(forecasts)[2:]:
            difference(f"{ours} minus {other}", truth, forecasts[ours].said, forecasts[other].said, groups, repeats)


def _calibration(forecast: Forecast, truth: Verdict) -> None:
    """Print what curves were told and what came true, of those that carry the flag and by what they were told."""
    said, chance = forecast.said, forecast.chance
    if said.any():
        print(f"    flagged: told {chance[said].mean():.2f}, came true {truth[said].mean():.2f} ({said.sum()})")
    bins = [(chance >= low) & (chance < low + 0.2) for low in np.arange(0.0, 1.0, 0.2)]
    print("    told and came true: " + ", ".join(f"{chance[m].mean():.2f} {truth[m].mean():.2f} ({m.sum()})" for m in bins if m.any()))


def _brier(chances: Mapping[str, np.ndarray], truth: Verdict, groups: np.ndarray, repeats: int) -> None:
    """Print the Brier score of every probability, and the difference of the first to it by sources."""
    _, of_curve = np.unique(groups, return_inverse=True)
    weights = resampled_sources(groups, repeats)
    size = weights @ np.bincount(of_curve)
    losses = {name: (chance - truth) ** 2 for name, chance in chances.items()}
    ours = next(iter(losses.values()))
    print(f"    Brier score {ours.mean():.3f}; less that of: " + ", ".join(
        f"{name} ({loss.mean():.3f}) {np.mean(ours - loss):+.3f} [{low:+.3f}, {high:+.3f}]"
        for name, loss in list(losses.items())[1:]
        for low, high in [np.quantile(weights @ np.bincount(of_curve, ours - loss) / size, [0.025, 0.975])]
    ))  # fmt: skip
