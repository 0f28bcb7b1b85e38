"""How well the flags hold on curves that nobody has seen: nested cross-validation by source, next to other rules, and simulations.

    python benchmarks/flags.py [CURVES.json ...] [--choose] [--simulations N] [--bootstrap N]

CURVES.json is a list of curves in the format of ``tests/data/labelled_curves.json``; without one both labelled files of ``tests/data`` are read.
Everything that is chosen (figures, thresholds, noise level) is chosen anew without the source that is judged: those figures count. Beside them
stands what the shipped rules say on the same curves, which they were chosen on. ``--choose`` prints the shipped rules' constants.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from flag_futures import FUTURES, cut_at, futures, persistence
from flag_search import FAMILIES, Problem, Table, as_run, calibrate, choose, rule_of, tabulate, verdicts

from reports.flags import find_flags
from reports.stability import level, stable

if TYPE_CHECKING:
    from reports.flags.rule import Rule

FLAGS = ("oscillating", "spiking", "collapsed", "diverging", "overfitting", "unfinished")
METRICS = ("val_accuracy", "accuracy", "val_loss", "loss")
DATA = Path(__file__).parents[1] / "tests" / "data"
FEWEST_POSITIVES = 20
SD_GRID = np.geomspace(0.003, 0.1, 40)
TURN_GRID = np.linspace(0.2, 1.0, 41)

Curve = dict[str, Any]
Verdict = np.ndarray


def published_rule(values: np.ndarray, threshold: float = 0.03, share: float = 0.2) -> bool:
    """AUTOTRAINER's oscillation rule on validation accuracy: the i-th local maximum exceeds the i-th local minimum often enough.

    Source: Zhang et al., ICSE 2021: difference at least .03, for at least a fifth of the epochs.
    """
    inner, before, after = values[1:-1], values[:-2], values[2:]
    highs = inner[(inner >= before) & (inner >= after)]
    lows = inner[(inner <= before) & (inner <= after)]
    pairs = min(highs.size, lows.size)
    return bool((highs[:pairs] - lows[:pairs] >= threshold).sum() >= share * values.size)


def late_sd(values: np.ndarray) -> float:
    """Standard deviation of the second half."""
    return float(np.std(values[values.size // 2 :]))


def turning_share(values: np.ndarray) -> float:
    """Share of epochs of the second half at which the curve changes direction."""
    steps = np.diff(values[values.size // 2 :])
    return float(np.mean(steps[1:] * steps[:-1] < 0)) if steps.size > 1 else 0.0


def source(curve: Curve) -> str:
    """Where a curve comes from: the repository or thread."""
    return str(curve["source"]).split("@")[0].split("#")[0].split(":", 2)[1] if ":" in curve["source"] else str(curve["source"])


def f1(truth: Verdict, said: Verdict) -> tuple[float, float, float]:
    """Precision, recall and F1 of boolean arrays; NaN where undefined."""
    hits = float((truth & said).sum())
    precision = hits / said.sum() if said.any() else float("nan")
    recall = hits / truth.sum() if truth.any() else float("nan")
    total = truth.sum() + said.sum()
    return precision, recall, 2 * hits / total if total else float("nan")


def bootstrap(truth: Verdict, verdicts: list[Verdict], groups: np.ndarray, repeats: int) -> np.ndarray:
    """F1 of each verdict over resampled sources, ``(repeats, num_verdicts)``: sources are drawn, not curves."""
    rng = np.random.default_rng(0)
    names = np.unique(groups)
    members = [np.flatnonzero(groups == name) for name in names]
    drawn = []
    for _ in range(repeats):
        chosen = np.concatenate([members[i] for i in rng.integers(0, names.size, names.size)])
        drawn.append([f1(truth[chosen], said[chosen])[2] for said in verdicts])
    return np.array(drawn)


def cross_validated(scores: np.ndarray, truth: Verdict, groups: np.ndarray, grid: np.ndarray) -> Verdict:
    """Verdicts of "score at least t", t chosen on the other sources by F1 (the middle of the best)."""
    said = np.zeros(truth.size, dtype=bool)
    for name in np.unique(groups):
        held = groups == name
        fits = np.array([f1(truth[~held], scores[~held] >= t)[2] for t in grid])
        best = grid[fits >= np.nanmax(fits) - 1e-12]
        said[held] = scores[held] >= best[best.size // 2]
    return said


@dataclass(frozen=True)
class Judgement:
    """What rules chosen without a curve's source say of it.

    Attributes:
        said: flag to verdicts ``(num_curves,)``.
        margins: flag to how far inside the rule each curve is, ``(num_curves,)``.
        early: the same of the first 60 % of every curve, for the flags that warn of what comes.
        early_margins: margins of those.
        families: flag to how often each family was chosen, by its number.
    """

    said: dict[str, Verdict]
    margins: dict[str, np.ndarray]
    early: dict[str, Verdict]
    early_margins: dict[str, np.ndarray]
    families: dict[str, dict[int, int]]


class Nested:
    """Chooses every flag's rule on some of the sources and judges curves with it."""

    def __init__(self, curves: list[Curve]) -> None:
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

    def judge(self, curves: list[Curve]) -> Judgement:
        """Judge every curve by rules chosen on the other sources."""
        size = len(curves)
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
        said, said_early = ({flag: of[flag] >= 0.0 for flag in FLAGS} for of in (margins, early))
        return Judgement(said, margins, said_early, early, families)


