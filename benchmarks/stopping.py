"""Which figure of a curve so far should stop a training? Pruning and early stopping replayed on the tabular study with every figure.

    python benchmarks/stopping.py [--replays 100] [--smoke] [--json FILE]

*Pruning.* A sweep of 24 configurations drawn at random, one training of each, four at a time; our pruners judge each by the figure at equal epochs. Of those
that ran to their end the one with the highest *stable* is picked. *Regret*: how much lower the late test accuracy of the pick's other trainings is than
that of the best of the 24, in points; *added*: that regret less the regret of the same sweep without a pruner; *saved*: share of epochs not trained.

*Early stopping.* Every training stops once its figure has not improved for so many epochs (patience). *Lost*: its late accuracy (mean of five epochs) at the
planned end less that at the stop, in points; *added*: regret in validation accuracy of sweeps of 24 that were stopped so, less that without stopping. Patience
means another thing for each figure, so the last table reads lost and added where equal shares of epochs are saved, by interpolation between patiences.

Brackets hold 95 % of a bootstrap of the eight spaces, of the difference to the mean of the last five epochs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pruning import replay
from score_rules import BASELINE, SIMPLE
from scores import DRAWN, Trainings, interval, trainings_of

from reports.stability import level, stable

sys.path = [str(Path(__file__).resolve().parents[1]), *sys.path[1:]]  # not this folder: its programs are named as our packages are

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from score_rules import Rule

    from sweeps.search.pruning import Pruner

    Floats = NDArray[np.float64]

LATE = 5
CONCURRENT = 4
PATIENCES = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20)
EQUAL_SAVINGS = (0.1, 0.2, 0.3)
SHOWN_PATIENCES = (3, 5, 8)
FIGURES: dict[str, Rule] = SIMPLE | {"level": level, "stable": stable}


def so_far(curves: Floats) -> dict[str, Floats]:
    """Every figure of every curve up to each epoch, ``(num_configurations, num_seeds, num_epochs)``."""
    found = {name: np.empty_like(curves) for name in FIGURES}
    for epoch in range(curves.shape[2]):
        for name, rule in FIGURES.items():
            found[name][:, :, epoch] = np.apply_along_axis(rule, 2, curves[:, :, : epoch + 1])
    return found


def stops(figure: Floats, patience: int) -> NDArray[np.int64]:
    """Epochs trained when a figure ``(..., num_epochs)`` that has not improved for `patience` epochs stops the training."""
    best = np.maximum.accumulate(figure, axis=-1)
    improved = np.concatenate([np.ones((*figure.shape[:-1], 1), bool), figure[..., 1:] > best[..., :-1]], axis=-1)
    epochs = np.arange(figure.shape[-1])
    waited = epochs - np.maximum.accumulate(np.where(improved, epochs, 0), axis=-1)
    stopped = waited >= patience
    return np.where(stopped.any(axis=-1), stopped.argmax(axis=-1) + 1, figure.shape[-1])


def late_at(curves: Floats, epochs: NDArray[np.int64]) -> Floats:
    """Mean of the last five epochs of each curve when it is stopped after so many epochs; both ``(num_configurations, num_seeds)``."""
    sums = np.concatenate([np.zeros((*curves.shape[:2], 1)), curves.cumsum(axis=2)], axis=2)
    first = np.maximum(epochs - LATE, 0)
    taken = np.take_along_axis(sums, epochs[:, :, None], 2) - np.take_along_axis(sums, first[:, :, None], 2)
    means: Floats = taken[:, :, 0] / (epochs - first)
    return means


def others(values: Floats) -> Floats:
    """Mean of the other seeds, ``(num_configurations, num_seeds)``."""
    means: Floats = (values.sum(axis=1, keepdims=True) - values) / (values.shape[1] - 1)
    return means


class Draws:
    """The sweeps that every figure replays: configurations ``(replays, drawn)`` and the seed of each."""

    def __init__(self, trainings: Trainings, replays: int, seed: int) -> None:
        draw = np.random.default_rng(seed)
        num_configurations, num_seeds = trainings.val.shape
        self.size = min(DRAWN, num_configurations)
        self.configurations = np.stack([draw.permutation(num_configurations)[: self.size] for _ in range(replays)])
        self.seeds = draw.integers(0, num_seeds, self.configurations.shape)
        self.ties = draw.random(self.configurations.shape) * 1e-9

    def regret(self, score: Floats, truth: Floats, ran: NDArray[np.bool_] | None = None) -> Floats:
        """Of each sweep, in points; `score` and `truth` ``(num_configurations, num_seeds)``, `ran` which of the drawn may be picked."""
        scores = score[self.configurations, self.seeds] + self.ties
        truths = truth[self.configurations, self.seeds]
        picks = (scores if ran is None else np.where(ran, scores, -np.inf)).argmax(axis=1)
        regret: Floats = 100 * (truths.max(axis=1) - np.take_along_axis(truths, picks[:, None], 1)[:, 0])
        return regret


class _Sweep:
    """What `pruning.replay` asks of a sweep."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs


