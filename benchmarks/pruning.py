"""What stopping trainings early saves and what it costs: replays of full curves of real sweeps, in many random orders, under each rule.

    python benchmarks/pruning.py [--replays 30] [--concurrent 4] [--options] [--smoke] [--json FILE]

The curves are those of `make_curves.py`: every configuration of four small sweeps trained to its end. A replay takes some of a sweep's configurations in a
random order, lets so many train at a time, and stops them by the rule; the rules of ours are the classes that sweeps use. Then the best of those that
ran to their end is the winner.

- *regret*: how much less the winner holds (stable accuracy of its full curve) than the best of all, in points;
- *saved*: share of epochs that full training of all takes and the rule did not.

Every rule chooses its winner by the stable accuracy, so only what was stopped differs. ``e epochs, top k`` trains all for e epochs, ranks them by the last raw
accuracy and trains the best k to the end (arXiv 2307.15422); k is as large as the epochs allow that asynchronous halving on the level used in the same replay
(*as many epochs*), or 3. The last two columns set every rule against it with as many epochs as that rule itself took: below 0 the rule is better.

The late-rising pools leave out every configuration that holds more than the best of those that are below the median at 20 % of the epochs, unless it is one
of them: the best of such a pool is a late riser. Intervals: 95 %, bootstrap over sweeps and replays.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.stability import level, stable

HERE = Path(__file__).resolve().parent
sys.path = [str(HERE.parent), *sys.path[1:], str(HERE)]  # this folder last: its programs are named as our packages are

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sweeps.search.pruning import Pruner

    Array = NDArray[np.float64]

CURVES = HERE / "data" / "curves"
DRAWN = 32
"""Configurations of a replay, of a sweep's 40 to 60, at most two thirds of them."""
EARLY = 0.2
SMALLEST_POOL = 12
BOOTSTRAPS = 2_000


@dataclass(frozen=True)
class Sweep:
    """The full curves of a sweep.

    Attributes:
        name: of its file.
        raw: validation accuracy, ``(num_configurations, num_epochs)``.
        levels: level of the curve up to each epoch, of the same shape.
        holds: stable accuracy of each full curve, ``(num_configurations,)``.
    """

    name: str
    raw: Array
    levels: Array
    holds: Array

    @property
    def epochs(self) -> int:
        """Of a full training."""
        return self.raw.shape[1]


@dataclass
class Replay:
    """One replay while it runs; to a pruner it is the book of levels that it asks.

    Attributes:
        values: what is judged, ``(num_configurations, num_epochs)``: levels or raw accuracies.
        metric: what they are of, for the pruner's words.
        reached: epochs that each has trained.
        finished: those at their end, in the order in which they got there.
        told: epoch to the judged values of all that got there.
    """

    values: Array
    maximize: bool = True
    metric: str = "val_accuracy"
    reached: dict[int, int] = field(default_factory=dict)
    finished: list[int] = field(default_factory=list)
    told: dict[int, list[float]] = field(default_factory=dict)

    def train(self, trial: int) -> int:
        """One more epoch of a configuration; its number."""
        epoch = self.reached[trial] = self.reached.get(trial, 0) + 1
        self.told.setdefault(epoch, []).append(float(self.values[trial, epoch - 1]))
        return epoch

    def level_at(self, trial: int, epoch: int) -> float | None:
        """The judged value of a configuration at an epoch, None if it has not got there."""
        return float(self.values[trial, epoch - 1]) if self.reached.get(trial, 0) >= epoch else None

    def levels_at(self, epoch: int, *, finished_only: bool = False, newest: int | None = None) -> list[float]:
        """The judged values of all that got to an epoch."""
        found = self.values[self.finished, epoch - 1].tolist() if finished_only else self.told.get(epoch, [])
        return found if newest is None else found[-newest:]


@dataclass(frozen=True)
class Rule:
    """A way to stop early.

    Attributes:
        name: as printed.
        run: sweep, configurations in order, generator → those that were trained to the end, and epochs in all.
    """

    name: str
    run: Callable[[Sweep, Sequence[int], np.random.Generator], tuple[list[int], int]]