def judge_row(table: Table, index: int, rules: dict[str, Rule]) -> dict[str, float]:
    """Every flag's margin on one curve."""
    declines = rules["diverging"].margin(table.row(index, declines=False)) >= 0.0
    row = table.row(index, declines=declines)
    margins = {flag: rule.margin(row) for flag, rule in rules.items()}
    if declines:
        margins["spiking"] = -1.0
    return margins


def leave_source_out(margins: np.ndarray, agreed: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Probability of each curve, calibrated on the nested margins of the other sources."""
    chance = np.empty(margins.size)
    for name in np.unique(groups):
        held = groups == name
        intercept, slope = calibrate(margins[~held], agreed[~held])
        chance[held] = 1.0 / (1.0 + np.exp(-intercept - slope * margins[held]))
    return chance


def agreed(curves: list[Curve], flag: str) -> np.ndarray:
    """Whether readers called each curve so: 1, 0, and a half for a borderline."""
    return np.array([{"yes": 1.0, "no": 0.0, "borderline": 0.5}[of["labels"][flag]] for of in curves])


def judged(curves: list[Curve], flag: str, borderline: str) -> tuple[list[int], Verdict]:
    """Indices and truth of the curves that count, borderlines left out or taken as yes or no."""
    keep = [i for i, of in enumerate(curves) if of["labels"][flag] != "borderline" or borderline != "excluded"]
    return keep, np.array(
        [curves[i]["labels"][flag] == "yes" or (curves[i]["labels"][flag] == "borderline" and borderline == "as yes") for i in keep]
    )


def shipped(curves: list[Curve]) -> list[set[str]]:
    """Names of the flags that the product raises on each curve."""
    return [
        {flag.name for flag in find_flags({m: of[m] for m in METRICS if of.get(m)}, num_val=of["num_val"], num_classes=of["num_classes"])}
        for of in curves
    ]


def agreement(curves: list[Curve], nested: Judgement, groups: np.ndarray, repeats: int) -> None:
    """Print precision, recall and F1 of every flag, nested first, and of the other rules for oscillation."""
    found = shipped(curves)
    print(f"{len(curves)} curves of {np.unique(groups).size} sources; intervals: 95 % bootstrap by source")
    print("NESTED: rules chosen without the curve's source (borderlines excluded)")
    for flag in FLAGS:
        keep, truth = judged(curves, flag, "excluded")
        few = "; fewer than 20 positives, no verdict" if truth.sum() < FEWEST_POSITIVES else ""
        chance = leave_source_out(nested.margins[flag], agreed(curves, flag), groups)
        said = nested.said[flag]
        told = f"flagged: told {chance[said].mean():.2f}, were {agreed(curves, flag)[said].mean():.2f}" if said.any() else ""
        show(flag, truth, said[keep], groups[keep], repeats, f"{int(truth.sum())} positives{few}; {told}")
    print("IN SAMPLE: the shipped rules on the curves they were chosen on")
    for flag in FLAGS:
        for borderline in ("excluded", "as yes", "as no"):
            if borderline != "excluded" and not any(of["labels"][flag] == "borderline" for of in curves):
                continue
            keep, truth = judged(curves, flag, borderline)
            said = np.array([flag in found[i] for i in keep])
            show(f"{flag} (borderlines {borderline})", truth, said, groups[keep], repeats, f"{int(truth.sum())} positives")
    compare(curves, nested.said["oscillating"], groups, repeats)
    both = [of["id"] for of, names in zip(curves, found, strict=True) if {"oscillating", "noisy_validation"} <= names]
    print(f"oscillating, where images drawn anew each epoch would explain it: {', '.join(both) or 'none'}")


def show(name: str, truth: Verdict, said: Verdict, groups: np.ndarray, repeats: int, note: str = "") -> None:
    """Print one line of agreement."""
    precision, recall, score = f1(truth, said)
    low, high = np.nanquantile(bootstrap(truth, [said], groups, repeats)[:, 0], [0.025, 0.975]) if truth.any() else (float("nan"),) * 2
    print(f"  {name:42s} P {precision:.3f}  R {recall:.3f}  F1 {score:.3f} [{low:.3f}, {high:.3f}]  {note}")


def compare(curves: list[Curve], nested: Verdict, groups: np.ndarray, repeats: int) -> None:
    """Print the other rules for oscillation and the paired difference to the published one."""
    keep, truth = judged(curves, "oscillating", "excluded")
    values = [np.array(curves[i]["val_accuracy"], dtype=np.float64) for i in keep]
    published = np.array([published_rule(v) for v in values])
    rules = {
        "ours, nested": nested[keep],
        "AUTOTRAINER's published rule": published,
        "standard deviation, by CV over sources": cross_validated(np.array([late_sd(v) for v in values]), truth, groups[keep], SD_GRID),
        "direction changes, by CV over sources": cross_validated(
            np.array([turning_share(v) for v in values]), truth, groups[keep], TURN_GRID
        ),
    }
    print("oscillating, other rules on the same curves (borderlines excluded):")
    for name, said in rules.items():
        show(name, truth, said, groups[keep], repeats)
    difference("ours minus AUTOTRAINER", truth, nested[keep], published, groups[keep], repeats)


def difference(name: str, truth: Verdict, ours: Verdict, theirs: Verdict, groups: np.ndarray, repeats: int) -> None:
    """Print the difference of two rules' F1 with its paired interval."""
    drawn = bootstrap(truth, [ours, theirs], groups, repeats)
    low, high = np.nanquantile(drawn[:, 0] - drawn[:, 1], [0.025, 0.975])
    print(f"  {name}, paired bootstrap by source: {f1(truth, ours)[2] - f1(truth, theirs)[2]:+.3f} [{low:+.3f}, {high:+.3f}]")


def foresight(curves: list[Curve], nested: Judgement, groups: np.ndarray, repeats: int) -> None:
    """Print how well the flags at 60 % of each curve say what the rest does, next to simpler forecasts."""
    came = [futures(of) for of in curves]
    lasted = [persistence(of) for of in curves]
    print("WITHOUT READERS: the flag at 60 % of the epochs against what the rest does; rules nested as above")
    for flag, future in FUTURES.items():
        truth = np.array([each[future] for each in came])
        chance = leave_source_out(nested.early_margins[flag], truth.astype(np.float64), groups)
        base = np.array([truth[groups != group].mean() for group in groups])
        brier, plain = float(np.mean((chance - truth) ** 2)), float(np.mean((base - truth) ** 2))
        show(f"{flag}: the rest {future}", truth, nested.early[flag], groups, repeats, f"{int(truth.sum())} do")
        show("  it goes on as it was", truth, np.array([each[future] for each in lasted]), groups, repeats)
        if flag == "oscillating":
            published = np.array([published_rule(np.array(of["val_accuracy"][: cut_at(of)])) for of in curves])
            show("  AUTOTRAINER's published rule", truth, published, groups, repeats)
            difference("  ours minus AUTOTRAINER", truth, nested.early[flag], published, groups, repeats)
        bins = [(low, low + 0.25) for low in (0.0, 0.25, 0.5, 0.75)]
        parts = [(chance[m].mean(), truth[m].mean(), m.sum()) for low, high in bins if (m := (chance >= low) & (chance <= high)).any()]
        told = ", ".join(f"{said:.2f} told {was:.2f} came ({count})" for said, was, count in parts)
        print(f"    Brier score {brier:.3f}, the base rate's {plain:.3f}; probability calibrated on other sources: {told}")


def across_files(curves: list[Curve], files: np.ndarray, nested: Nested, repeats: int) -> None:
    """Print how rules chosen on one file's sources alone do on the other files: half the data to choose from, and none of it judged."""
    for number in np.unique(files):
        chosen_on = files == number
        training = np.array([chosen_on[nested.groups == name].all() for name in nested.names])
        rules = {flag: rule for flag, (_, rule) in nested.rules(training).items()}
        others = np.flatnonzero(~chosen_on & ~np.isin(nested.groups, nested.names[training]))
        print(f"CHOSEN ON FILE {number + 1} ALONE ({chosen_on.sum()} curves), judged on the others ({others.size})")
        said = {int(i): judge_row(nested.table, int(i), rules) for i in others}
        for flag in FLAGS:
            keep, truth = judged(curves, flag, "excluded")
            held = [(i, of) for i, of in zip(keep, truth, strict=True) if i in said]
            verdict = np.array([said[i][flag] >= 0.0 for i, _ in held])
            wanted = np.array([of for _, of in held])
            show(flag, wanted, verdict, nested.groups[[i for i, _ in held]], repeats, f"{int(wanted.sum())} positives")


def choices(nested: Nested, judgement: Judgement, curves: list[Curve]) -> None:
    """Print the rules chosen on all sources, calibrated on nested margins: the constants of the flags' own files."""
    print("CHOSEN on all sources; intercept and slope from the nested margins; families chosen without each source")
    for flag, (number, rule) in nested.rules(np.ones(nested.names.size)).items():
        intercept, slope = calibrate(judgement.margins[flag], agreed(curves, flag))
        print(f"  {flag}: family {number}, without a source {judgement.families[flag]}")
        print(f"    {replace(rule, intercept=round(intercept, 2), slope=round(slope, 2))}")


def levels(curves: list[Curve]) -> None:
    """Print how far level and its rivals are from what people read, and how often later epochs fall below stable."""
    truth = np.array([of["holds"] for of in curves])
    swings = np.array([of["labels"]["oscillating"] == "yes" for of in curves])
    figures = {"level": level, "best": np.max, "last": lambda v: v[-1], "mean of the last five": lambda v: np.mean(v[-5:])}
    print("mean absolute error against `holds`: all curves, oscillating ones")
    for name, figure in figures.items():
        errors = np.abs(np.array([float(figure(np.array(of["val_accuracy"]))) for of in curves]) - truth)
        print(f"  {name:42s} {errors.mean():.4f}  {errors[swings].mean() if swings.any() else float('nan'):.4f}")
    below = []
    for of in curves:
        values = np.array(of["val_accuracy"])
        seen = max(1, int(0.7 * values.size))
        if seen < values.size:
            below.append(np.mean(values[seen:] < stable(values[:seen]) - 1e-12))
    print(f"last 30 % of epochs below `stable` of the first 70 %: {np.mean(below):.1%}")


def simulated(rng: np.random.Generator, expected: np.ndarray, num_val: int, *, paired: bool) -> np.ndarray:
    """A curve whose expectation is given: images drawn anew each epoch, or the same ones of which a third is redrawn."""
    if not paired:
        return rng.binomial(num_val, expected) / num_val
    fate = rng.random(num_val)
    curve = np.empty(expected.size)
    for epoch, share in enumerate(expected):
        fate = np.where(rng.random(num_val) < 1 / 3, rng.random(num_val), fate)
        curve[epoch] = (fate < share).mean()
    return curve


def simulation(repeats: int) -> None:
    """Print the share of steady curves flagged oscillating, and of swings found."""
    rng = np.random.default_rng(1)
    print(f"flagged oscillating, {6 * repeats} steady curves a row (flat and rising, accuracy .6, .9, .98):")
    print(
        "  the same images every epoch, a third redrawn; images drawn anew each epoch: without and with the word that they may explain it"
    )
    for epochs in (10, 30, 100):
        rise = np.exp(-np.arange(epochs) / max(2.0, epochs / 6))
        for num_val in (50, 200, 1000, 10_000):
            fixed, anew = (
                [
                    _raised(simulated(rng, top - (top - 0.3) * rise * rising, num_val, paired=paired), num_val)
                    for top in (0.6, 0.9, 0.98)
                    for rising in (0, 1)
                    for _ in range(repeats if not paired else max(1, repeats // 5))
                ]
                for paired in (True, False)
            )
            paired_share = float(np.mean(["oscillating" in names for names in fixed]))
            alone = float(np.mean(["oscillating" in names and "noisy_validation" not in names for names in anew]))
            both = float(np.mean([{"oscillating", "noisy_validation"} <= names for names in anew]))
            print(f"  {epochs:4d} epochs {num_val:6d} images   {paired_share:.2%}   {alone:.2%}   {both:.2%}")
    print("found, alternation of two standard deviations peak to peak over 30 epochs")
    for num_val in (50, 200, 1000, 10_000):
        expected = 0.8 + np.sqrt(0.16 / num_val) * (-1.0) ** np.arange(30)
        found = np.mean(["oscillating" in _raised(simulated(rng, expected, num_val, paired=False), num_val) for _ in range(2 * repeats)])
        print(f"  {num_val:6d} images   {found:.1%}")


def _raised(curve: np.ndarray, num_val: int) -> set[str]:
    return {flag.name for flag in find_flags({"val_accuracy": curve}, num_val=num_val)}


def main(arguments: list[str] | None = None) -> int:
    """Print everything; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("curves", type=Path, nargs="*", help="labelled curves (JSON); both files of tests/data where none is given")
    parser.add_argument("--choose", action="store_true", help="print the constants of the shipped rules as well")
    parser.add_argument("--simulations", type=int, default=200, help="curves for each shape, level and size; 0 for none")
    parser.add_argument("--bootstrap", type=int, default=2000, help="resamples for each interval")
    chosen = parser.parse_args(arguments)
    files = chosen.curves or [DATA / "labelled_curves.json", DATA / "labelled_curves_2.json"]
    by_file = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    curves = [curve for of_file in by_file for curve in of_file]
    search = Nested(curves)
    nested = search.judge(curves)
    agreement(curves, nested, search.groups, chosen.bootstrap)
    foresight(curves, nested, search.groups, chosen.bootstrap)
    if len(files) > 1:
        across_files(curves, np.repeat(np.arange(len(files)), [len(of_file) for of_file in by_file]), search, chosen.bootstrap)
    if chosen.choose:
        choices(search, nested, curves)
    levels(curves)
    if chosen.simulations > 0:
        simulation(chosen.simulations)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
