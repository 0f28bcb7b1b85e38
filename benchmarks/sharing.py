"""What sharing work between trials saves: the same trials as a plain Keras script, as ours with ``--no-sharing``, and as ours.

    python benchmarks/sharing.py [--only a b c d e] [--scale 1] [--sample] [--gpu] [--json FILE]

(a) boundary x learning rate x batch size; (b) boundary x BatchNorm momentum x learning rate x dropout; (c) 64 heads on a frozen backbone, linear and with two
hidden layers; (d) heads under random augmentation; (e) the demo's wall time with and without sharing. ResNet50 at 64 pixels, random weights, made images.

Each contender is a process of its own and takes turns with the others, a trial each: the one that is furthest behind runs, the others are stopped. What else
runs on the machine slows all of them alike. Processor seconds are printed too; they hardly depend on it. The ceiling is that of the arithmetic: multiply-adds
of all trials with the frozen part in each step, F + 3 T an image, over those that sharing leaves, 3 T once for trials that differ in BatchNorm momentum alone
(Nautilus, SIGMOD 2022). "With all counted" adds validation, and the frozen part once for all. *Epochs alone* leaves out building, loading and compiling, which
weigh more the smaller the scale. ``--sample``: plain Keras and ``--no-sharing`` train one value of settings on which a training's cost hardly depends.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sharing_modules.turns import MODULES, PLAIN, SHARED, UNSHARED, Figures, command, in_turns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HERE = Path(__file__).resolve().parent
DEMO = HERE.parent / "examples" / "demo"
CONTENDERS = (PLAIN, UNSHARED, SHARED)
CONSTANT = {"frozen_layers": "all", "learning_rate": 1e-3, "batch_size": 32, "dropout": 0.0, "bn_momentum": 0.99, "weight_decay": 0.0}
"""Settings of a trial that a case does not vary."""
EXPONENTS = (-4.0, -3.7, -3.4, -3.1, -2.8, -2.5, -2.2, -2.0)
SLOTS = 8
RATES = tuple(float(f"{10**each:.3g}") for each in EXPONENTS)


@dataclass(frozen=True)
class Case:
    """One comparison.

    Attributes:
        letter: for ``--only``.
        name: for the table.
        aim: times as fast as plain Keras.
        space: values of each setting that is varied; all combinations are trained.
        sample: values of each setting that the other two train with ``--sample``, the first ones; settings that are missing: all.
        dense: hidden layers of the head.
        augmentation: policy.
        epochs: of a trial.
        images: to train on; a quarter as many validate.
        size: pixels a side.
        backbone: of ``keras.applications``.
        gpu: whether on one.
        slots: trials of ours beside each other in one program.
    """

    letter: str
    name: str
    aim: float
    space: Mapping[str, tuple[Any, ...]]
    sample: Mapping[str, int]
    dense: tuple[int, ...] = ()
    augmentation: str = "none"
    epochs: int = 10
    images: int = 1024
    size: int = 64
    backbone: str = "resnet50"
    gpu: bool = False
    slots: int = 1

    @property
    def boundaries(self) -> tuple[str, ...]:
        """Boundaries that are varied."""
        return self.space.get("frozen_layers", ("all",))

    @property
    def trials(self) -> list[dict[str, Any]]:
        """All configurations."""
        return combinations(self.space)

    def sampled_space(self, *, sample: bool) -> dict[str, tuple[Any, ...]]:
        """What plain Keras and ours without sharing train."""
        return {name: values[: self.sample.get(name, len(values))] if sample else values for name, values in self.space.items()}


CASES = (
    Case(
        "a",
        "boundary x learning rate x batch size",
        2.75,
        {
            "frozen_layers": ("conv4_block3_out", "conv4_block6_out", "conv5_block2_out", "all"),
            "learning_rate": (1e-4, 3e-4, 1e-3),
            "batch_size": (32, 16),
        },
        {"learning_rate": 1, "batch_size": 1},
    ),
    Case(
        "b",
        "boundary x BatchNorm momentum x learning rate x dropout",
        8.0,
        {
            "frozen_layers": ("conv4_block5_out", "conv4_block6_out", "conv5_block2_out", "all"),
            "bn_momentum": (0.99, 0.9, 0.5),
            "learning_rate": (1e-4, 1e-3),
            "dropout": (0.2, 0.5),
        },
        {"bn_momentum": 1, "learning_rate": 1, "dropout": 1},
    ),
    Case(
        "c",
        "64 linear heads",
        150.0,
        {"learning_rate": RATES, "dropout": (0.2, 0.0, 0.4, 0.6), "weight_decay": (0.0, 1e-4)},
        {"learning_rate": 2, "dropout": 1, "weight_decay": 1},
        slots=SLOTS,
    ),
    Case(
        "c",
        "64 heads with two hidden layers of 512",
        50.0,
        {"learning_rate": RATES, "dropout": (0.2, 0.0, 0.4, 0.6), "weight_decay": (0.0, 1e-4)},
        {"learning_rate": 2, "dropout": 1, "weight_decay": 1},
        dense=(512, 512),
        slots=SLOTS,
    ),
    Case(
        "d",
        "24 linear heads under light augmentation",
        10.0,
        {"learning_rate": RATES, "dropout": (0.2, 0.0, 0.4)},
        {"learning_rate": 2, "dropout": 1},
        augmentation="light",
        epochs=20,
        slots=SLOTS,
    ),
)
SMOKE = Case(
    "c",
    "two boundaries",
    1.0,
    {"frozen_layers": ("conv_pw_12_relu", "all"), "learning_rate": RATES[:1]},
    {"learning_rate": 1},
    epochs=1,
    images=40,
    size=32,
    backbone="mobilenet",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=("a", "b", "c", "d", "e"), default=["a", "b", "c", "d", "e"])
    parser.add_argument(
        "--scale",
        type=float,
        default=0.25,
        help="of 1,024 images and, by its root, of 10 epochs (20 in d); of the demo's trials, four times that (default: %(default)s, 1 takes hours)",
    )
    parser.add_argument(
        "--sample", action="store_true", help="plain Keras and --no-sharing train some of the trials, which stand for the rest"
    )
    parser.add_argument("--gpu", action="store_true", help="on the first GPU: larger images, batches of 128 in (c) and (d); without (e)")
    parser.add_argument("--smoke", action="store_true", help="so small that the figures mean nothing")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # contenders that are stopped must not outlive this
    cases = [SMOKE] if given.smoke else [scaled(case, given.scale, gpu=given.gpu) for case in CASES if case.letter in given.only]
    written: dict[str, Any] = {}
    for case in cases:
        with tempfile.TemporaryDirectory(prefix="sharing-") as folder:
            written[case.name] = measured(case, Path(folder), sample=given.sample or given.smoke)
    if "e" in given.only and not given.gpu and not given.smoke:
        written["demo"] = demo(given.scale)
    if given.json:
        given.json.write_text(json.dumps(written, indent=2) + "\n")


def scaled(case: Case, scale: float, *, gpu: bool) -> Case:
    """The case with fewer images and epochs, or on a GPU."""
    case = replace(case, images=max(64, round(scale * case.images)), epochs=max(2, round(math.sqrt(scale) * case.epochs)))
    if not gpu:
        return case
    batch = {} if "batch_size" in case.space else {"batch_size": (128,)}
    return replace(case, gpu=True, size=128, images=8 * case.images, space={**case.space, **batch})


def combinations(space: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every point of a space."""
    return [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())]