def pruned(name: str, trainings: Trainings, figure: Floats, draws: Draws) -> tuple[Floats, Floats]:
    """Which of the drawn ran to their end, and the share of epochs saved, of each sweep."""
    from sweeps.search.pruning import make_pruner

    epochs = trainings.curves.shape[2]
    pruner: Pruner | None = make_pruner(name, {}, epochs)
    ran, saved = np.zeros(draws.configurations.shape, bool), np.zeros(len(draws.configurations))
    for place, (configurations, seeds) in enumerate(zip(draws.configurations, draws.seeds, strict=True)):
        values = figure[configurations, seeds]
        finished, trained = replay(_Sweep(epochs), list(range(draws.size)), pruner, values, CONCURRENT)  # type: ignore[arg-type]  # its epochs
        ran[place, finished] = True
        saved[place] = 1 - trained / (draws.size * epochs)
    return ran, saved


def measure(spaces: Mapping[str, Trainings], replays: int) -> dict[str, Floats]:
    """Figures by name: ``(num_figures, num_spaces)``, of early stopping ``(num_figures, num_patiences, num_spaces)``."""
    names = [f"{pruner} {what}" for pruner in ("asha", "median") for what in ("regret", "added", "saved")]
    found = {name: np.zeros((len(FIGURES), len(spaces))) for name in names}
    found |= {f"early {what}": np.zeros((len(FIGURES), len(PATIENCES), len(spaces))) for what in ("lost", "added", "saved")}
    for column, trainings in enumerate(spaces.values()):
        figures, draws = so_far(trainings.curves), Draws(trainings, replays, column)
        final, test, val = figures["stable"][:, :, -1], others(trainings.test), others(trainings.val)
        whole = draws.regret(final, test)
        whole_val = draws.regret(final, val)
        for row, (name, figure) in enumerate(figures.items()):
            for pruner in ("asha", "median"):
                ran, saved = pruned(pruner, trainings, figure, draws)
                regret = draws.regret(final, test, ran)
                for what, value in (("regret", regret), ("added", regret - whole), ("saved", saved)):
                    found[f"{pruner} {what}"][row, column] = value.mean()
            for place, patience in enumerate(PATIENCES):
                epochs = stops(figure, patience)
                late = late_at(trainings.curves, epochs)
                score = np.take_along_axis(figures["stable"], epochs[:, :, None] - 1, 2)[:, :, 0]
                truth = others(late)
                picked = draws.regret(score, truth) - 100 * (truth[draws.configurations, draws.seeds].max(axis=1))
                best = 100 * val[draws.configurations, draws.seeds].max(axis=1)
                found["early lost"][row, place, column] = 100 * (trainings.val - late).mean()
                found["early added"][row, place, column] = (picked + best - whole_val).mean()
                found["early saved"][row, place, column] = 1 - epochs.mean() / trainings.curves.shape[2]
            print(name, end="\r", file=sys.stderr)
    return found


def against(values: Floats, bootstraps: int) -> list[str]:
    """Each row's difference to the baseline with its interval; `values` ``(num_figures, num_spaces)``."""
    base = list(FIGURES).index(BASELINE)
    cells = []
    for row in values:
        low, high = interval(row - values[base], bootstraps)
        cells.append(
            "" if row is values[base] or (row == values[base]).all() else f"{(row - values[base]).mean():+.2f} [{low:+.2f}, {high:+.2f}]"
        )
    return cells


