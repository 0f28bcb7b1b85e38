"""Does the winner of a sweep win again? Thousands of replayed sweeps of Steadysweep and of its peers on the tabular study.

    python benchmarks/selection.py [--sweeps 16] [--trainings 28] [--anew] [--smoke] [--json FILE]
    python benchmarks/selection.py --live          # real sweeps of the peers, for comparison with the replay

A replayed sweep searches one of the eight grids with a budget of 28 full trainings; each training is one of the eight of its configuration on record. In the first
table each training is used once, and those that the sweep has not seen are the truth about the configuration that it chooses. In the second they are drawn with
replacement: the eight are then all that can happen, and the truth, their mean, is exact. In points:

- *regret*: how much less the choice's other trainings reach at a late epoch (mean of the last five) than the best configuration, points; *test*: on test images;
- *optimism*: what the tool prints for its choice minus the late validation accuracy of its other trainings; *error*: the same without sign;
- *worse*: share of sweeps whose choice is worse than the default configuration (overtuning), on average of validation and test; *clearly*: by half a point;
- *covers*: share of late epochs of the choice's other trainings inside the interval that is printed; *tie*: median number of configurations that may be as good;
- *trainings*, *epochs*: begun and spent; *less ours*: regret less that of Steadysweep on the same sweeps.

Then, of the second world, how often the printed probabilities of being the best, or within half a point of it, come true.

Steadysweep searches with 24 of the 28 trainings and confirms with up to 4 (`confirm: auto`), or searches with all (`confirm: off`). Peers run their own code
with their defaults: see `selection_modules`. Peers whose proposals cost seconds replay fewer sweeps, whose outcomes are kept in `data/selection`; `--anew` replays them.

Brackets: 95 % of a bootstrap of spaces and of sweeps in each.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path = [
    str(HERE.parent),
    *sys.path[1:],
    str(HERE / "tabular"),
    str(HERE / "selection_modules"),
]  # not this folder: its programs are named as our packages are

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from measures import Floats, Truth
    from outcomes import Outcome
    from replay import Contender

TITLES = {"unseen": "\nThe truth is what the sweep has not seen\n", "resampled": "\nThe eight trainings are all that can happen\n"}


def main() -> None:
    """Replay, and print a table of all contenders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", type=int, default=16, help="of each space")
    parser.add_argument("--trainings", type=int, default=28, help="budget of a sweep, in full trainings")
    parser.add_argument("--contenders", nargs="+", metavar="WORD", help="only those with one of these words in their name")
    parser.add_argument("--spaces", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--world", choices=TITLES, help="only this one of the two tables")
    parser.add_argument("--bootstraps", type=int, default=2_000)
    parser.add_argument("--anew", action="store_true", help="replay the slow peers too, whose outcomes are kept")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the outcomes of all peers there, and read those that are there")
    parser.add_argument("--live", action="store_true", help="real sweeps of three peers in three spaces, beside their replayed ones")
    parser.add_argument("--smoke", action="store_true", help="a few sweeps of quick contenders: does it run?")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    from measures import Truth
    from outcomes import KEPT, Plan, outcomes
    from study import load

    tables = {name: table for name, table in load().items() if not given.spaces or name in given.spaces}
    sweeps = 2 if given.smoke else given.sweeps
    truths = {name: Truth(table) for name, table in tables.items()}
    chosen = [each for each in contenders() if not given.contenders or any(word in each.name for word in given.contenders)]
    if given.smoke:
        chosen = [each for each in chosen if not each.slow]
    if given.live:
        from live import PEERS, SPACES, compare

        names = [each.name for each in chosen if each.name in PEERS]
        plan, tables = Plan(sweeps, given.trainings), {name: table for name, table in tables.items() if name in SPACES}
        compare(
            truths,
            {each.name: outcomes(each, tables, plan, given.keep or (KEPT if each.slow else None)) for each in chosen if each.name in names},
            given.trainings,
            names,
        )
        return
    print(f"{len(tables)} spaces, {sweeps} sweeps of each, {given.trainings} full trainings a sweep\n", flush=True)
    document: dict[str, Any] = {"sweeps": sweeps, "trainings": given.trainings}
    for world in (given.world,) if given.world else TITLES:
        plan = Plan(sweeps, given.trainings, resampled=world == "resampled")
        taking_part = [each for each in chosen if not (each.slow and plan.resampled)]
        found: dict[str, Sequence[Outcome]] = {}
        for each in taking_part:
            folder = None if each.ours or given.smoke else given.keep or (KEPT if each.slow and not given.anew else None)
            found[each.name] = outcomes(each, tables, plan, folder)
            print(f"  {world}, {each.name}: {len(found[each.name])} sweeps", file=sys.stderr, flush=True)
        print(TITLES[world])
        document[world] = print_table(taking_part, found, truths, 50 if given.smoke else given.bootstraps)
        for figure in ("val regret", "optimism", "coverage", "worse"):
            document[world][f"{figure} by space"] = print_by_space(figure, found, truths)
        if plan.resampled:
            document["calibration"] = print_calibration(taking_part, found, truths)
    if given.json:
        given.json.write_text(json.dumps(document, indent=1) + "\n")


def contenders() -> list[Contender]:
    """All, ours first."""
    import modelled_peers
    import ours
    import peers

    return [*ours.CONTENDERS, *peers.CONTENDERS, *modelled_peers.modelled()]


COLUMNS = (
    ("val regret", "regret", 2),
    ("test regret", "test regret", 2),
    ("optimism", "optimism", 2),
    ("error", "error", 2),
    ("holds", "holds", 2),
    ("expected", "expected", 2),
    ("level", "level", 2),
    ("reach", "reach", 2),
    ("worse", "worse, %", 1),
    ("clearly worse", "clearly, %", 1),
    ("coverage", "covers, %", 1),
)


def print_table(
    chosen: Sequence[Contender], found: Mapping[str, Sequence[Outcome]], truths: Mapping[str, Truth], bootstraps: int
) -> dict[str, Any]:
    """The figures of all contenders as a table of Markdown; the same as plain data."""
    from measures import by_space, interval

    heads = ["contender", "sweeps", *(head for _, head, _ in COLUMNS), "tie", "trainings", "epochs", "less ours"]
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    document: dict[str, Any] = {}
    ours: Floats | None = None
    for contender in chosen:
        values = by_space(found[contender.name], truths)
        figures = {name: interval(values[name], bootstraps) for name, _, _ in COLUMNS if np.isfinite(values[name]).all()}
        cells = [_cell(figures.get(name), digits) for name, _, digits in COLUMNS]
        tie = float(np.median(values["tie"])) if np.isfinite(values["tie"]).all() else None
        trainings, epochs = (float(values[name].mean()) for name in ("trainings", "epochs"))
        ours = values["val regret"] if ours is None else ours
        beside = interval(values["val regret"] - ours[:, :: contender.every], bootstraps) if values["val regret"] is not ours else None
        row = [
            contender.name,
            str(len(found[contender.name])),
            *cells,
            "" if tie is None else f"{tie:g}",
            f"{trainings:.1f}",
            f"{epochs:.0f}",
        ]
        print(
            "| " + " | ".join([*row, "" if beside is None else f"{beside[0]:+.2f} [{beside[1]:+.2f}, {beside[2]:+.2f}]"]) + " |", flush=True
        )
        document[contender.name] = {**figures, "tie": tie, "trainings": trainings, "epochs": epochs, "regret less ours": beside}
    return {"contenders": document}


def _cell(figure: tuple[float, float, float] | None, digits: int) -> str:
    return "" if figure is None else f"{figure[0]:.{digits}f} [{figure[1]:.{digits}f}, {figure[2]:.{digits}f}]"


def print_calibration(chosen: Sequence[Contender], found: Mapping[str, Sequence[Outcome]], truths: Mapping[str, Truth]) -> dict[str, Any]:
    """Stated probabilities against what came true, of those who state any."""
    from measures import calibrations

    document: dict[str, Any] = {}
    for contender in chosen:
        for name, of in calibrations(found[contender.name], truths).items():
            bins = ", ".join(f"{100 * stated:.0f} -> {100 * true:.0f} ({number})" for stated, true, number in of.bins)
            print(
                f"\n{contender.name}, probability of being {name}: stated less true {of.gap:+.1f} points, by bins {of.bin_gap:.1f}; {bins}"
            )
            document.setdefault(contender.name, {})[name] = {"gap": of.gap, "bin gap": of.bin_gap, "bins": of.bins}
    return document


def print_by_space(figure: str, found: Mapping[str, Sequence[Outcome]], truths: Mapping[str, Truth]) -> dict[str, Any]:
    """A figure in each space."""
    from measures import by_space

    print(f"\n| {figure} | " + " | ".join(truths) + " |\n|" + "---|" * (len(truths) + 1))
    document = {}
    for name, of in found.items():
        means = by_space(of, truths)[figure].mean(axis=1)
        if not np.isfinite(means).all():
            continue
        print(f"| {name} | " + " | ".join(f"{mean:.2f}" for mean in means) + " |")
        document[name] = dict(zip(truths, means.tolist(), strict=True))
    return document


if __name__ == "__main__":
    main()
