"""What a validation set can tell apart, and what a budget is likely to end in: the constants of `reports.verdict.power`, and how far they hold.

    python benchmarks/power.py [--part noise,promise,ties] [--replays 4] [--json FILE]

All on the tabular study; "good" configurations are the better half of a space.

- *noise*: variance between seeds of what a good configuration holds, as image/N + seed: fitted on random subsets of the validation images, extrapolated
  to the 1,000 test images and compared with what was measured there.
- *promise*: the distance from which two configurations are told apart (80 % of the time, 5 % one-sided), by constants of the *other* spaces, and how often
  pairs that far apart are told apart in this space by one training each (and three each), and how often two seeds of one configuration are.
- *ties*: replayed sweeps: so many configurations, one training each, then fresh trainings where the race sends them; how many at the end may be the
  best (5 % and more). The formula's constants are fitted on all spaces, and for the check on the other ones. Noise of a quarter of the variance
  (means of four trainings as one) stands for more images.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path = [str(ROOT), str(ROOT / "benchmarks" / "tabular"), *sys.path[1:]]  # not this folder: its programs are named as our packages are

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from study import Table

    Floats = NDArray[np.float64]

PARTS = ("noise", "promise", "ties")
LATE = 5
SUBSETS = (8, 4, 2)
DRAWS = 40
POWER_Z, LEVEL_Z = 0.8416, 1.6449
MARGIN = 1.1
"""Chosen once so that the promise is kept on average over spaces; `reports.verdict.power` has the same."""
NEAR = 0.12
"""Pairs whose true distance is within this share of the promised one are looked at."""
SIZES, SHARES, MERGED = (12, 24, 48), (0.0, 0.15, 0.5), (1, 4)


@dataclass(frozen=True)
class Noise:
    """Variance between seeds of a space's good configurations.

    Attributes:
        image: of one image; divided by the number of images.
        seed: what more images do not take away.
        held: of what is held on all validation images (*stable*).
        test: of the mean of the last epochs on the test images.
        images, test_images: how many there are.
        resplit: whether each seed draws its own images.
    """

    image: float
    seed: float
    held: float
    test: float
    images: int
    test_images: int
    resplit: bool


def held_of(table: Table) -> Floats:
    """What each training holds, ``(num_configurations, num_seeds)``."""
    from reports.stability import stability

    return np.array([[score.stable for curve in row if (score := stability(curve)) is not None] for row in table.val_accuracy])


def noise_of(table: Table, held: Floats, rng: np.random.Generator) -> Noise:
    """Fit image and seed variance on subsets of the validation images."""
    good = held.mean(axis=1) >= np.median(held.mean(axis=1))
    right = table.val_right[good][:, :, -LATE:].mean(axis=2)
    sizes, variances = [], []
    for share in SUBSETS:
        number = table.num_val // share
        drawn = [right[:, :, rng.choice(table.num_val, number, replace=False)].mean(axis=2) for _ in range(DRAWS)]
        sizes.append(number)
        variances.append(np.mean([each.var(axis=1, ddof=1).mean() for each in drawn]))
    whole = right.mean(axis=2).var(axis=1, ddof=1).mean()
    sizes.append(table.num_val)
    variances.append(whole)
    design = np.column_stack([1.0 / np.array(sizes), np.ones(len(sizes))]) / np.array(variances)[:, None]
    image, seed = np.linalg.lstsq(design, np.ones(len(sizes)), rcond=None)[0]
    kept = held[good].var(axis=1, ddof=1).mean()
    test = table.test_accuracy[good][:, :, -LATE:].mean(axis=2).var(axis=1, ddof=1).mean()
    return Noise(
        float(image * kept / whole),
        float(seed * kept / whole),
        float(kept),
        float(test * kept / whole),
        table.num_val,
        table.num_test,
        table.resplit,
    )


def together(noises: Sequence[Noise]) -> tuple[float, float]:
    """Image and seed variance of spaces whose seeds share their images."""
    shared = [each for each in noises if not each.resplit]
    return float(np.mean([each.image for each in shared])), float(np.mean([each.seed for each in shared]))


def noises() -> tuple[dict[str, Table], dict[str, Floats], dict[str, Noise]]:
    """The spaces, what their trainings hold, and their noise."""
    from study import load

    rng = np.random.default_rng(0)
    tables = load()
    held = {name: held_of(table) for name, table in tables.items()}
    return tables, held, {name: noise_of(table, held[name], rng) for name, table in tables.items()}


def noise_part(found: Mapping[str, Noise]) -> dict[str, Any]:
    """Print the fit and what it says of 1,000 images."""
    print("\nnoise: standard deviation between seeds of what is held, points\n")
    print(
        "| space | images | of it, images alone | seeds alone | both | measured | 1,000 images: from this space | from the others | measured on test |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    ratios = {}
    for name, each in found.items():
        image, seed = together([other for key, other in found.items() if key != name])
        parts = (each.image / each.images, each.seed, each.image / each.images + each.seed, each.held)
        later = (each.image / each.test_images + each.seed, image / each.test_images + seed, each.test)
        texts = " | ".join(f"{100 * math.sqrt(max(0.0, part)):.2f}" for part in (*parts, *later))
        print(f"| {name}{' (own images each seed)' if each.resplit else ''} | {each.images} | {texts} |")
        ratios[name] = math.sqrt(each.held / (image / each.images + seed))
    image, seed = together(list(found.values()))
    print(f"\nconstants: image variance {image:.4f}, seed variance {seed:.6f}")
    print(f"measured over predicted by the other spaces: {', '.join(f'{name} {ratio:.2f}' for name, ratio in ratios.items())}")
    return {"image": image, "seed": seed, "ratios": ratios}


def promise_part(held: Mapping[str, Floats], found: Mapping[str, Noise]) -> dict[str, Any]:
    """How often two configurations that far apart are told apart."""
    rng = np.random.default_rng(1)
    print("\npromise: told apart by one training each (three each), by the constants of the other spaces\n")
    print(
        "| space | images | promised, points | told apart at that distance | three each: promised | told apart | same configuration told apart |"
    )
    print("|---|---|---|---|---|---|---|")
    results: dict[str, Any] = {}
    for name, each in found.items():
        image, seed = together([other for key, other in found.items() if key != name])
        cells: dict[str, Any] = {}
        values = held[name]
        good = values[values.mean(axis=1) >= np.quantile(values.mean(axis=1), 0.25)]
        for trainings in (1, 3):
            distance = MARGIN * (LEVEL_Z + POWER_Z) * math.sqrt(2.0 * (image / each.images + seed) / trainings)
            limit = LEVEL_Z * math.sqrt(2.0 * each.held / trainings)  # the report knows this data's noise
            told = looked = 0
            for first in range(len(good)):
                for second in range(len(good)):
                    gap = good[first].mean() - good[second].mean()
                    if first == second or abs(gap / distance - 1.0) > NEAR:
                        continue
                    a = good[first][rng.integers(values.shape[1], size=(64, trainings))].mean(axis=1)
                    b = good[second][rng.integers(values.shape[1], size=(64, trainings))].mean(axis=1)
                    told, looked = told + int((a - b > limit).sum()), looked + 64
            same = [
                row[i] - row[j] > LEVEL_Z * math.sqrt(2.0 * each.held)
                for row in good
                for i in range(row.size)
                for j in range(row.size)
                if i != j
            ]
            cells[str(trainings)] = {"distance": distance, "told": told / looked if looked else None, "same": float(np.mean(same))}
        results[name] = cells
        one, three = cells["1"], cells["3"]
        texts = [
            f"{100 * of['distance']:.1f} | {'no such pairs' if of['told'] is None else format(of['told'], '.0%')}" for of in (one, three)
        ]
        print(f"| {name} | {each.images} | {texts[0]} | {texts[1]} | {one['same']:.1%} |")
    told = [of["1"]["told"] for of in results.values() if of["1"]["told"] is not None]
    three_told = [of["3"]["told"] for of in results.values() if of["3"]["told"] is not None]
    print(f"\nmean over spaces: {np.mean(told):.0%} with one training each, {np.mean(three_told):.0%} with three (80 % was promised)")
    return results


def replay(values: Floats, number: int, fresh: int, num_val: int, rng: np.random.Generator) -> int:
    """How many may be the best at the end of one replayed sweep; ``values (num_configurations, num_draws)`` are what a training may give."""
    from reports.ranking.belief import Contender, belief
    from reports.ranking.race import in_race, next_contender

    places = rng.choice(len(values), number, replace=False).tolist()
    search = {place: float(rng.choice(values[place])) for place in places}
    more: dict[int, list[float]] = {place: [] for place in places}

    def contenders() -> list[Contender]:
        return [Contender(str(place), (search[place],), tuple(more[place])) for place in places]

    for _ in range(fresh):
        chosen = next_contender(contenders(), num_val=num_val)
        if chosen is None:
            break
        more[int(chosen)].append(float(rng.choice(values[int(chosen)])))
    known = belief(contenders(), num_val=num_val)
    return 1 if known is None else len(in_race(known))


@dataclass(frozen=True)
class Replayed:
    """Replays of one kind of sweep.

    Attributes:
        space: whose trainings were replayed.
        merged: trainings whose mean counts as one.
        number: configurations.
        fresh: trainings after the search.
        ends: of each replay, how many may be the best.
    """

    space: str
    merged: int
    number: int
    fresh: int
    ends: Sequence[int]

    def features(self, image: float, seed: float, images: int) -> list[float]:
        """What the logarithm of the tie is linear in."""
        variance = (image / images + seed) / self.merged
        return [1.0, math.log(self.number), math.log1p(self.fresh), 0.5 * math.log(variance)]


def replays_of(name: str, values: Floats, num_val: int, replays: int, rng: np.random.Generator) -> list[Replayed]:
    """All kinds of sweeps in one space."""
    found = []
    for merged in MERGED:
        means = [values[:, rng.permutation(values.shape[1])[:merged]].mean(axis=1) for _ in range(24)]
        drawn = values if merged == 1 else np.stack(means, axis=1)
        for number in SIZES:
            for share in SHARES:
                fresh = math.ceil(share * number)
                ends = [replay(drawn, number, fresh, num_val * merged, rng) for _ in range(replays)]
                found.append(Replayed(name, merged, number, fresh, ends))
    print(f"({name} replayed)", file=sys.stderr, flush=True)
    return found


def fit_ties(rows: Sequence[Replayed], found: Mapping[str, Noise]) -> Floats:
    """Constants of the formula, from the spaces of `rows`; the noise is what can be foretold of it, by the number of images."""
    image, seed = together([found[name] for name in sorted({row.space for row in rows})])
    design = [row.features(image, seed, found[row.space].images) for row in rows]
    wanted = [float(np.mean(np.log(row.ends))) for row in rows]
    solution: Floats = np.linalg.lstsq(np.array(design), np.array(wanted), rcond=None)[0]
    return solution


def ties_part(held: Mapping[str, Floats], found: Mapping[str, Noise], replays: int) -> dict[str, Any]:
    """Replay sweeps, fit the formula, and check it on the space left out."""
    rng = np.random.default_rng(2)
    rows = [row for name, values in held.items() for row in replays_of(name, values, found[name].images, replays, rng)]
    said = {}
    for name in held:
        image, seed = together([other for key, other in found.items() if key != name])
        constants = fit_ties([row for row in rows if row.space != name], found)
        for row in rows:
            if row.space == name:
                said[name, row.merged, row.number, row.fresh] = float(np.exp(row.features(image, seed, found[name].images) @ constants))
    print(
        "\nties: how many may be the best at the end; quartiles over all spaces, and the formula with the constants of the other spaces\n"
    )
    print(
        "| configurations | fresh trainings | noise | replayed | formula | replays within a factor of 2 of it |\n|---|---|---|---|---|---|"
    )
    errors = []
    for merged, number, share in itertools.product(MERGED, SIZES, SHARES):
        kind = (merged, number, math.ceil(share * number))
        ends = np.array([end for row in rows if (row.merged, row.number, row.fresh) == kind for end in row.ends])
        formula = np.repeat([said[(name, *kind)] for name in held], replays)
        error = np.log(ends / formula)
        errors.append(error)
        low, middle, high = np.quantile(ends, [0.25, 0.5, 0.75])
        noise = "as it is" if merged == 1 else f"1/{merged} of the variance"
        print(
            f"| {number} | {kind[2]} | {noise} | {middle:.0f} ({low:.0f} to {high:.0f}) | {np.median(formula):.1f} | {(abs(error) < math.log(2)).mean():.0%} |"
        )
    low, high = np.exp(np.quantile(np.concatenate(errors), [0.25, 0.75]))
    every = fit_ties(rows, found)
    print(f"\nconstants: {', '.join(f'{value:.3f}' for value in every)}; quartiles of replayed over formula: {low:.2f} and {high:.2f}")
    return {"constants": every.tolist(), "quartiles": [float(low), float(high)], "rows": [asdict(row) for row in rows]}


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", default=",".join(PARTS), help="comma-separated (default: %(default)s)")
    parser.add_argument("--replays", type=int, default=4, help="replayed sweeps of each space, size, budget and noise")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    _, held, found = noises()
    results: dict[str, Any] = {}
    for part in given.part.split(","):
        began = time.perf_counter()
        if part == "noise":
            results[part] = noise_part(found)
        elif part == "promise":
            results[part] = promise_part(held, found)
        else:
            results[part] = ties_part(held, found, given.replays)
        print(f"\n({part}: {time.perf_counter() - began:.0f} s)", flush=True)
    if given.json:
        given.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
