"""How well the flags hold on curves that nobody has seen: nested cross-validation by source, next to other rules, and simulations.

    python benchmarks/flags.py [CURVES.json ...] [--choose] [--no-tabular] [--simulations N] [--bootstrap N]

CURVES.json is a list of curves in the format of ``tests/data/labelled_curves.json``; without one both labelled files of ``tests/data`` are read.
Everything that is chosen (figures, thresholds, noise level) is chosen anew without the source that is judged: those figures count. Beside them
stands what the shipped rules say on the same curves, which they were chosen on. ``--choose`` prints the shipped rules' constants.
The truth without readers adds the trainings of the tabular study (``benchmarks/tabular``), nested by space.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
from flag_agreement import cross_validated, difference, late_sd, published_rule, show, turning_share
from flag_curves import METRICS, labelled_files, read_curves, tabular_curves
from flag_forecasts import foresight
from flag_nested import FLAGS, Judgement, Nested, judge_row, leave_source_out
from flag_search import calibrate

from reports import stability
from reports.flags import find_flags
from reports.stability import level, stable

if TYPE_CHECKING:
    from flag_agreement import Verdict
    from flag_curves import Curve

FEWEST_POSITIVES = 20
SD_GRID = np.geomspace(0.003, 0.1, 40)
TURN_GRID = np.linspace(0.2, 1.0, 41)
FEW_CURVES = 12
LEVEL_CONSTANTS = {
    "ERROR_TIME_CONSTANT": (5.0, 10.0, 20.0),
    "FALL_TIME_CONSTANT": (1.5, 3.0, 6.0),
    "PARITY_TIME_CONSTANT": (3.0, 6.0, 12.0),
}
"""Constants of `reports.stability.level` that are chosen."""


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


def levels(curves: list[Curve], groups: np.ndarray) -> None:
    """Print how far level and its rivals are from what people read, and how often later epochs fall below stable."""
    truth = np.array([of["holds"] for of in curves])
    swings = np.array([of["labels"]["oscillating"] == "yes" for of in curves])
    values = [np.array(of["val_accuracy"]) for of in curves]
    figures = {"level": level, "best": np.max, "last": lambda v: v[-1], "mean of the last five": lambda v: np.mean(v[-5:])}
    print("mean absolute error against `holds`: all curves, oscillating ones")
    errors = {"level, constants chosen without the source": _nested_level(values, truth, groups)}
    errors |= {name: np.abs(np.array([float(figure(v)) for v in values]) - truth) for name, figure in figures.items()}
    for name, error in errors.items():
        print(f"  {name:42s} {error.mean():.4f}  {error[swings].mean() if swings.any() else float('nan'):.4f}")
    own = np.sort(errors["level"])[::-1]
    print(
        f"  of the level's error the {FEW_CURVES} worst of {own.size} curves have {own[:FEW_CURVES].sum() / own.sum():.0%}; median {np.median(own):.4f}"
    )
    below = []
    for v in values:
        seen = max(1, int(0.7 * v.size))
        if seen < v.size:
            below.append(np.mean(v[seen:] < stable(v[:seen]) - 1e-12))
    print(f"last 30 % of epochs below `stable` of the first 70 %: {np.mean(below):.1%}")


def _nested_level(values: list[np.ndarray], truth: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Errors of level with its constants chosen by the mean error on the other sources, ``(num_curves,)``."""
    every = []
    for constants in itertools.product(*LEVEL_CONSTANTS.values()):
        with patch.multiple(stability, **dict(zip(LEVEL_CONSTANTS, constants, strict=True))):
            every.append(np.abs(np.array([level(v) for v in values]) - truth))
    errors, chosen = np.array(every), np.empty(truth.size)
    for name in np.unique(groups):
        held = groups == name
        chosen[held] = errors[errors[:, ~held].mean(axis=1).argmin(), held]
    return chosen


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
    parser.add_argument("--no-tabular", dest="tabular", action="store_false", help="leave out the tabular study")
    parser.add_argument("--simulations", type=int, default=200, help="curves for each shape, level and size; 0 for none")
    parser.add_argument("--bootstrap", type=int, default=2000, help="resamples for each interval")
    chosen = parser.parse_args(arguments)
    files = chosen.curves or labelled_files()
    by_file = [read_curves(file) for file in files]
    curves = [curve for of_file in by_file for curve in of_file]
    search = Nested(curves)
    nested = search.judge()
    agreement(curves, nested, search.groups, chosen.bootstrap)
    foresight(curves, tabular_curves() if chosen.tabular else [], search, nested, chosen.bootstrap)
    if len(files) > 1:
        across_files(curves, np.repeat(np.arange(len(files)), [len(of_file) for of_file in by_file]), search, chosen.bootstrap)
    if chosen.choose:
        choices(search, nested, curves)
    levels(curves, search.groups)
    if chosen.simulations > 0:
        simulation(chosen.simulations)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
