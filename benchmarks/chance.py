"""How often the report names a parameter or a cause where nothing is to be found, and how often it finds what is there.

    python benchmarks/chance.py [--part importance,causes,known,calm] [--studies 200] [--json FILE]

- *importance*: studies of 12, 24 and 48 configurations drawn from each space of the tabular study, one training each. With their parameters shuffled
  over the configurations: in how many studies any parameter stands out (wanted: at most 5 %). As they are: in how many one does (power).
  The same for a sampler that follows its results (Optuna's TPE) on results that are pure noise.
- *causes*: studies whose parameters have nothing to do with their curves: in how many any swinging run is told "tested: Yes" of a usual cause, or any flag
  has a tested parameter (wanted: at most 5 %). Curves are those of the tabular study. Spaces: five continuous parameters, 1,000 configurations; the same
  with a learning rate of which a fifth are near repeats of another configuration at 1.001 times its rate; grids of 48 and 96; a random half of a grid.
- *known*: grids in which one setting makes runs swing, and everything else does not: in how many studies that setting is named.
- *calm*: how far later epochs move less by themselves, and how often one training moves half as much as another of the same configuration: what a
  comparison within one run has to reckon with.

An interval in brackets is Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path = [str(ROOT), str(ROOT / "benchmarks" / "tabular"), *sys.path[1:]]  # not this folder: its programs are named as our packages are

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from study import Table

    from reports.records import ParameterRecord, StudyRecord, TrialRecord

    Floats = NDArray[np.float64]

SIZES = (12, 24, 48)
PARTS = ("importance", "causes", "known", "calm")
CLOSE = 1.001
"""Factor between the rates of two configurations that are all but one."""


def share(hits: int, of: int) -> str:
    """Per cent, with Wilson's interval."""
    z, part = 1.96, hits / of
    middle = (part + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(part * (1 - part) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return f"{100 * part:.1f} % [{100 * max(0.0, middle - half):.1f}, {100 * (middle + half):.1f}]"


@dataclass(frozen=True)
class Space:
    """A space of the tabular study with the records of all its trainings.

    Attributes:
        parameters: of its grid.
        trials: by configuration and seed.
        scored: what each holds, ``(num_configurations, num_seeds)``.
        swings: whether each is flagged oscillating or spiking, likewise.
    """

    table: Table
    parameters: tuple[ParameterRecord, ...]
    trials: Sequence[Sequence[TrialRecord]]


def spaces() -> dict[str, Space]:
    """Every space, its values as labels where they are words and as numbers where they are numbers."""
    from study import load

    from reports.records import ParameterRecord, TrialRecord

    found = {}
    for name, table in load().items():
        parameters = tuple(
            ParameterRecord(
                key, "choice" if any(isinstance(value, str | bool) for value in values) else "ordinal", labels=tuple(map(str, values))
            )
            for key, values in table.grid.items()
        )
        trials = [
            [
                TrialRecord(
                    number=place,
                    configuration=f"{place:x}",
                    role="search",
                    state="COMPLETE",
                    seed=int(seed),
                    params={key: str(settings[key]) for key in table.grid},
                    curves={
                        "val_accuracy": table.val_accuracy[place, column].astype(np.float32),
                        "accuracy": table.train_accuracy[place, column].astype(np.float32),
                    },
                    planned_epochs=table.num_epochs,
                )
                for column, seed in enumerate(table.seeds)
            ]
            for place, settings in enumerate(table.configurations)
        ]
        found[name] = Space(table, parameters, trials)
    return found


def study_of(trials: Sequence[TrialRecord], parameters: Sequence[ParameterRecord], num_val: int, sweep_file: str = "") -> StudyRecord:
    """A finished sweep."""
    from reports.records import StudyRecord

    numbered = tuple(replace(trial, number=number) for number, trial in enumerate(trials))
    return StudyRecord(
        "chance",
        "study",
        "val_accuracy",
        maximize=True,
        trials=numbered,
        parameters=tuple(parameters),
        num_val=num_val,
        sweep_file=sweep_file,
    )


def shuffled(trials: Sequence[TrialRecord], rng: np.random.Generator) -> list[TrialRecord]:
    """The same curves with each other's parameters."""
    order = rng.permutation(len(trials))
    return [replace(trial, params=trials[other].params) for trial, other in zip(trials, order, strict=True)]


def importance(studies: int) -> dict[str, Any]:
    """Headlines by chance and by right."""
    from reports.flags import study_flags
    from reports.ranking import rank
    from reports.verdict.importance import find_importance

    def headline(study: StudyRecord, target: str) -> bool:
        ranking = rank(study, flags=study_flags(study))
        return bool(find_importance(study, ranking, target).standing_out)  # type: ignore[arg-type]

    rng = np.random.default_rng(1)
    found: dict[str, Any] = {}
    print("\nimportance: studies with a headline\n")
    print(
        "| space | configurations | held, shuffled | as they are | oscillation, shuffled | as they are | either, shuffled | as they are |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for size in SIZES:
        sums = np.zeros(6, dtype=int)
        each = max(1, studies // 8)
        for name, space in spaces().items():
            hits = np.zeros(6, dtype=int)
            for _ in range(each):
                places = rng.choice(len(space.trials), size, replace=False)
                real = [space.trials[place][rng.integers(len(space.table.seeds))] for place in places]
                for column, trials in ((1, real), (0, shuffled(real, rng))):
                    study = study_of(trials, space.parameters, space.table.num_val)
                    held, swings = headline(study, "stable"), headline(study, "oscillation")
                    hits[[column, column + 2, column + 4]] += (held, swings, held or swings)
            print(f"| {name} | {size} | " + " | ".join(f"{hit} of {each}" for hit in hits) + " |", flush=True)
            sums += hits
        print(f"| all | {size} | " + " | ".join(share(int(hit), 8 * each) for hit in sums) + " |", flush=True)
        found[str(size)] = dict(
            zip(
                ("null", "power", "null oscillation", "power oscillation", "null either", "power either"),
                (sums / (8 * each)).tolist(),
                strict=True,
            )
        )
    found["tpe"] = _following_noise(studies)
    return found


def _following_noise(studies: int) -> float:
    """A sampler that follows its results moves parameters together with luck: Optuna's TPE on noise."""
    import optuna

    from reports.ranking import rank
    from reports.records import ParameterRecord, TrialRecord
    from reports.verdict.importance import find_importance

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    parameters = (
        ParameterRecord("learning_rate", "float", log=True, low=1e-5, high=1e-2),
        ParameterRecord("dropout", "float", low=0.0, high=0.6),
        ParameterRecord("bn_momentum", "choice", labels=("0.5", "0.9", "0.99")),
        ParameterRecord("frozen_layers", "ordinal", labels=("none", "50%", "75%", "all")),
    )
    hits = 0
    for seed in range(studies):
        rng = np.random.default_rng([seed, 7])
        sampler = optuna.samplers.TPESampler(seed=seed)
        search = optuna.create_study(direction="maximize", sampler=sampler)
        trials = []
        for number in range(24):
            trial = search.ask()
            params = {
                "learning_rate": trial.suggest_float("learning_rate", 1e-5, 1e-2, log=True),
                "dropout": trial.suggest_float("dropout", 0.0, 0.6),
                "bn_momentum": trial.suggest_categorical("bn_momentum", parameters[2].labels),
                "frozen_layers": trial.suggest_categorical("frozen_layers", parameters[3].labels),
            }
            curve = (0.8 + rng.normal(0, 0.02) + rng.normal(0, 0.004, 12)).astype(np.float32)
            search.tell(trial, float(curve[-5:].mean()))
            trials.append(TrialRecord(number, f"c{number}", "search", "COMPLETE", number, params, {"val_accuracy": curve}, 12))
        study = study_of(trials, parameters, 5000)
        hits += bool(find_importance(study, rank(study, flags={}), "stable").standing_out)
    print(f"\n24 configurations that TPE chose by noise: a headline in {share(hits, studies)} of {studies} studies")
    return hits / studies


SWEEP_FILE = """
data: {validation_windows: all, sampling: every_image}
training: {precise_bn: off}
"""
RATES = (1e-4, 3e-4, 1e-3, 3e-3)


def _continuous(number: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    for _ in range(number):
        yield {
            "learning_rate": float(10 ** rng.uniform(-5, -2)),
            "dropout": float(rng.uniform(0, 0.6)),
            "weight_decay": float(10 ** rng.uniform(-6, -3)),
            "bn_momentum": str(rng.choice(["0.5", "0.9", "0.99"])),
            "sampling": str(rng.choice(["every_image", "leftover_batch"])),
        }


def _near_repeats(number: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    rows = list(_continuous(number - number // 5, rng))
    yield from rows
    for row in rows[: number // 5]:
        yield {**row, "learning_rate": row["learning_rate"] * CLOSE}


def _grid(repeats: int, rng: np.random.Generator, kept: float = 1.0) -> Iterator[dict[str, Any]]:
    momenta, samplings, dropouts = ("0.5", "0.99"), ("every_image", "leftover_batch"), (0.0, 0.2, 0.4)
    for rate, momentum, sampling, dropout in itertools.product(RATES, momenta, samplings, dropouts * repeats):
        if rng.random() < kept:
            yield {"learning_rate": rate, "bn_momentum": momentum, "sampling": sampling, "dropout": dropout + 0.01 * repeats}


def _space_of(rows: Sequence[Mapping[str, Any]]) -> tuple[ParameterRecord, ...]:
    from reports.records import ParameterRecord

    every = {
        "learning_rate": ParameterRecord("learning_rate", "float", log=True, low=1e-5, high=1e-2),
        "dropout": ParameterRecord("dropout", "float", low=0.0, high=0.6),
        "weight_decay": ParameterRecord("weight_decay", "float", log=True, low=1e-6, high=1e-3),
        "bn_momentum": ParameterRecord("bn_momentum", "ordinal", labels=("0.5", "0.9", "0.99")),
        "sampling": ParameterRecord("sampling", "choice", labels=("every_image", "leftover_batch")),
        "augmentation": ParameterRecord("augmentation", "choice", labels=("none", "flip", "light", "rotate")),
    }
    return tuple(every[name] for name in rows[0])


def _with_curves(rows: Sequence[Mapping[str, Any]], curves: Sequence[tuple[TrialRecord, Any]]) -> tuple[StudyRecord, dict[int, Any]]:
    """A study of these settings and curves, with the flags of the curves: they do not depend on settings."""
    trials, flags = [], {}
    for number, (row, (curve, found)) in enumerate(zip(rows, curves, strict=True)):
        trials.append(replace(curve, configuration=f"{number:x}", params=row))
        flags[number] = found
    return study_of(trials, _space_of(rows), 250, SWEEP_FILE), flags


def _pool() -> list[tuple[TrialRecord, Any]]:
    """All trainings with their flags."""
    from reports.flags import trial_flags

    found = []
    for space in spaces().values():
        bare = study_of([], (), space.table.num_val)
        found += [(trial, trial_flags(trial, bare)) for row in space.trials for trial in row]
    return found


def causes(studies: int) -> dict[str, Any]:
    """Causes named where parameters have nothing to do with curves."""
    from reports.verdict.causes import find_causes
    from reports.verdict.swing_causes import check_study_causes

    rng = np.random.default_rng(2)
    pool = _pool()
    kinds = {
        "1,000 random, five parameters": lambda: list(_continuous(1000, rng)),
        f"1,000 random, a fifth at {CLOSE} times the rate of another": lambda: list(_near_repeats(1000, rng)),
        "grid of 48": lambda: list(_grid(1, rng)),
        "grid of 96 with repeats": lambda: [{**row, "augmentation": label} for row in _grid(1, rng) for label in ("none", "flip")],
        "a random half of that grid": lambda: [
            {**row, "augmentation": label} for row in _grid(1, rng) for label in ("none", "flip") if rng.random() < 1 / 2
        ],
    }
    found: dict[str, Any] = {}
    print("\ncauses: parameters drawn independently of the curves\n")
    print(
        "| study | swinging runs | a run told tested: Yes | a flag with a tested parameter | either | an association |\n|---|---|---|---|---|---|"
    )
    for kind, draw in kinds.items():
        hits, swinging = np.zeros(4, dtype=int), 0
        for _ in range(studies):
            rows = draw()
            study, flags = _with_curves(rows, [pool[place] for place in rng.choice(len(pool), len(rows), replace=False)])
            checks = check_study_causes(study, flags)
            swinging += len(checks)
            said = any(check.tested and check.finding.startswith("Yes") for of in checks.values() for check in of)
            associations = find_causes(study, flags=flags).associations
            tested = any(each.tested for each in associations)
            hits += (said, tested, said or tested, bool(associations))
        print(f"| {kind} | {swinging / studies:.0f} | " + " | ".join(share(int(hit), studies) for hit in hits) + " |", flush=True)
        found[kind] = dict(zip(("check", "parameter", "either", "association"), (hits / studies).tolist(), strict=True))
    return found


def known(studies: int) -> dict[str, Any]:
    """Causes named where there is one: swinging curves where a setting says so, steady ones elsewhere, with exceptions on both sides."""
    from reports.verdict.swing_causes import check_study_causes

    rng = np.random.default_rng(3)
    pool = _pool()
    swinging = [each for each in pool if any(flag.name in {"oscillating", "spiking"} and not flag.cannot_tell for flag in each[1])]
    steady = [each for each in pool if not any(flag.name in {"oscillating", "spiking", "noisy_validation"} for flag in each[1])]
    settings = {
        "sampling": (lambda row: row["sampling"] != "every_image", 3),
        "learning_rate": (lambda row: row["learning_rate"] >= RATES[2], 1),
    }
    found: dict[str, Any] = {}
    print("\nknown: one setting makes runs swing\n")
    print(
        "| setting | grid | exceptions | named in studies | of its swinging runs told Yes | told Yes of another setting |\n|---|---|---|---|---|---|"
    )
    for (name, (bad, place)), exceptions, (label, kept) in itertools.product(
        settings.items(), (0.0, 0.2), (("48", 1.0), ("a random half of 48", 0.5))
    ):
        named = told = of = wrong = 0
        for _ in range(studies):
            rows = list(_grid(1, rng, kept))
            chosen = [(swinging if bad(row) != (rng.random() < exceptions) else steady) for row in rows]
            study, flags = _with_curves(rows, [each[rng.integers(len(each))] for each in chosen])
            checks = check_study_causes(study, flags)
            mine = [checks[trial.configuration][place] for trial in study.trials if bad(trial.params) and trial.configuration in checks]
            others = [check for of_one in checks.values() for at, check in enumerate(of_one) if at != place]
            yes = sum(check.finding.startswith("Yes") for check in mine)
            named, told, of = named + (yes > 0), told + yes, of + len(mine)
            wrong += any(check.tested and check.finding.startswith("Yes") for check in others)
        print(f"| {name} | {label} | {exceptions:.0%} | {share(named, studies)} | {told / of:.0%} | {share(wrong, studies)} |", flush=True)
        found[f"{name}, {label}, {exceptions}"] = {"named": named / studies, "told": told / of, "wrong": wrong / studies}
    return found


CUTS = (8, 10, 15, 20)


def calm(_: int) -> dict[str, Any]:
    """What a comparison within one run has to reckon with."""
    from reports.diagnosis.causes import SHRINKS, SWINGS
    from reports.flags import trial_flags
    from reports.verdict.swing_causes import SWAP_LEVEL, movement, swap_p

    halved, other, swapped = [], [], []
    for space in spaces().values():
        bare = study_of([], (), space.table.num_val)
        for place, row in enumerate(space.trials):
            for trial in row:
                if not any(flag.name in SWINGS for flag in trial_flags(trial, bare)):
                    continue
                curve = trial.curves["val_accuracy"].astype(np.float64)
                if space.table.configurations[place].get("schedule", "constant") == "constant":
                    steps = np.abs(np.diff(curve))
                    halved += [bool(steps[cut:].mean() < SHRINKS * steps[: cut - 1].mean()) for cut in CUTS]
                for second in row:
                    if second is not trial:
                        less = movement(second.curves["val_accuracy"]) < SHRINKS * movement(curve)
                        other.append(less)
                        swapped.append(less and swap_p(curve, second.curves["val_accuracy"]) <= SWAP_LEVEL)
    print("\ncalm: swinging runs of the tabular study\n")
    print(
        f"- constant learning rate: after epoch {', '.join(map(str, CUTS))} the mean step is below half of what it was before in {share(sum(halved), len(halved))}"
    )
    print(f"- another training of the same configuration moves less than half as much: {share(sum(other), len(other))}")
    print(
        f"- and passes the test of exchanged epochs, which two curves of the same weights have to pass: {share(sum(swapped), len(swapped))}"
    )
    return {"halved": float(np.mean(halved)), "other": float(np.mean(other)), "swapped": float(np.mean(swapped))}


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", default=",".join(PARTS), help="comma-separated (default: %(default)s)")
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    found = {}
    for part in given.part.split(","):
        began = time.perf_counter()
        found[part] = {"importance": importance, "causes": causes, "known": known, "calm": calm}[part](given.studies)
        print(f"\n({part}: {time.perf_counter() - began:.0f} s)", flush=True)
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
