"""Which figure of a curve says most about a new training? Every rule replayed on the tabular study.

    python benchmarks/scores.py [--replays 500] [--bootstraps 4000] [--smoke] [--json FILE]

A rule turns one validation accuracy curve into one number. The tables say, in points, for each rule:

- *error*: how far the number lies from the validation accuracy of *other* trainings of that configuration at a late epoch (mean of their last five epochs),
  root mean square over trainings, and its *bias*;
- *rank*: Spearman's correlation between the number of one training and the test accuracy of the others, within a space;
- *regret*: a sweep of 24 configurations drawn at random picks the highest number, of one training each or of the mean of three; how much lower the test
  accuracy of the pick's *other* trainings is than that of the best of the 24; *val* is the same for their late validation accuracy, *export* for the test
  accuracy of the epochs that would be exported;
- *optimism*: number of the pick minus the late validation accuracy of its other trainings.

All are means of spaces; brackets hold 95 % of a bootstrap of spaces, of the difference to the mean of the last five epochs. The last table chooses
the rule on all spaces but one and applies it to that one.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reports.stability import smoothed_level, stability

sys.path = [str(Path(__file__).resolve().parents[1]), *sys.path[1:]]  # not this folder: its programs are named as our packages are

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Rule = Callable[[Floats], float]

LATE = 5
"""Last epochs whose mean is the truth: what a stop at a late epoch gives."""
FEWEST_SEEDS = 5
"""Trainings of each configuration that a space must have: up to three pick, the others are the truth."""
DRAWN = 24
"""Configurations of a replayed sweep."""
BASELINE = "mean of last 5"
FALL_EPOCHS = 4
"""Latest epochs whose lowest is a floor: a curve that never falls is worth its value three epochs before the end."""
FEATURES = ("rank", "error", "bias", "regret", "regret of 3", "val regret", "export regret", "optimism", "optimism of 3")


def last_mean(epochs: int) -> Rule:
    """Mean of the last epochs."""
    return lambda curve: float(curve[-epochs:].mean())


def last_quantile(epochs: int, share: float) -> Rule:
    """Lower quantile of the last epochs."""
    return lambda curve: float(np.quantile(curve[-epochs:], share))


def shortfall(values: Floats, share: float, time_constant: float) -> float:
    """Mean of the worst share of weight, weights e^(-age / time constant): `reports.stability.drawdown_shortfall` before progress is taken out."""
    weights = np.exp(-np.arange(values.size - 1, -1, -1) / time_constant)
    order = np.argsort(values, kind="stable")
    ordered = weights[order] / weights.sum()
    taken = np.clip(share - (np.cumsum(ordered) - ordered), 0.0, ordered)
    return float(values[order] @ taken / taken.sum())


def floored(share: float, time_constant: float) -> Rule:
    """Expected shortfall, and no less than the lowest of the last four epochs: what was passed on the way up does not count against a run."""
    return lambda curve: max(shortfall(curve, share, time_constant), float(curve[-FALL_EPOCHS:].min()))


def drawdowns(share: float, time_constant: float) -> Rule:
    """Expected shortfall after progress is taken out: epoch t counts as the floor of the last four less what t lay below the best so far.

    Where the best so far is already above that floor, the epoch counts as it is.
    """

    def score(curve: Floats) -> float:
        progress = np.maximum(curve[-FALL_EPOCHS:].min() - np.maximum.accumulate(curve), 0.0)
        return shortfall(curve + progress, share, time_constant)

    return score


def isotonic_shortfall(share: float, time_constant: float) -> Rule:
    """Level at the end plus the expected shortfall of what lies around a trend that never falls (isotonic regression), floored as above."""

    def score(curve: Floats) -> float:
        weights = np.exp(-np.arange(curve.size - 1, -1, -1) / time_constant)
        return max(
            smoothed_level(curve) + shortfall(curve - isotonic(curve, weights), share, time_constant), float(curve[-FALL_EPOCHS:].min())
        )

    return score


def isotonic(values: Floats, weights: Floats) -> Floats:
    """Closest curve that never falls, by weighted squares: pool adjacent violators."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        mean, mass, size = float(value), float(weight), 1
        while blocks and blocks[-1][0] >= mean:
            before, other, count = blocks.pop()
            mean, mass, size = (mean * mass + before * other) / (mass + other), mass + other, size + count
        blocks.append((mean, mass, size))
    return np.concatenate([np.full(size, mean) for mean, _, size in blocks])


