"""Flags judged by rules that their source had no part in: nested cross-validation over the sources of labelled curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from flag_curves import as_run, source
from flag_futures import cut_at
from flag_search import FAMILIES, Problem, Table, calibrate, choose, rule_of, tabulate, verdicts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flag_agreement import Verdict
    from flag_curves import Curve

    from reports.flags.rule import Rule

FLAGS = ("oscillating", "spiking", "collapsed", "diverging", "overfitting", "unfinished")


@dataclass(frozen=True)
class Judgement:
    """What rules chosen without a curve's source say of it.

    Attributes:
        said: flag to verdicts ``(num_curves,)``.
        margins: flag to how far inside the rule each curve is, ``(num_curves,)``.
        early: margins on the first 60 % of every curve.
        families: flag to how often each family was chosen, by its number.
    """

    said: dict[str, Verdict]
    margins: dict[str, np.ndarray]
    early: dict[str, np.ndarray]
    families: dict[str, dict[int, int]]


class Nested:
    """Chooses every flag's rule on some of the sources and judges curves with it."""

    def __init__(self, curves: Sequence[Curve]) -> None:
        """Tabulate the figures once."""
        self.groups = np.array([source(of) for of in curves])
        self.names = np.unique(self.groups)
        membership = (self.groups[:, None] == self.names).astype(np.float32)
        self.table = tabulate([as_run(of) for of in curves])
        self.early = tabulate([as_run(of, cut_at(of)) for of in curves])
        self.problems = {
            flag: Problem(
                flag,
                np.array([of["labels"][flag] == "yes" for of in curves]),
                np.array([of["labels"][flag] != "borderline" for of in curves]),
                membership,
            )
            for flag in FAMILIES
        }
        self._counts: dict[tuple[str, bytes], Any] = {}

    def rules(self, training: np.ndarray) -> dict[str, tuple[int, Rule]]:
        """Family and rule of every flag, chosen on sources ``(num_sources,)`` of 0 and 1."""
        declines = np.zeros(self.groups.size, dtype=bool)
        chosen: dict[str, tuple[int, Rule]] = {}
        for flag, problem in self.problems.items():
            key = flag, declines.tobytes() if flag in ("oscillating", "spiking") else b""
            if key not in self._counts:
                self._counts[key] = problem.counts(self.table, declines)
            counts = self._counts[key]
            number, best = choose(counts, [sum(len(way) for way in family) for family in FAMILIES[flag]], training)
            family = FAMILIES[flag][number]
            choice = np.unravel_index(best, counts[number].shape)
            chosen[flag] = number, rule_of(family, [int(i) for i in choice])
            if flag == "diverging":
                declines = verdicts(family, self.table.columns)[choice]
        return chosen

    def judge(self) -> Judgement:
        """Judge every curve by rules chosen on the other sources."""
        size = self.groups.size
        margins, early = ({flag: np.full(size, -1.0) for flag in FLAGS} for _ in range(2))
        families: dict[str, dict[int, int]] = {flag: {} for flag in FLAGS}
        for index, name in enumerate(self.names):
            rules = self.rules(np.arange(self.names.size) != index)
            for flag, (number, _) in rules.items():
                families[flag][number] = families[flag].get(number, 0) + 1
            for i in np.flatnonzero(self.groups == name):
                for table, into in ((self.table, margins), (self.early, early)):
                    for flag, margin in judge_row(table, int(i), {flag: rule for flag, (_, rule) in rules.items()}).items():
                        into[flag][i] = margin
        return Judgement({flag: margins[flag] >= 0.0 for flag in FLAGS}, margins, early, families)

    def judge_others(self, table: Table) -> dict[str, np.ndarray]:
        """Margins on curves of other sources by rules chosen on all sources, flag to ``(num_curves,)``."""
        rules = {flag: rule for flag, (_, rule) in self.rules(np.ones(self.names.size)).items()}
        size = len(next(iter(table.columns.values())))
        rows = [judge_row(table, i, rules) for i in range(size)]
        return {flag: np.array([row[flag] for row in rows]) for flag in FLAGS}


def judge_row(table: Table, index: int, rules: dict[str, Rule]) -> dict[str, float]:
    """Every flag's margin on one curve."""
    declines = rules["diverging"].margin(table.row(index, declines=False)) >= 0.0
    row = table.row(index, declines=declines)
    margins = {flag: rule.margin(row) for flag, rule in rules.items()}
    if declines:
        margins["spiking"] = -1.0
    return margins


def leave_source_out(margins: np.ndarray, agreed: np.ndarray, groups: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Probability of each curve, calibrated on the nested margins of the other sources."""
    chance = np.empty(margins.size)
    each = np.ones(margins.size) if weights is None else weights
    for name in np.unique(groups):
        held = groups == name
        intercept, slope = calibrate(margins[~held], agreed[~held], each[~held])
        chance[held] = 1.0 / (1.0 + np.exp(-intercept - slope * margins[held]))
    return chance
