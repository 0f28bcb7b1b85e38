"""How sure is the belief, and which race is the best: the ranking's probabilities and the confirmation's policy, replayed on the tabular study.

    python benchmarks/race.py                    # the tables of docs/verdict.md; minutes
    python benchmarks/race.py --policies         # ways to choose the next fresh training
    python benchmarks/race.py --price            # what deciding is said to take, and takes
    python benchmarks/race.py --files            # exported files: validation, what is expected elsewhere, test
    python benchmarks/race.py --noise            # what is known of the noise between seeds before any second seed

A replay draws 24 configurations of a space and one training of each: the search. Then fresh trainings follow one by one, where the race sends them.
A training is one of the eight that the tabular study has of the configuration, drawn with replacement: the eight are all that can happen, so that what
is true of a configuration, the mean of the eight, is known exactly. "Test" is the mean of the same eight trainings on the untouched test images. What the
belief knows of the noise between seeds before the first second seed is measured on the seven other spaces.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "tabular")]

from study import load  # noqa: E402 - beside this file

from reports.ranking.belief import NEAR, Contender, Prior, belief  # noqa: E402
from reports.ranking.choice import chosen_elsewhere  # noqa: E402
from reports.ranking.new_training import late_deviations, new_training_interval  # noqa: E402
from reports.ranking.paired import disagreement  # noqa: E402
from reports.ranking.race import FARTHEST, decided, in_race, next_place, trainings_to_decide  # noqa: E402
from reports.stability import stable  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray
    from study import Table

    from reports.ranking.belief import Belief

    Floats = NDArray[np.float64]
    Policy = Callable[[Belief, Sequence[Contender], np.random.Generator], int | None]

BELIEF = import_module("reports.ranking.belief")
CONFIGURATIONS = 24
LEADERS = 8
LOOKS = (0, 4, 8, 16)
"""Fresh trainings after which the belief is looked at; four are 15 % of a search of 24."""
BINS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95, 1.001)


@dataclass(frozen=True)
class Space:
    """What the replays need of a space: arrays of ``(num_configurations, num_seeds)`` first.

    Attributes:
        name: of the space.
        figures: what each training holds.
        test: its accuracy on the test images, mean over the late epochs.
        curves: its validation accuracy, ``(..., num_epochs)``.
        right: share of the late epochs in which each validation image was right, ``(..., num_val)``.
        num_val: validation images.
        common_images: whether all seeds share them.
    """

    name: str
    figures: Floats
    test: Floats
    curves: Floats
    right: Floats
    num_val: int
    common_images: bool

    @classmethod
    def of(cls, table: Table) -> Space:
        """A table of the study."""
        figures = np.apply_along_axis(stable, 2, table.val_accuracy)
        right = table.val_right.mean(axis=2)
        return cls(table.name, figures, table.test_accuracy.mean(axis=2), table.val_accuracy, right, table.num_val, not table.resplit)

    def search(self, draw: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Configurations of a search, and the seed that each is trained with; where seeds have their own images all share one."""
        chosen = draw.choice(len(self.figures), CONFIGURATIONS, replace=False)
        seeds = draw.integers(self.figures.shape[1], size=CONFIGURATIONS)
        return chosen, seeds if self.common_images else np.full(CONFIGURATIONS, seeds[0])

    def paired(self, chosen: NDArray[np.intp], seeds: NDArray[np.intp]) -> float:
        """Noise by paired comparison of the leaders of a search."""
        best = np.argsort(-self.figures[chosen, seeds])[:LEADERS]
        return disagreement(self.right[chosen[best], seeds[best]])


@dataclass(frozen=True)
class Look:
    """The belief after some fresh trainings, beside what is true; shares and points of accuracy of the leader."""

    fresh: int
    best: float
    is_best: float
    near: float
    is_near: float
    test_best: float
    test_near: float
    regret: float
    test_regret: float
    tie: float
    in_tie: float
    bias: float
    covered: float
    width: float


@dataclass
class Evidence:
    """Looks by space, and each contender's (fresh, probability, truth) of being best and near."""

    looks: dict[str, list[Look]] = field(default_factory=dict)
    best: list[tuple[int, float, bool]] = field(default_factory=list)
    near: list[tuple[int, float, bool]] = field(default_factory=list)


def by_race(known: Belief, contenders: Sequence[Contender], _: np.random.Generator) -> int | None:
    """The product's."""
    return next_place(known, contenders)