def detrended(share: float, time_constant: float) -> Rule:
    """Expected shortfall around a straight trend of the late epochs that never falls, floored as above."""

    def score(curve: Floats) -> float:
        age = np.arange(curve.size - 1, -1, -1)
        weights = np.exp(-age / (2.0 * time_constant))
        slope = max(float(np.polyfit(-age, curve, 1, w=np.sqrt(weights))[0]), 0.0) if curve.size > 2 else 0.0
        return max(shortfall(curve + slope * age, share, time_constant), float(curve[-FALL_EPOCHS:].min()))

    return score


def trended_end(time_constant: float) -> Rule:
    """End of a straight line through the late epochs, weights e^(-age / time constant)."""

    def score(curve: Floats) -> float:
        age = np.arange(curve.size - 1, -1, -1)
        return float(np.polyfit(-age, curve, 1, w=np.exp(-age / (2.0 * time_constant)))[1]) if curve.size > 2 else float(curve.mean())

    return score


def today(figure: str) -> Rule:
    """A figure of `reports.stability`."""

    def score(curve: Floats) -> float:
        found = stability(curve)
        return float("nan") if found is None else float(getattr(found, figure))

    return score


RULES: dict[str, Rule] = {
    "last epoch": lambda curve: float(curve[-1]),
    "best epoch": lambda curve: float(curve.max()),
    "mean of last 3": last_mean(3),
    BASELINE: last_mean(5),
    "mean of last 10": last_mean(10),
    "smoothed, 1.5 epochs": lambda curve: smoothed_level(curve, 1.5),
    "smoothed, 3 epochs": lambda curve: smoothed_level(curve, 3.0),
    "smoothed, 6 epochs": lambda curve: smoothed_level(curve, 6.0),
    "smoothed, 12 epochs": lambda curve: smoothed_level(curve, 12.0),
    "mean of all epochs": lambda curve: float(curve.mean()),
    "level (rate selected)": today("level"),
    "line's end, 5 epochs": trended_end(5.0),
    "lowest of last 4": lambda curve: float(curve[-FALL_EPOCHS:].min()),
    "quantile .25 of last 5": last_quantile(5, 0.25),
    "quantile .2 of last 10": last_quantile(10, 0.2),
    "shortfall, 20 %, 3 epochs": lambda curve: shortfall(curve, 0.2, 3.0),
    "floored, 20 %, 3 epochs": floored(0.2, 3.0),
    "floored, 35 %, 3 epochs": floored(0.35, 3.0),
    "floored, 50 %, 3 epochs": floored(0.5, 3.0),
    "floored, 35 %, 5 epochs": floored(0.35, 5.0),
    "drawdowns, 20 %, 3 epochs": drawdowns(0.2, 3.0),
    "drawdowns, 35 %, 3 epochs": drawdowns(0.35, 3.0),
    "drawdowns, 50 %, 3 epochs": drawdowns(0.5, 3.0),
    "drawdowns, 20 %, 5 epochs": drawdowns(0.2, 5.0),
    "drawdowns, 35 %, 5 epochs": drawdowns(0.35, 5.0),
    "drawdowns, 50 %, 5 epochs": drawdowns(0.5, 5.0),
    "drawdowns, 20 %, 8 epochs": drawdowns(0.2, 8.0),
    "drawdowns, 35 %, 8 epochs": drawdowns(0.35, 8.0),
    "drawdowns, 50 %, 8 epochs": drawdowns(0.5, 8.0),
    "drawdowns, 100 %, 5 epochs": drawdowns(1.0, 5.0),
    "drawdowns, 100 %, 8 epochs": drawdowns(1.0, 8.0),
    "straight trend, 20 %, 3 epochs": detrended(0.2, 3.0),
    "straight trend, 50 %, 3 epochs": detrended(0.5, 3.0),
    "rising trend, 20 %, 3 epochs": isotonic_shortfall(0.2, 3.0),
    "rising trend, 50 %, 3 epochs": isotonic_shortfall(0.5, 3.0),
}
SHORTFALLS = ("floored", "drawdowns", "straight", "rising")
"""Beginnings of the rules that could become *stable*."""