def main() -> None:
    """Print regret and epochs saved of every rule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curves", type=Path, default=CURVES, help="folder of make_curves.py")
    parser.add_argument("--replays", type=int, default=30, help="of each sweep")
    parser.add_argument("--concurrent", type=int, default=4, help="trainings at a time")
    parser.add_argument("--options", action="store_true", help="also print other options of our pruners")
    parser.add_argument("--smoke", action="store_true", help="a few replays: does it run?")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    replays = 3 if given.smoke else given.replays
    sweeps = [read_sweep(path) for path in sorted(given.curves.glob("*.json"))]
    pools = {"all sweeps": sweeps, "late-rising pools": [pool for sweep in sweeps if (pool := late_rising(sweep)) is not None]}
    print(
        f"{sum(len(sweep.holds) for sweep in sweeps)} full curves of {len(sweeps)} sweeps, {replays} replays of each, {given.concurrent} trainings at a time\n"
    )
    compared = rules(given.concurrent, other_options=given.options)
    found = {title: measure(pool, compared, replays) for title, pool in pools.items() if pool}
    figures = {title: print_table(title, each) for title, each in found.items()}
    print_by_sweep(sweeps, found["all sweeps"])
    if given.json:
        given.json.write_text(json.dumps({"replays": replays, "concurrent": given.concurrent, "figures": figures}, indent=1) + "\n")


def read_sweep(path: Path) -> Sweep:
    """Read a file of `make_curves.py`; trainings that diverged are left out."""
    document = json.loads(path.read_text())
    runs = [run["correct"] for run in document["runs"] if len(run["correct"]) == document["epochs"]]
    raw = np.asarray(runs, dtype=np.float64) / document["num_val"]
    levels = np.asarray([[level(curve[:epoch]) for epoch in range(1, len(curve) + 1)] for curve in raw])
    return Sweep(document["sweep"], raw, levels, np.asarray([stable(curve) for curve in raw]))


def late_rising(sweep: Sweep) -> Sweep | None:
    """The sweep without what beats its best late riser; None where too little is left."""
    early = sweep.levels[:, max(0, round(EARLY * sweep.epochs) - 1)]
    late = early < np.median(early)
    kept = late | (sweep.holds < sweep.holds[late].max())
    if kept.sum() < SMALLEST_POOL:
        return None
    return Sweep(sweep.name, sweep.raw[kept], sweep.levels[kept], sweep.holds[kept])


def rules(concurrent: int, *, other_options: bool) -> list[Rule]:
    """All that are compared; the first is the one whose epochs others may use as well."""
    from sweeps.search.pruning import make_pruner

    def pruned(name: str, options: dict[str, int], judged: str) -> Callable[..., tuple[list[int], int]]:
        def run(sweep: Sweep, order: Sequence[int], generator: np.random.Generator) -> tuple[list[int], int]:
            del generator
            return replay(sweep, order, make_pruner(name, options, sweep.epochs), getattr(sweep, judged), concurrent)

        return run

    def as_many_epochs(epochs: Callable[[Sweep], int]) -> Callable[..., tuple[list[int], int]]:
        def run(sweep: Sweep, order: Sequence[int], generator: np.random.Generator) -> tuple[list[int], int]:
            first = epochs(sweep)
            return keep_top(sweep, order, first, as_many(sweep, order, first, ours(sweep, order, generator)[1]))

        return run

    ours = pruned("asha", {}, "levels")
    compared = [
        Rule("asha on level (ours)", ours),
        Rule("median on level (ours)", pruned("median", {}, "levels")),
        Rule("asha on raw accuracy", pruned("asha", {}, "raw")),
        Rule("median on raw accuracy", pruned("median", {}, "raw")),
        Rule("random stopping", lambda sweep, order, generator: stop_at_random(sweep, order, generator, concurrent)),
        Rule("1 epoch, as many epochs as asha", as_many_epochs(lambda _: 1)),
        Rule("10 % of epochs, as many epochs", as_many_epochs(lambda sweep: max(2, round(sweep.epochs / 10)))),
        Rule("20 % of epochs, as many epochs", as_many_epochs(lambda sweep: max(2, round(sweep.epochs / 5)))),
        Rule("1 epoch, top 3", lambda sweep, order, _: keep_top(sweep, order, 1, 3)),
        Rule("3 epochs, top 3", lambda sweep, order, _: keep_top(sweep, order, 3, 3)),
    ]
    if other_options:
        for share in (10, 5, 4, 3, 2):
            compared += [
                Rule(f"asha, grace 1/{share}, reduction {reduction}", by_share(pruned, "asha", share, reduction=reduction))
                for reduction in (2, 3, 4)
            ]
            compared.append(Rule(f"median, grace 1/{share}", by_share(pruned, "median", share)))
    return compared


def by_share(pruned: Callable[..., Any], name: str, share: int, **options: int) -> Callable[..., tuple[list[int], int]]:
    """A pruner whose grace is a share of the training."""

    def run(sweep: Sweep, order: Sequence[int], generator: np.random.Generator) -> tuple[list[int], int]:
        found: tuple[list[int], int] = pruned(name, {"grace": max(1, round(sweep.epochs / share)), **options}, "levels")(
            sweep, order, generator
        )
        return found

    return run


def replay(sweep: Sweep, order: Sequence[int], pruner: Pruner | None, values: Array, concurrent: int) -> tuple[list[int], int]:
    """Train configurations in order, so many at a time, each epoch as long as any other."""
    book, waiting, running = Replay(values), list(reversed(order)), list[int]()
    while waiting or running:
        while waiting and len(running) < concurrent:
            running.append(waiting.pop())
        for trial in list(running):
            epoch = book.train(trial)
            if epoch == sweep.epochs:
                book.finished.append(trial)
                running.remove(trial)
            elif pruner is not None and pruner.judge(book, trial, epoch) is not None:  # type: ignore[arg-type]  # what a pruner asks of a book
                running.remove(trial)
    return book.finished, sum(book.reached.values())


def stop_at_random(sweep: Sweep, order: Sequence[int], generator: np.random.Generator, concurrent: int) -> tuple[list[int], int]:
    """Halving at our rungs on values that mean nothing."""
    from sweeps.search.pruning import make_pruner

    noise = generator.random(sweep.raw.shape)
    return replay(sweep, order, make_pruner("asha", {}, sweep.epochs), noise, concurrent)


def keep_top(sweep: Sweep, order: Sequence[int], epochs: int, top: int) -> tuple[list[int], int]:
    """Train all for a few epochs, and the best of them to the end."""
    kept = sorted(order, key=lambda trial: -sweep.raw[trial, epochs - 1])[:top]
    return kept, epochs * len(order) + (sweep.epochs - epochs) * len(kept)


def as_many(sweep: Sweep, order: Sequence[int], first: int, epochs: int) -> int:
    """How many may be trained to the end when all got `first` epochs and `epochs` are to be used in all; at least one."""
    return max(1, (epochs - first * len(order)) // (sweep.epochs - first))


@dataclass(frozen=True)
class Measured:
    """What replays found.

    Attributes:
        names: of the rules.
        regret: points, ``(num_rules, num_sweeps, num_replays)``.
        saved: share of epochs, of the same shape.
        beside: regret less that of "e epochs, top k" with as many epochs as the rule itself took, by e: 1 epoch, and 20 % of the training.
    """

    names: tuple[str, ...]
    regret: Array
    saved: Array
    beside: dict[str, Array]


def measure(sweeps: Sequence[Sweep], compared: Sequence[Rule], replays: int) -> Measured:
    """Replay every sweep under every rule, on the same draws."""
    regret = np.zeros((len(compared), len(sweeps), replays))
    saved = np.zeros_like(regret)
    beside = {"1 epoch": np.zeros_like(regret), "20 %": np.zeros_like(regret)}
    for place, sweep in enumerate(sweeps):
        first = {"1 epoch": 1, "20 %": max(2, round(sweep.epochs / 5))}
        for draw in range(replays):
            size = min(DRAWN, math.ceil(len(sweep.holds) * 2 / 3))
            order = np.random.default_rng([place, draw]).permutation(len(sweep.holds))[:size].tolist()
            best = sweep.holds[order].max()
            for number, rule in enumerate(compared):
                winners, epochs = rule.run(sweep, order, np.random.default_rng([place, draw, number]))
                held = sweep.holds[winners].max()
                regret[number, place, draw] = 100 * (best - held)
                saved[number, place, draw] = 1 - epochs / (len(order) * sweep.epochs)
                for name, begin in first.items():
                    baseline, _ = keep_top(sweep, order, begin, as_many(sweep, order, begin, epochs))
                    beside[name][number, place, draw] = 100 * (sweep.holds[baseline].max() - held)
    return Measured(tuple(rule.name for rule in compared), regret, saved, beside)


def print_table(title: str, found: Measured) -> dict[str, Any]:
    """Print the means with their intervals; the same as plain data."""
    print(f"{title}\n  {'rule':36} {'regret, points':>20} {'95th':>6} {'saved':>7} {'less 1 epoch, top k':>24} {'less 20 %, top k':>24}")
    document = {}
    for number, name in enumerate(found.names):
        mean, low, high = interval(found.regret[number])
        worst, saved = float(np.quantile(found.regret[number], 0.95)), float(found.saved[number].mean())
        differences = {of: interval(values[number]) for of, values in found.beside.items()}
        told = "".join(f" {d:+8.2f} [{a:+5.2f}, {b:+5.2f}]" for d, a, b in differences.values())
        print(f"  {name:36} {mean:5.2f} [{low:5.2f}, {high:5.2f}] {worst:6.2f} {saved:7.1%}{told}")
        document[name] = {"regret": [mean, low, high], "regret_95th": worst, "saved": saved, "less_top_k": differences}
    print(flush=True)
    return document


def print_by_sweep(sweeps: Sequence[Sweep], found: Measured) -> None:
    """Mean regret and share of epochs saved of each rule on each sweep."""
    print("regret in points and epochs saved, by sweep\n  " + " " * 36 + "".join(f"{sweep.name:>16}" for sweep in sweeps))
    for number, name in enumerate(found.names):
        cells = zip(found.regret[number].mean(axis=1), found.saved[number].mean(axis=1), strict=True)
        print(f"  {name:36}" + "".join(f"{regret:9.2f} {saved:6.0%}" for regret, saved in cells))


def interval(values: Array) -> tuple[float, float, float]:
    """Mean of ``(num_sweeps, num_replays)`` with a bootstrap interval over sweeps and, in each, replays."""
    generator = np.random.default_rng(0)
    sweeps, replays = values.shape
    rows = generator.integers(0, sweeps, (BOOTSTRAPS, sweeps, 1))
    means = values[rows, generator.integers(0, replays, (BOOTSTRAPS, sweeps, replays))].mean(axis=(1, 2))
    return float(values.mean()), float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


if __name__ == "__main__":
    main()