def closest(known: Belief, contenders: Sequence[Contender], _: np.random.Generator) -> int | None:
    """Leader against the challenger that is least told apart (Jourdan et al., NeurIPS 2022); of the two the one with fewer trainings."""
    counts = np.array([len(each.figures) for each in contenders])
    leader, *others = in_race(known)
    if not others:
        return leader
    rival = min(others, key=lambda i: (known.mean[leader] - known.mean[i]) ** 2 / (1 / counts[leader] + 1 / counts[i]))
    return rival if counts[rival] < counts[leader] else leader


def top_two(known: Belief, contenders: Sequence[Contender], draw: np.random.Generator) -> int | None:
    """Thompson sampling of the best and of another (Russo 2020); of the two the one with fewer trainings."""
    bests = known.draws.argmax(axis=1)
    first = bests[draw.integers(bests.size)]
    others = bests[bests != first]
    second = first if not others.size else others[draw.integers(others.size)]
    places = [int(known.drawn[column]) for column in (first, second)]
    return min(places, key=lambda place: len(contenders[place].figures))


def most_probable(known: Belief, contenders: Sequence[Contender], _: np.random.Generator) -> int | None:  # noqa: ARG001 - a policy
    """The most probable best."""
    return int(known.probability_best.argmax())


def in_turn(known: Belief, contenders: Sequence[Contender], _: np.random.Generator) -> int | None:  # noqa: ARG001 - a policy
    """The four leaders of the search in turn."""
    leaders = sorted(range(len(contenders)), key=lambda i: -contenders[i].search[0])[:4]
    return min(leaders, key=lambda i: len(contenders[i].fresh))


POLICIES: Mapping[str, Policy] = {
    "knowledge gradient (the race)": by_race,
    "leader and closest challenger": closest,
    "top-two Thompson sampling": top_two,
    "most probable best": most_probable,
    "four leaders in turn": in_turn,
}


class Replay:
    """One search and its fresh trainings."""

    def __init__(self, space: Space, draw: np.random.Generator) -> None:
        self.space, self.draw = space, draw
        self.chosen, seeds = space.search(draw)
        self.paired = space.paired(self.chosen, seeds)
        self.seeds = [[int(seed)] for seed in seeds]
        self.truth = space.figures[self.chosen].mean(axis=1)
        self.test = space.test[self.chosen].mean(axis=1)

    @property
    def contenders(self) -> list[Contender]:
        """As the ranking would see them."""
        figures = [tuple(self.space.figures[row, seeds].tolist()) for row, seeds in zip(self.chosen, self.seeds, strict=True)]
        return [Contender(str(i), of[:1], of[1:]) for i, of in enumerate(figures)]

    def believe(self) -> Belief:
        """The belief now."""
        return cast("Belief", belief(self.contenders, num_val=self.space.num_val, paired_sd=self.paired))

    def train(self, place: int) -> None:
        """A fresh training."""
        self.seeds[place].append(int(self.draw.integers(self.space.figures.shape[1])))

    def look(self, known: Belief, fresh: int) -> Look:
        """The belief beside the truth."""
        leader = known.leader
        covered, width = self._interval(known)
        return Look(
            fresh,
            known.probability_best[leader],
            self.truth[leader] == self.truth.max(),
            known.probability_near[leader],
            self.truth[leader] >= self.truth.max() - NEAR,
            self.test[leader] == self.test.max(),
            self.test[leader] >= self.test.max() - NEAR,
            self.truth.max() - self.truth[leader],
            self.test.max() - self.test[leader],
            len(known.may_be_best),
            int(self.truth.argmax()) in known.may_be_best,
            known.mean[leader] - self.truth[leader],
            covered,
            width,
        )

    def _interval(self, known: Belief) -> tuple[float, float]:
        """Share of new trainings' late epochs inside the leader's interval, by how probably one stops there, and its width."""
        leader = known.leader
        curves, seeds = self.space.curves[self.chosen[leader]], self.seeds[leader][1:] or self.seeds[leader]
        figures = self.space.figures[self.chosen[leader], seeds]
        deviations, weights = late_deviations([curves[seed] for seed in seeds], figures.tolist())
        sd = float(np.hypot(known.seed_sd, known.sd[leader]))
        low, high = new_training_interval(float(known.mean[leader]), sd, round(known.seed_freedom), deviations, weights)
        stops = np.exp(-np.arange(11, -1, -1) / 3.0)
        late = curves[:, -12:]
        return float((((late >= low) & (late <= high)).mean(axis=0) * stops).sum() / stops.sum()), high - low