@dataclass(frozen=True)
class Properties:
    """Whether a rule kept what *stable* must keep, on random curves; shares of curves on which it did.

    Attributes:
        progress: a curve that never falls is worth at least its value three epochs before the end.
        steadier: half the swing around the same straight trend is worth no less.
        shift: the whole curve moved moves the number by as much.
        raised_all: a curve raised everywhere, by different amounts, is worth no less.
        raised_one: a curve raised at one epoch is worth no less.
    """

    progress: float
    steadier: float
    shift: float
    raised_all: float
    raised_one: float


def properties(rule: Rule, curves: int, seed: int = 0) -> Properties:
    """Try a rule on random curves of 8 to 40 epochs."""
    draw = np.random.default_rng(seed)
    kept = np.zeros((curves, 5))
    for row in range(curves):
        epochs = int(draw.integers(8, 41))
        rising = np.sort(draw.random(epochs)) if row % 2 else 1.0 - np.exp(-np.arange(epochs) / draw.uniform(1, 30))
        swing = draw.normal(0.0, 0.05, epochs) * (1 if row % 3 else np.cos(np.pi * np.arange(epochs)))
        age = np.arange(epochs - 1, -1, -1)
        if row % 3:
            swing -= swing @ np.exp(-age / 3.0) / np.exp(-age / 3.0).sum()  # no net progress among the late epochs
        trend = 0.5 + draw.uniform(0.0, 0.01) * np.arange(epochs)
        curve = trend + swing
        one = curve.copy()
        one[draw.integers(max(0, epochs - 10), epochs)] += draw.uniform(0.0, 0.2)
        all_raised = curve + draw.uniform(0.0, 0.1) + draw.uniform(0.0, 0.02, epochs)
        value = rule(curve)
        kept[row] = (
            rule(rising) >= rising[-FALL_EPOCHS] - 1e-9,
            rule(trend + swing / 2.0) >= value - 1e-9,
            abs(rule(curve + 0.1) - value - 0.1) < 1e-9,
            rule(all_raised) >= value - 1e-9,
            rule(one) >= value - 1e-9,
        )
    return Properties(*(float(each) for each in kept.mean(axis=0)))


@dataclass(frozen=True)
class Evidence:
    """Figures of every rule in every space.

    Attributes:
        spaces: names.
        rules: names.
        figures: ``(num_features, num_rules, num_spaces)``, in points except rank; the order is `FEATURES`.
    """

    spaces: tuple[str, ...]
    rules: tuple[str, ...]
    figures: Floats

    def of(self, feature: str) -> Floats:
        """``(num_rules, num_spaces)``."""
        figures: Floats = self.figures[FEATURES.index(feature)]
        return figures


@dataclass(frozen=True)
class Trainings:
    """What the replays need of a space; arrays ``(num_configurations, num_seeds)`` unless said.

    Attributes:
        curves: validation accuracy, ``(num_configurations, num_seeds, num_epochs)``.
        val: late validation accuracy.
        test: late test accuracy.
        exported: test accuracy of the exported epoch.
    """

    curves: Floats
    val: Floats
    test: Floats
    exported: Floats


def measure(spaces: Mapping[str, Trainings], replays: int, seed: int = 0) -> Evidence:
    """Every rule's figures in every space; all rules see the same replays."""
    figures = np.full((len(FEATURES), len(RULES), len(spaces)), np.nan)
    for column, trainings in enumerate(spaces.values()):
        scores = np.stack([np.apply_along_axis(rule, 2, trainings.curves) for rule in RULES.values()])
        draw = np.random.default_rng([seed, column])
        single, triple = replay(scores, trainings, 1, replays, draw), replay(scores, trainings, 3, replays, draw)
        num_seeds = trainings.val.shape[1]
        others_val, others_test = (
            (each.sum(axis=1, keepdims=True) - each) / (num_seeds - 1) for each in (trainings.val, trainings.test)
        )  # mean of the other seeds
        error = scores - others_val
        rank = [np.mean([spearman(row[:, each], others_test[:, each]) for each in range(num_seeds)]) for row in scores]
        values = {
            "rank": np.array(rank),
            "error": 100 * np.sqrt((error**2).mean(axis=(1, 2))),
            "bias": 100 * error.mean(axis=(1, 2)),
            "regret": single["test"],
            "regret of 3": triple["test"],
            "val regret": single["val"],
            "export regret": single["exported"],
            "optimism": single["optimism"],
            "optimism of 3": triple["optimism"],
        }
        for row, name in enumerate(FEATURES):
            figures[row, :, column] = values[name]
    return Evidence(tuple(spaces), tuple(RULES), figures)