def pruning_table(found: Mapping[str, Floats], bootstraps: int) -> str:
    """Markdown: pruners by figure."""
    lines = [
        "| figure | asha: regret | added | against the mean of the last 5 | saved | median: regret | added | against | saved |",
        "|---" * 9 + "|",
    ]
    beside = {pruner: against(found[f"{pruner} regret"], bootstraps) for pruner in ("asha", "median")}
    for row, name in enumerate(FIGURES):
        cells = []
        for pruner in ("asha", "median"):
            regret, added, saved = (float(found[f"{pruner} {what}"][row].mean()) for what in ("regret", "added", "saved"))
            cells += [f"{regret:.2f}", f"{added:+.2f}", beside[pruner][row], f"{saved:.0%}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def patience_table(found: Mapping[str, Floats]) -> str:
    """Markdown: saved, lost and added by figure and patience."""
    lines = [
        "| figure | " + " | ".join(f"patience {each}: saved | lost | added" for each in SHOWN_PATIENCES) + " |",
        "|---" * (1 + 3 * len(SHOWN_PATIENCES)) + "|",
    ]
    for row, name in enumerate(FIGURES):
        cells = []
        for patience in SHOWN_PATIENCES:
            place = PATIENCES.index(patience)
            saved, lost, added = (float(found[f"early {what}"][row, place].mean()) for what in ("saved", "lost", "added"))
            cells += [f"{saved:.0%}", f"{lost:.2f}", f"{added:+.2f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def at_saving(found: Mapping[str, Floats], what: str, saving: float, spaces: NDArray[np.int64]) -> Floats:
    """A figure of early stopping where as many epochs are saved in the mean of `spaces`, ``(num_figures,)``; NaN beyond the patiences tried."""
    saved, values = (found[f"early {name}"][:, :, spaces].mean(axis=2)[:, ::-1] for name in ("saved", what))  # longest patience first
    return np.array([np.interp(saving, row, of, left=np.nan, right=np.nan) for row, of in zip(saved, values, strict=True)])


def savings_table(found: Mapping[str, Floats], bootstraps: int) -> str:
    """Markdown: lost and added at equal savings, and the difference to the mean of the last five epochs with its interval."""
    num_spaces, base = found["early saved"].shape[2], list(FIGURES).index(BASELINE)
    drawn = np.random.default_rng(0).integers(0, num_spaces, (bootstraps, num_spaces))
    heads, columns = ["figure"], []
    for saving, what in itertools.product(EQUAL_SAVINGS, ("lost", "added")):
        heads += [f"{saving:.0%} saved: {what}", "against"]
        values = at_saving(found, what, saving, np.arange(num_spaces))
        samples = np.stack([at_saving(found, what, saving, spaces) for spaces in drawn])
        lows, highs = np.nanquantile(samples - samples[:, base, None], [0.025, 0.975], axis=0)
        reached = ~np.isnan(values)
        columns.append([f"{value:.2f}" if known else "" for value, known in zip(values, reached, strict=True)])
        columns.append(
            [
                f"{values[row] - values[base]:+.2f} [{lows[row]:+.2f}, {highs[row]:+.2f}]" if row != base and reached[row] else ""
                for row in range(len(FIGURES))
            ]
        )
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    lines += [f"| {name} | {' | '.join(column[row] for column in columns)} |" for row, name in enumerate(FIGURES)]
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replays", type=int, default=100, help="sweeps a space (default: %(default)s)")
    parser.add_argument("--bootstraps", type=int, default=4000, help="of spaces (default: %(default)s)")
    parser.add_argument("--smoke", action="store_true", help="few replays of two spaces: the figures mean nothing")
    parser.add_argument("--json", type=Path, help="also write the figures of every space here")
    options = parser.parse_args()
    replays, bootstraps = (2, 50) if options.smoke else (options.replays, options.bootstraps)
    spaces = dict(itertools.islice(trainings_of(None).items(), 2 if options.smoke else None))
    found = measure(spaces, replays)
    print(pruning_table(found, bootstraps), "\n")
    print(patience_table(found), "\n")
    print(savings_table(found, bootstraps))
    if options.json:
        content = {"spaces": list(spaces), "figures": list(FIGURES), "patiences": PATIENCES}
        options.json.write_text(json.dumps(content | {name: values.tolist() for name, values in found.items()}))


if __name__ == "__main__":
    main()