def measured(case: Case, folder: Path, *, sample: bool) -> dict[str, Any]:
    """Measure a case and print it; its figures."""
    rest = case.sampled_space(sample=sample)
    question = {
        **asdict(case),
        "boundaries": case.boundaries,
        "trials": len(case.trials),
        "sampled_space": rest,
        "sampled": [{**CONSTANT, "dense": case.dense, "augmentation": case.augmentation, **point} for point in combinations(rest)],
        "sampled_trials": len(combinations(rest)),
    }
    path = folder / "case.json"
    path.write_text(json.dumps(question))
    costs = json.loads(subprocess.run(command("make", path), stdout=subprocess.PIPE, text=True, check=True, env=environment(case)).stdout)
    planned = {name: len(case.trials) if name == SHARED else len(combinations(rest)) for name in CONTENDERS}
    found = in_turns(path, planned, environment(case))
    published, counted = ceilings(case, costs["frozen"], costs["head"])
    return printed(case, found, published, counted)


def environment(case: Case) -> dict[str, str]:
    """Of the contenders' processes. This folder is no place to import from: its programs are named as our packages are."""
    paths = os.pathsep.join([str(MODULES), str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    hidden = {} if case.gpu else {"CUDA_VISIBLE_DEVICES": "-1"}
    return {**os.environ, "PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3", **hidden}


def ceilings(case: Case, frozen: Mapping[str, float], head: float) -> tuple[float, float]:
    """How many times faster the arithmetic allows: as published, and with validation and the frozen part once counted.

    Args:
        case: its trials.
        frozen: boundary to the share of the backbone's multiply-adds that is frozen, F; the rest and the head are trained, T.
        head: multiply-adds of the head, in the backbone's.
    """
    validation = 0.25  # images for each that is trained on
    augmented = case.augmentation != "none"
    plain = plain_all = trained = shared_all = 0.0
    trainings = set()
    for trial in case.trials:
        f = frozen[trial.get("frozen_layers", "all")]
        t = 1 - f + head
        plain += f + 3 * t
        plain_all += f + 3 * t + validation * (f + t)
        identity = tuple((name, value) for name, value in trial.items() if name != "bn_momentum")
        shared_all += validation * t * (f < 1 or identity not in trainings)
        if identity not in trainings:
            trainings.add(identity)
            trained += 3 * t
    once = sum(each * ((1.0 if augmented else 1 / case.epochs) + validation / case.epochs) for each in steps(sorted(frozen.values())))
    return plain / trained, plain_all / (trained + shared_all + once)


def steps(depths: Sequence[float]) -> Iterator[float]:
    """What each depth costs when it is computed from the one before."""
    before = 0.0
    for depth in depths:
        yield depth - before
        before = depth


def printed(case: Case, found: Mapping[str, Figures], published: float, counted: float) -> dict[str, Any]:
    """Print a case and give its figures."""
    all_trials = len(case.trials)
    print(
        f"({case.letter}) {case.name}: {case.backbone}, {case.size} px, {case.images} images, {case.epochs} epochs, {all_trials} configurations"
    )
    print(
        f"    {'':20}{'trials':>8}{'wall s':>9}{'CPU s':>9}{'s a trial':>11}{'CPU a trial':>13}{'epochs alone':>14}{'trial-epochs/s':>16}"
    )
    each: dict[str, dict[str, float]] = {}
    for name, figures in found.items():
        number = all_trials if name == SHARED else figures.trials
        own = each[name] = {"wall": figures.wall / number, "CPU": figures.cpu / number}
        if figures.epochs is not None:
            own["epochs alone"] = figures.epochs / number
        alone = f"{own['epochs alone']:.3f}" if figures.epochs is not None else "together"
        print(
            f"    {name:20}{figures.trials:8}{figures.wall:9.1f}{figures.cpu:9.1f}{own['wall']:11.3f}{own['CPU']:13.3f}{alone:>14}{case.epochs / own['wall']:16.3f}"
        )
    ratios = {name: {kind: each[name][kind] / ours for kind, ours in each[SHARED].items()} for name in (PLAIN, UNSHARED)}
    for name, ratio in ratios.items():
        by = ", ".join(f"{value:.2f}x by {kind}" for kind, value in ratio.items())
        print(f"    ours against {name}: {by}{f' (aim {case.aim:g}x)' if name == PLAIN else ''}")
    reached = ratios[PLAIN]
    print(
        f"    ceiling {published:.3g}x, of which {100 * reached['wall'] / published:.0f} % is reached; with all counted {counted:.3g}x, "
        f"{100 * reached['wall'] / counted:.0f} %"
    )
    same, compared, difference = agreement(found[UNSHARED].outcomes, found[SHARED].outcomes)
    print(
        f"    results: {same} of {compared} trials equal those without sharing to the last bit; largest difference of a loss {difference:.2g}"
    )
    sys.stdout.flush()
    return {
        "ratios": ratios,
        "ceiling": published,
        "ceiling, all counted": counted,
        "equal": [same, compared],
        "images": case.images,
        "epochs": case.epochs,
        "contenders": {name: {**asdict(figures), "outcomes": []} for name, figures in found.items()},
    }


def agreement(alone: Sequence[dict[str, Any]], shared: Sequence[dict[str, Any]]) -> tuple[int, int, float]:
    """Trials whose validation losses are the same to the last bit, trials that both have, and the largest relative difference."""
    others = {each["params"]: each["val_loss"] for each in alone}
    pairs = [(others[each["params"]], each["val_loss"]) for each in shared if each["params"] in others]
    largest = max((abs(one - other) / max(abs(one), 1e-12) for pair in pairs for one, other in zip(*pair, strict=True)), default=0.0)
    return sum(one == other for one, other in pairs), len(pairs), largest


def demo(scale: float) -> dict[str, float]:
    """Run the demo with and without sharing; seconds by name."""
    seconds: dict[str, float] = {}
    trials = max(2, round(24 * min(1.0, 4 * scale)))
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")]), "TF_CPP_MIN_LOG_LEVEL": "3"}
    for name, options in ((UNSHARED, ["--no-sharing"]), (SHARED, [])):
        with tempfile.TemporaryDirectory(prefix="sharing-") as folder:
            variables = {**paths, "XDG_CACHE_HOME": folder}  # nothing of an earlier run
            weights = str(Path(folder) / "digits-0-4.weights.h5")
            subprocess.run([sys.executable, str(DEMO / "pretrain.py"), "--output", weights], check=True, capture_output=True, env=variables)
            words = ["run", str(DEMO / "sweep.yaml"), "--quiet", "--set", f"search.trials={trials}", *options]
            began = time.perf_counter()
            subprocess.run([sys.executable, "-m", "sweeps.cli", *words], check=True, capture_output=True, cwd=folder, env=variables)
            seconds[name] = time.perf_counter() - began
    print(
        f"(e) the demo, {trials} trials: {seconds[UNSHARED]:.0f} s with --no-sharing, {seconds[SHARED]:.0f} s with sharing, "
        f"{seconds[UNSHARED] / seconds[SHARED]:.2f}x",
        flush=True,
    )
    return seconds


if __name__ == "__main__":
    main()