def measure(spaces: Sequence[Space], replays: int, policy: Policy, seed: int = 0) -> Evidence:
    """Replay all spaces, each with what the others say of the noise between seeds."""
    evidence = Evidence()
    for space in spaces:
        _learn([each for each in spaces if each is not space])
        for replay in range(replays):
            draw = np.random.default_rng([seed, replay, sum(space.name.encode())])
            run = Replay(space, draw)
            for fresh in range(max(LOOKS) + 1):
                known = run.believe()
                if fresh in LOOKS:
                    evidence.looks.setdefault(space.name, []).append(run.look(known, fresh))
                    true = run.truth.max() - run.truth
                    evidence.best += [(fresh, p, t == 0.0) for p, t in zip(known.probability_best.tolist(), true, strict=True)]
                    evidence.near += [(fresh, p, t <= NEAR) for p, t in zip(known.probability_near.tolist(), true, strict=True)]
                place = policy(known, run.contenders, draw)
                run.train(known.leader if place is None else place)
    return evidence


def ratios(space: Space, repetitions: int = 40) -> Floats:
    """The standard deviation between seeds of a search's six truly best, in units of the paired and of the binomial noise.

    Returns:
        Logarithms, ``(repetitions, 2)``.
    """
    draw = np.random.default_rng(0)
    found = []
    for _ in range(repetitions):
        chosen, seeds = space.search(draw)
        figures = space.figures[chosen]
        best = np.argsort(-figures.mean(axis=1))[:6]
        between = float(np.sqrt(figures[best].var(axis=1, ddof=1).mean()))
        first = space.figures[chosen, seeds]
        level = float(np.median(first[first >= np.median(first)]))
        found.append((between / space.paired(chosen, seeds), between / np.sqrt(level * (1.0 - level) / space.num_val)))
    return np.log(np.array(found))


def priors(spaces: Sequence[Space]) -> tuple[Prior, Prior]:
    """What the spaces say of the noise between seeds: by pairs, by number of images."""
    found = [ratios(space) for space in spaces]
    centres = np.array([each.mean(axis=0) for each in found])
    spread = centres.var(axis=0, ddof=1) + np.mean([each.var(axis=0) for each in found], axis=0)
    by_pairs, by_number = (Prior(float(np.exp(c)), float(1.0 / (2.0 * v))) for c, v in zip(centres.mean(axis=0), spread, strict=True))
    return by_pairs, by_number


def _learn(spaces: Sequence[Space]) -> None:
    BELIEF.BY_PAIRS, BELIEF.BY_NUMBER = priors(spaces)  # type: ignore[attr-defined]


def means(looks: Sequence[Look], fresh: int) -> Mapping[str, float]:
    """Mean of each figure over looks, in percent or points."""
    chosen = [look for look in looks if look.fresh == fresh]
    return {name: 100.0 * float(np.mean([getattr(look, name) for look in chosen])) for name in Look.__dataclass_fields__}


def over_spaces(evidence: Evidence, fresh: int) -> Mapping[str, float]:
    """The same, all spaces alike."""
    each = [means(looks, fresh) for looks in evidence.looks.values()]
    return {name: float(np.mean([of[name] for of in each])) for name in each[0]}


def medians(evidence: Evidence, fresh: int) -> float:
    """Median size of the tie."""
    return float(np.median([look.tie for looks in evidence.looks.values() for look in looks if look.fresh == fresh]))


def looks_table(evidence: Evidence) -> str:
    """The belief about the leader beside the truth."""
    names = ("fresh", "says best", "is best", "says near", "is near", "best on test", "near on test", "regret", "on test")
    names += ("tie", "best in it", "too high", "interval covers", "width")
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for fresh in LOOKS:
        m = over_spaces(evidence, fresh)
        cells = [f"{m[name]:.0f}" for name in ("best", "is_best", "near", "is_near", "test_best", "test_near")]
        cells += [f"{m[name]:.2f}" for name in ("regret", "test_regret")]
        cells += [f"{m['tie'] / 100:.1f}, half {medians(evidence, fresh):.0f}", f"{m['in_tie']:.0f}", f"{m['bias']:+.2f}"]
        lines.append(f"| {fresh} | {' | '.join(cells)} | {m['covered']:.0f} | {m['width']:.1f} |")
    return "\n".join(lines)


