"""Which figure of a curve says most about a new training? Every rule replayed on the tabular study.

    python benchmarks/scores.py [--replays 500] [--bootstraps 4000] [--smoke] [--json FILE]

A rule turns one validation accuracy curve into one number. The tables say, in points, for each rule:

- *error*: how far the number lies from the validation accuracy of *other* trainings of that configuration at a late epoch (mean of their last five epochs),
  root mean square over trainings, and its *bias*;
- *rank*: Spearman's correlation between the number of one training and the test accuracy of the others, within a space;
- *model*: an additive model of the settings, fitted to the numbers of 24 configurations drawn at random (one training each), predicts the other 24: Spearman's
  correlation with their test accuracy. It stands for what a sampler learns from the numbers;
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
from score_rules import BASELINE, RULES, SHORTFALLS, property_table

HERE = Path(__file__).resolve().parent
sys.path = [str(HERE.parent), *sys.path[1:], str(HERE)]  # this folder last: its programs are named as our packages are

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LATE = 5
"""Last epochs whose mean is the truth: what a stop at a late epoch gives."""
FEWEST_SEEDS = 5
"""Trainings of each configuration that a space must have: up to three pick, the others are the truth."""
DRAWN = 24
"""Configurations of a replayed sweep."""
FEATURES = ("rank", "model", "error", "bias", "regret", "regret of 3", "val regret", "export regret", "optimism", "optimism of 3")


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
        settings: of each configuration, one column a choice of a setting, ``(num_configurations, num_choices)``.
    """

    curves: Floats
    val: Floats
    test: Floats
    exported: Floats
    settings: Floats


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
            "model": predicted(scores, trainings, replays, draw),
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


def predicted(scores: Floats, trainings: Trainings, replays: int, draw: np.random.Generator) -> Floats:
    """How well an additive model of one half's numbers ranks the other half, mean Spearman correlation ``(num_rules,)``."""
    from scipy.stats import rankdata

    num_configurations, num_seeds = trainings.val.shape
    size, found = min(DRAWN, num_configurations // 2), np.zeros(scores.shape[0])
    truth = trainings.test.mean(axis=1)
    for _ in range(replays):
        order = draw.permutation(num_configurations)
        known, rest = order[:size], order[size:]
        numbers = scores[:, known, draw.integers(0, num_seeds, size)].T
        columns = trainings.settings[known] - trainings.settings[known].mean(axis=0)
        weights = np.linalg.solve(columns.T @ columns + np.eye(columns.shape[1]), columns.T @ (numbers - numbers.mean(axis=0)))
        guesses, right = rankdata(trainings.settings[rest] @ weights, axis=0), rankdata(truth[rest])
        guesses, right = guesses - guesses.mean(axis=0), right - right.mean()
        found += right @ guesses / np.maximum(np.sqrt((guesses**2).sum(axis=0) * (right**2).sum()), 1e-12)
    return found / replays


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
        "| rule | rank | model | error | bias | regret | against the mean of the last 5 | regret, 3 seeds | against | val regret | export regret | optimism | 3 seeds |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
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
            f"{mean['model']:.3f}",
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
    sys.path.append(str(HERE / "tabular"))
    from study import DATA, load

    return {
        name: Trainings(
            curves=table.val_accuracy,
            val=table.val_accuracy[:, :, -LATE:].mean(axis=2),
            test=table.test_accuracy[:, :, -LATE:].mean(axis=2),
            exported=table.test_accuracy_best,
            settings=np.array(
                [
                    [float(each[name] == choice) for name, choices in table.grid.items() for choice in choices]
                    for each in table.configurations
                ]
            ),
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