def replay(scores: Floats, trainings: Trainings, seeds: int, replays: int, draw: np.random.Generator) -> dict[str, Floats]:
    """Sweeps that pick by each rule; mean regrets and optimism ``(num_rules,)`` in points.

    Args:
        scores: ``(num_rules, num_configurations, num_seeds)``.
        trainings: the truth.
        seeds: trainings of each configuration whose mean score picks; the truth is the mean of all others.
        replays: sweeps.
        draw: random numbers.
    """
    num_configurations, num_seeds = trainings.val.shape
    size, rules = min(DRAWN, num_configurations), np.arange(scores.shape[0])
    summed = {name: np.zeros(scores.shape[0]) for name in ("test", "val", "exported", "optimism")}
    for _ in range(replays):
        chosen = draw.permutation(num_configurations)[:size, None]
        order = draw.permuted(np.tile(np.arange(num_seeds), (size, 1)), axis=1)
        used, others = order[:, :seeds], order[:, seeds:]
        score = scores[:, chosen, used].mean(axis=2)
        ties = draw.random(size) * 1e-9  # which of equals is picked is chance
        picks = (score + ties).argmax(axis=1)
        truths = {"test": trainings.test, "val": trainings.val, "exported": trainings.exported}
        for name, truth in truths.items():
            rest = truth[chosen, others].mean(axis=1)
            summed[name] += rest.max() - rest[picks]
            if name == "val":
                summed["optimism"] += score[rules, picks] - rest[picks]
    return {name: 100 * value / replays for name, value in summed.items()}


def spearman(first: Floats, second: Floats) -> float:
    """Rank correlation, ties shared."""
    from scipy.stats import rankdata

    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])