def bins_table(evidence: Evidence) -> str:
    """Of all contenders that were given a probability in a range, how many were; three standard errors would be about one point in the ranges below 20."""
    lines = ["| said | best: mean said | were | of | near: mean said | were | of |", "|---|---|---|---|---|---|---|"]
    for low, high in pairwise(BINS):
        row = [f"{100 * low:.0f} to {min(100, round(100 * high))} %"]
        for said in (evidence.best, evidence.near):
            inside = np.array([(p, was) for fresh, p, was in said if low <= p < high and (p > 0.0)])
            row += [f"{100 * v:.0f} %" for v in inside.mean(axis=0)] + [f"{len(inside):,}"] if len(inside) else ["", "", "0"]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def spaces_table(evidence: Evidence) -> str:
    """Says and is, by space, at each look."""
    lines = ["| space | " + " | ".join(f"best, {n}" for n in LOOKS) + " | " + " | ".join(f"near, {n}" for n in LOOKS) + " | covers, 4 |"]
    lines.append("|---" * (2 * len(LOOKS) + 2) + "|")
    for name, looks in evidence.looks.items():
        at = [means(looks, fresh) for fresh in LOOKS]
        cells = [f"{m['best']:.0f} / {m['is_best']:.0f}" for m in at] + [f"{m['near']:.0f} / {m['is_near']:.0f}" for m in at]
        lines.append(f"| {name} | {' | '.join(cells)} | {at[1]['covered']:.0f} |")
    return "\n".join(lines)


def policies_table(spaces: Sequence[Space], replays: int, seed: int) -> str:
    """Regret and share of choices within half a point of the best, by policy."""
    lines = [
        "| next fresh training to | " + " | ".join(f"regret, {n} | near, {n}" for n in LOOKS[1:]) + " |",
        "|---" * (2 * len(LOOKS) - 1) + "|",
    ]
    for name, policy in POLICIES.items():
        evidence = measure(spaces, replays, policy, seed)
        at = [over_spaces(evidence, fresh) for fresh in LOOKS[1:]]
        lines.append(f"| {name} | " + " | ".join(f"{m['regret']:.2f} | {m['is_near']:.0f} %" for m in at) + " |")
    return "\n".join(lines)


