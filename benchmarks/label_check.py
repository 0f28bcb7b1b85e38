"""How often "look at its label" points at a label that is wrong, and how often a near-duplicate is one, on digits whose labels and images were spoilt on purpose.

    python benchmarks/label_check.py [--seeds 5]

Each seed: 1,797 digits, 1,300 of them for training; 5 % of all labels become another one at random; every twentieth validation image becomes a copy of a training image
with other brightness and noise. A sweep of four configurations runs, and `sweeps.launch` looks at the images as at the end of every study.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

SWEEP = """
study: digits
storage: sqlite:///{folder}/digits.db
storage_path: {folder}/runs
data: {{source: {folder}/digits.npz}}
model: {{backbone: plain_cnn, options: {{filters: [16], kernel: 3, dropout: 0.0}}}}
training: {{epochs: 14, batch_size: 50, learning_rate: 0.01}}
space: {{dropout: {{ordinal: [0.0, 0.2, 0.4, 0.6]}}}}
search: {{trials: 4, sampler: random, pruner: none}}
"""
TRAINED, SPOILT, EVERY = 1300, 0.05, 20


def spoilt_digits(path: Path, seed: int) -> tuple[set[str], set[str], int]:
    """Write the data; returns the validation images with a wrong label, those that are copies, and how many copies of these have another label than the original."""
    from sklearn.datasets import load_digits

    rng = np.random.default_rng(seed)
    images, right = load_digits(return_X_y=True)
    order = rng.permutation(len(right))
    pixels, right = np.rint(images.reshape(-1, 8, 8) * 255 / 16).astype(np.uint8)[order], right[order]
    copies = np.arange(TRAINED, len(right), EVERY)
    sources = rng.choice(TRAINED, len(copies), replace=False)
    changed = pixels[sources] * rng.uniform(0.85, 1.0, (len(copies), 1, 1)) + rng.normal(0, 4, (len(copies), 8, 8))
    pixels[copies], right[copies] = np.clip(np.rint(changed), 0, 255).astype(np.uint8), right[sources]
    labels = right.copy()
    wrong = rng.random(len(right)) < SPOILT
    labels[wrong] = (labels[wrong] + rng.integers(1, 10, wrong.sum())) % 10
    np.savez(path, x_train=pixels[:TRAINED], y_train=labels[:TRAINED], x_val=pixels[TRAINED:], y_val=labels[TRAINED:])
    names = [f"row {row}" for row in range(len(right) - TRAINED)]
    differing = int((labels[copies] != labels[sources]).sum())
    return {names[row] for row in np.flatnonzero(wrong[TRAINED:])}, {names[row - TRAINED] for row in copies}, differing


def main() -> None:
    """Print what was found of each seed, and precision and recall over all."""
    from reports.verdict import build_report_data
    from sweeps.executor.inline import InlineExecutor
    from sweeps.image_look import stored_look
    from sweeps.launch.whole_models import complete_leaders
    from sweeps.record import read_study
    from sweeps.study.running import run_study
    from sweeps.sweep_file import sweep_from_text

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    totals = np.zeros(9, int)
    for seed in range(parser.parse_args().seeds):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            wrong, copies, differing = spoilt_digits(folder / "digits.npz", seed)
            sweep = sweep_from_text(SWEEP.format(folder=folder))
            run_study(sweep, InlineExecutor())
            data = build_report_data(read_study(f"sqlite:///{folder}/digits.db", "digits"))
            complete_leaders(data, sweep, print)
            look = stored_look(data.study)
            if look is None or data.mistakes is None or look.compared_note:
                raise SystemExit(f"nothing was compared: {look}")
            missed = {image.name for image in data.mistakes.missed}
            told = {each.name for each in look.neighbours if each.other}
            twins = {each.name for each in look.neighbours if each.twin} | {each.name for each in look.pairs}
            row = [
                len(wrong),
                len(missed),
                len(missed & wrong),
                len(told),
                len(told & wrong),
                look.twins,
                len(copies),
                look.num_pairs,
                differing,
            ]
            totals += row
            print(
                f"seed {seed}: {row[0]} wrong labels; {row[1]} images missed by most, {row[2]} of them wrong; told {row[3]}, {row[4]} of them wrong; "
                f"near-duplicates {row[5]} found of {row[6]} copies, with other labels {row[7]} found of {row[8]} (limit {look.limit}); "
                f"of the named {len(twins)}, {len(twins & copies)} are copies",
                flush=True,
            )
    print(
        f"labels: precision {totals[4] / totals[3]:.0%} ({totals[4]} of {totals[3]}), recall {totals[4] / totals[0]:.0%} ({totals[4]} of {totals[0]}); "
        f"all missed images: precision {totals[2] / totals[1]:.0%}, recall {totals[2] / totals[0]:.0%}"
    )
    print(f"near-duplicates: {totals[5]} found, {totals[6]} copies; with other labels {totals[7]} found, {totals[8]} there")


if __name__ == "__main__":
    main()
