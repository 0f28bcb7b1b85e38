"""Agreement of the flags with people, next to three other rules, and the simulation of noise and swings.

    python benchmarks/flags.py CURVES.json [--simulations N] [--bootstrap N]

CURVES.json is a list of curves in the format of ``tests/data/labelled_curves.json``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from reports.flags import find_flags
from reports.stability import level, stable

FLAGS = ("oscillating", "spiking", "collapsed", "diverging", "overfitting", "unfinished")
METRICS = ("val_accuracy", "accuracy", "val_loss", "loss")
FEWEST_POSITIVES = 20
SD_GRID = np.geomspace(0.003, 0.1, 40)
TURN_GRID = np.linspace(0.2, 1.0, 41)
MOVEMENT_GRID = np.geomspace(0.004, 0.05, 26)

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


def movement(curve: Curve) -> float:
    """Our amplitude-and-rate figure where noise and repetition allow the flag, else 0: what the threshold is cross-validated on."""
    from reports.flags.oscillating import NOISE_P, measure
    from reports.flags.run_curves import run_curves

    found = measure(run_curves({"val_accuracy": curve["val_accuracy"]}, num_val=curve["num_val"]))
    if found is None or found.noise_p > NOISE_P or not found.lasting:
        return 0.0
    return found.movement if found.drops > 1 else 0.0


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


def judged(curves: list[Curve], flag: str, borderline: str) -> tuple[list[int], Verdict]:
    """Indices and truth of the curves that count, borderlines left out or taken as yes or no."""
    keep = [i for i, of in enumerate(curves) if of["labels"][flag] != "borderline" or borderline != "excluded"]
    return keep, np.array(
        [curves[i]["labels"][flag] == "yes" or (curves[i]["labels"][flag] == "borderline" and borderline == "as yes") for i in keep]
    )


def agreement(curves: list[Curve], repeats: int) -> None:
    """Print precision, recall and F1 of every flag, and of the other rules for oscillation."""
    found = [
        {flag.name for flag in find_flags({m: of[m] for m in METRICS if of.get(m)}, num_val=of["num_val"], num_classes=of["num_classes"])}
        for of in curves
    ]
    groups = np.array([source(of) for of in curves])
    print(f"{len(curves)} curves of {np.unique(groups).size} sources; intervals: 95 % bootstrap by source")
    for flag in FLAGS:
        for borderline in ("excluded", "as yes", "as no"):
            if borderline != "excluded" and not any(of["labels"][flag] == "borderline" for of in curves):
                continue
            keep, truth = judged(curves, flag, borderline)
            said = np.array([flag in found[i] for i in keep])
            few = "; fewer than 20 positives, no verdict" if truth.sum() < FEWEST_POSITIVES else ""
            show(f"{flag} (borderlines {borderline})", truth, said, groups[keep], repeats, f"{int(truth.sum())} positives{few}")
    compare(curves, found, groups, repeats)
    missed = [
        of["id"]
        for of, names in zip(curves, found, strict=True)
        if of["labels"]["oscillating"] == "yes" and "noisy_validation" in names and "oscillating" not in names
    ]
    print(f"labelled oscillating, but explained by the size of the validation set: {', '.join(missed) or 'none'}")


def show(name: str, truth: Verdict, said: Verdict, groups: np.ndarray, repeats: int, note: str = "") -> None:
    """Print one line of agreement."""
    precision, recall, score = f1(truth, said)
    low, high = np.nanquantile(bootstrap(truth, [said], groups, repeats)[:, 0], [0.025, 0.975]) if truth.any() else (float("nan"),) * 2
    print(f"  {name:42s} P {precision:.3f}  R {recall:.3f}  F1 {score:.3f} [{low:.3f}, {high:.3f}]  {note}")


def compare(curves: list[Curve], found: list[set[str]], groups: np.ndarray, repeats: int) -> None:
    """Print the other rules for oscillation and the paired difference to the published one."""
    keep, truth = judged(curves, "oscillating", "excluded")
    values = [np.array(curves[i]["val_accuracy"], dtype=np.float64) for i in keep]
    ours = np.array(["oscillating" in found[i] for i in keep])
    published = np.array([published_rule(v) for v in values])
    rules = {
        "ours, threshold by CV over sources": cross_validated(
            np.array([movement(curves[i]) for i in keep]), truth, groups[keep], MOVEMENT_GRID
        ),
        "AUTOTRAINER's published rule": published,
        "standard deviation, by CV over sources": cross_validated(np.array([late_sd(v) for v in values]), truth, groups[keep], SD_GRID),
        "direction changes, by CV over sources": cross_validated(
            np.array([turning_share(v) for v in values]), truth, groups[keep], TURN_GRID
        ),
    }
    print("oscillating, other rules on the same curves (borderlines excluded):")
    for name, said in rules.items():
        show(name, truth, said, groups[keep], repeats)
    drawn = bootstrap(truth, [ours, published], groups[keep], repeats)
    low, high = np.nanquantile(drawn[:, 0] - drawn[:, 1], [0.025, 0.975])
    print(
        f"  ours minus AUTOTRAINER, paired bootstrap by source: {f1(truth, ours)[2] - f1(truth, published)[2]:+.3f} [{low:+.3f}, {high:+.3f}]"
    )


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
    print(f"flagged oscillating, {6 * repeats} steady curves a row (flat and rising, accuracy .6, .9, .98): independent, paired noise")
    for epochs in (10, 30, 100):
        rise = np.exp(-np.arange(epochs) / max(2.0, epochs / 6))
        for num_val in (50, 200, 1000, 10_000):
            shares = []
            for paired in (False, True):
                flagged = [
                    _oscillates(simulated(rng, top - (top - 0.3) * rise * rising, num_val, paired=paired), num_val)
                    for top in (0.6, 0.9, 0.98)
                    for rising in (0, 1)
                    for _ in range(repeats if not paired else max(1, repeats // 5))
                ]
                shares.append(float(np.mean(flagged)))
            print(f"  {epochs:4d} epochs {num_val:6d} images   {shares[0]:.2%}   {shares[1]:.2%}")
    print("found, alternation of two standard deviations peak to peak over 30 epochs")
    for num_val in (50, 200, 1000, 10_000):
        expected = 0.8 + np.sqrt(0.16 / num_val) * (-1.0) ** np.arange(30)
        found = np.mean([_oscillates(simulated(rng, expected, num_val, paired=False), num_val) for _ in range(2 * repeats)])
        print(f"  {num_val:6d} images   {found:.1%}")


def _oscillates(curve: np.ndarray, num_val: int) -> bool:
    return any(flag.name == "oscillating" for flag in find_flags({"val_accuracy": curve}, num_val=num_val))


def main(arguments: list[str] | None = None) -> int:
    """Print everything; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("curves", type=Path, help="labelled curves (JSON)")
    parser.add_argument("--simulations", type=int, default=200, help="curves for each shape, level and size; 0 for none")
    parser.add_argument("--bootstrap", type=int, default=2000, help="resamples for each interval")
    chosen = parser.parse_args(arguments)
    curves = json.loads(chosen.curves.read_text(encoding="utf-8"))
    agreement(curves, chosen.bootstrap)
    levels(curves)
    if chosen.simulations > 0:
        simulation(chosen.simulations)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