def noise_table(spaces: Sequence[Space]) -> str:
    """Noise between seeds in units of what is known before any second seed, and what images alone make of a difference."""
    lines = [
        "| space | between seeds | by paired comparison | ratio | others say | by number of images | ratio | others say | two configurations by images alone |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for space in spaces:
        own = np.exp(ratios(space).mean(axis=0))
        by_pairs, by_number = priors([each for each in spaces if each is not space])
        best = np.argsort(-space.figures.mean(axis=1))[:12]
        between = np.sqrt(space.figures[best[:6]].var(axis=1, ddof=1).mean())
        lines.append(
            f"| {space.name} | {100 * between:.2f} | {100 * between / own[0]:.2f} | {own[0]:.2f} | {by_pairs.ratio:.2f} | {100 * between / own[1]:.2f} | "
            f"{own[1]:.2f} | {by_number.ratio:.2f} | {_by_images(space, best)} |"
        )
    by_pairs, by_number = priors(spaces)
    lines.append(f"\nAll spaces: {by_pairs}, {by_number}")
    return "\n".join(lines)


def _by_images(space: Space, best: NDArray[np.intp]) -> str:
    """What remains of the difference of two configurations by which images suit them once seeds are averaged out: standard deviation, points."""
    if not space.common_images:
        return "own images"
    right = space.right[best]
    right = right - right.mean(axis=2, keepdims=True)
    images, seeds = right.shape[2], right.shape[1]
    total = right.sum(axis=1)
    own = (np.einsum("in,in->i", total, total) - np.einsum("isn,isn->i", right, right)) / (seeds * (seeds - 1))
    cross = total @ total.T / seeds**2
    variances = [own[i] + own[j] - 2 * cross[i, j] for i in range(len(best)) for j in range(i)]
    return f"{100 * np.sqrt(max(float(np.mean(variances)), 0.0) / (images - 1) / images):.2f}"


def price_table(spaces: Sequence[Space], replays: int, seed: int) -> str:
    """After four fresh trainings: what the race says it will take, and what it takes."""
    said, took = [], []
    for space in spaces:
        _learn([each for each in spaces if each is not space])
        for replay in range(replays):
            run = Replay(space, np.random.default_rng([seed, replay, sum(space.name.encode())]))
            for _ in range(4):
                known = run.believe()
                place = next_place(known, run.contenders)
                run.train(known.leader if place is None else place)
            number = trainings_to_decide(run.contenders, num_val=space.num_val, paired_sd=run.paired)
            used = 0
            while used <= FARTHEST and not decided(known := run.believe()):
                place = next_place(known, run.contenders)
                run.train(known.leader if place is None else place)
                used += 1
            said.append(FARTHEST + 1 if number is None else number)
            took.append(used)
    pairs = np.array([said, took])
    lines = ["| said | replays | took, lower quarter | half | upper quarter | took no more than said |", "|---|---|---|---|---|---|"]
    for low, high in ((0, 1), (1, 11), (11, 31), (31, 101), (101, FARTHEST + 1), (FARTHEST + 1, FARTHEST + 2)):
        inside = pairs[:, (pairs[0] >= low) & (pairs[0] < high)]
        if inside.shape[1]:
            quarters = [f"over {FARTHEST}" if q > FARTHEST else f"{q:.0f}" for q in np.quantile(inside[1], [0.25, 0.5, 0.75])]
            name = "0" if high == 1 else f"over {FARTHEST}" if low > FARTHEST else f"{low} to {high - 1}"
            lines.append(f"| {name} | {inside.shape[1]} | {' | '.join(quarters)} | {100 * (inside[1] <= inside[0]).mean():.0f} % |")
    return "\n".join(lines)


def files_table(tables: Mapping[str, Table], replays: int, seed: int) -> str:
    """Validation accuracy of the leader's exported file, and what is expected of it elsewhere, less its accuracy on the test images, points."""
    lines = ["| space | after the search | expected elsewhere | after four fresh trainings | expected elsewhere |", "|---|---|---|---|---|"]
    everything = []
    for name, table in tables.items():
        space, right, found = Space.of(table), table.val_right, []
        for replay in range(replays):
            run = Replay(space, np.random.default_rng([seed, replay, sum(name.encode())]))
            first = [seeds[0] for seeds in run.seeds]
            row = []
            for fresh in (0, 4):
                for _ in range(fresh):
                    known = run.believe()
                    place = next_place(known, run.contenders)
                    run.train(known.leader if place is None else place)
                leader = run.believe().leader
                configuration, own = run.chosen[leader], sorted(set(run.seeds[leader][1:]))
                files = own or [first[leader]]
                best = max(files, key=lambda of: table.val_correct[configuration, of].max())
                chosen_by = right[run.chosen, first] if not own else right[configuration, own if space.common_images else [best]]
                test = table.test_accuracy_best[configuration, best]
                row += [table.val_accuracy[configuration, best].max() - test, chosen_elsewhere(chosen_by, by_mean=not own) - test]
            found.append(row)
        everything.append(100.0 * np.mean(found, axis=0))
        lines.append(f"| {name} | " + " | ".join(f"{value:+.2f}" for value in everything[-1]) + " |")
    lines.append("| mean | " + " | ".join(f"{value:+.2f}" for value in np.mean(everything, axis=0)) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replays", type=int, default=100, metavar="N", help="of each space; default: 100")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--policies", action="store_true", help="compare ways to choose the next fresh training")
    parser.add_argument("--noise", action="store_true", help="print the noise between seeds")
    parser.add_argument("--price", action="store_true", help="compare the predicted number of trainings with what it takes")
    parser.add_argument("--files", action="store_true", help="compare what is expected of an exported file elsewhere with the test images")
    given = parser.parse_args()
    tables = load()
    spaces = [Space.of(table) for table in tables.values()]
    if given.noise:
        print(noise_table(spaces))
    elif given.policies:
        print(policies_table(spaces, given.replays, given.seed))
    elif given.files:
        print(files_table(tables, given.replays, given.seed))
    elif given.price:
        print(price_table(spaces, given.replays, given.seed))
    else:
        evidence = measure(spaces, given.replays, by_race, given.seed)
        print(looks_table(evidence), bins_table(evidence), spaces_table(evidence), sep="\n\n")


if __name__ == "__main__":
    main()