def interval(differences: Floats, bootstraps: int, seed: int = 0) -> tuple[float, float]:
    """95 % of the mean of spaces drawn with replacement; differences ``(num_spaces,)``."""
    drawn = np.random.default_rng(seed).integers(0, differences.size, (bootstraps, differences.size))
    low, high = np.quantile(differences[drawn].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def left_out(evidence: Evidence, among: tuple[str, ...], feature: str = "regret") -> list[tuple[str, str, float, float]]:
    """For each space: the rule best on all others, its figure there, and the figure of the baseline."""
    figures, rows = evidence.of(feature), [evidence.rules.index(name) for name in among]
    chosen = []
    for column, space in enumerate(evidence.spaces):
        best = min(rows, key=lambda row: float(np.delete(figures[row], column).mean()))
        chosen.append((space, evidence.rules[best], float(figures[best, column]), float(figures[evidence.rules.index(BASELINE), column])))
    return chosen


def main_table(evidence: Evidence, bootstraps: int) -> str:
    """Markdown: every rule's figures, means of spaces."""
    base = evidence.rules.index(BASELINE)
    lines = [
        "| rule | rank | error | bias | regret | against the mean of the last 5 | regret, 3 seeds | against | val regret | export regret | optimism | 3 seeds |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row, rule in enumerate(evidence.rules):
        mean = {name: float(evidence.of(name)[row].mean()) for name in FEATURES}
        against = []
        for name in ("regret", "regret of 3"):
            difference = evidence.of(name)[row] - evidence.of(name)[base]
            low, high = interval(difference, bootstraps)
            against.append("" if row == base else f"{difference.mean():+.2f} [{low:+.2f}, {high:+.2f}]")
        cells = [
            f"{mean['rank']:.3f}",
            f"{mean['error']:.2f}",
            f"{mean['bias']:+.2f}",
            f"{mean['regret']:.2f}",
            against[0],
            f"{mean['regret of 3']:.2f}",
            against[1],
            *(f"{mean[name]:.2f}" for name in ("val regret", "export regret")),
            *(f"{mean[name]:+.2f}" for name in ("optimism", "optimism of 3")),
        ]
        lines.append(f"| {rule} | {' | '.join(cells)} |")
    return "\n".join(lines)


def space_table(evidence: Evidence, feature: str) -> str:
    """Markdown: one figure of every rule in every space."""
    lines = [f"| {feature} | {' | '.join(evidence.spaces)} |", "|---|" + "---|" * len(evidence.spaces)]
    lines += [
        f"| {rule} | {' | '.join(f'{value:.2f}' for value in evidence.of(feature)[row])} |" for row, rule in enumerate(evidence.rules)
    ]
    return "\n".join(lines)


def property_table(curves: int) -> str:
    """Markdown: share of random curves on which each rule keeps what *stable* must keep."""
    lines = ["| rule | progress | steadier | shift | all raised | one raised |", "|---|---|---|---|---|---|"]
    for name, rule in RULES.items():
        kept = properties(rule, curves)
        shares = (kept.progress, kept.steadier, kept.shift, kept.raised_all, kept.raised_one)
        lines.append(f"| {name} | {' | '.join('always' if share == 1 else f'{share:.1%}' for share in shares)} |")
    return "\n".join(lines)


def left_out_table(evidence: Evidence) -> str:
    """Markdown: the rule chosen on the other spaces, of all and of those that could be *stable*."""
    stables = tuple(name for name in evidence.rules if name.startswith(SHORTFALLS))
    rows = zip(left_out(evidence, evidence.rules), left_out(evidence, stables), strict=True)
    lines = ["| left out | chosen of all | regret | chosen of shortfalls | regret | mean of the last 5 |", "|---|---|---|---|---|---|"]
    total = np.zeros(3)
    for (space, rule, regret, base), (_, stable, stable_regret, _) in rows:
        lines.append(f"| {space} | {rule} | {regret:.2f} | {stable} | {stable_regret:.2f} | {base:.2f} |")
        total += (regret, stable_regret, base)
    total /= len(evidence.spaces)
    return "\n".join([*lines, f"| mean | | {total[0]:.2f} | | {total[1]:.2f} | {total[2]:.2f} |"])


def trainings_of(data: Path | None) -> dict[str, Trainings]:
    """The spaces of the tabular study that have enough seeds."""
    sys.path.append(str(Path(__file__).resolve().parent / "tabular"))
    from study import DATA, load

    return {
        name: Trainings(
            curves=table.val_accuracy,
            val=table.val_accuracy[:, :, -LATE:].mean(axis=2),
            test=table.test_accuracy[:, :, -LATE:].mean(axis=2),
            exported=table.test_accuracy_best,
        )
        for name, table in load(data or DATA).items()
        if table.seeds.size >= FEWEST_SEEDS
    }


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replays", type=int, default=500, help="sweeps a space and number of seeds (default: %(default)s)")
    parser.add_argument("--bootstraps", type=int, default=4000, help="of spaces (default: %(default)s)")
    parser.add_argument("--data", type=Path, help="folder of the study (default: the one that comes along)")
    parser.add_argument("--smoke", action="store_true", help="few replays: the figures mean nothing")
    parser.add_argument("--json", type=Path, help="also write the figures of every space here")
    options = parser.parse_args()
    replays, bootstraps, curves = (3, 50, 20) if options.smoke else (options.replays, options.bootstraps, 1000)
    spaces = trainings_of(options.data)
    evidence = measure(spaces, replays)
    shapes = ", ".join(f"{name} {each.curves.shape[0]}x{each.curves.shape[1]}" for name, each in spaces.items())
    print(f"{sum(each.val.size for each in spaces.values())} trainings: {shapes}\n")
    print(main_table(evidence, bootstraps), "\n")
    for feature in ("regret", "regret of 3"):
        print(space_table(evidence, feature), "\n")
    print(left_out_table(evidence), "\n")
    print(property_table(curves))
    if options.json:
        content = {"spaces": evidence.spaces, "rules": evidence.rules, "features": FEATURES, "figures": evidence.figures.tolist()}
        options.json.write_text(json.dumps(content))


if __name__ == "__main__":
    main()
