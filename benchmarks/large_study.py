"""A study of 1,000 and of 10,000 finished trials, 100 epochs and 20 curves each, in SQLite: opening it, the next proposal, memory; beside Optuna on the same file.

    python benchmarks/large_study.py [--trials 1000 10000] [--ledgers IMAGES] [--json FILE]

Each figure is taken in a process of its own. Aims at 10,000 trials: open in 6 s, the next trial in 150 ms and twice the time at 1,000, 600 MB. Optuna
loads the same study from a copy of the file and asks its own TPE for the next trial, whose five parameters it suggests; it reads no curves.

With ``--ledgers 10000`` each trial also has a ledger of twelve late epochs on so many validation images. `report` then says how long the section
*Where it errs* takes, which reads the ledgers of the best configurations; all else must take as long as without.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
# this folder's own programs are named as our packages are; the study's maker is the tests'
sys.path[:] = [
    str(ROOT),
    str(ROOT / "tests" / "record"),
    *(entry for entry in sys.path if Path(entry or ".").resolve() != ROOT / "benchmarks"),
]
STUDY = "large"
PROPOSALS = 5
MEGABYTE_OF_KILOBYTES = 1024
MEGABYTE = 2**20
JOBS = ("report", "driver", "optuna")


def main() -> None:
    """Make the studies, measure each job in its process, print a table and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument(
        "--ledgers", type=int, default=0, metavar="IMAGES", help="validation images of a ledger of each trial (default: no ledgers)"
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--one", nargs=2, metavar=("JOB", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(JOB_OF[given.one[0]](f"sqlite:///{given.one[1]}")))
        return
    found = {trials: measure(trials, given.ledgers) for trials in given.trials}
    heads = ("opened, s", "CPU s", "next trial, ms", "CPU ms", "memory, MB", "file, MB", "where it errs, s", "CPU s")
    print(f"{'':8}{'trials':>8}" + "".join(f"{head:>{len(head) + 3}}" for head in heads))
    for trials, jobs in found.items():
        for job, figures in jobs.items():
            cells = [f"{figures['opened']:.2f}", f"{figures['cpu']:.2f}"]
            cells += [f"{1000 * figures[name]:.0f}" if name in figures else "-" for name in ("next", "next_cpu")]
            cells += [f"{figures[name]:.0f}" for name in ("megabytes", "file")]
            cells += [f"{figures[name]:.2f}" if name in figures else "-" for name in ("errs", "errs_cpu")]
            print(f"{job:8}{trials:>8}" + "".join(f"{cell:>{len(head) + 3}}" for head, cell in zip(heads, cells, strict=True)))
    for trials, jobs in found.items():
        ours, theirs = jobs["driver"], jobs["optuna"]
        print(f"{trials} trials: the next one {theirs['next'] / ours['next']:.1f} x as fast as Optuna's own ask")
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")


def measure(trials: int, ledger_images: int) -> dict[str, dict[str, float]]:
    """Every job on a study of so many trials, with ledgers of so many images."""
    from large_study import make_large_study

    found = {}
    with tempfile.TemporaryDirectory(prefix="large-study-") as folder:
        original = Path(folder) / "study.db"
        make_large_study(f"sqlite:///{original}", STUDY, trials, ledger_images=ledger_images)
        for job in JOBS:
            copy = shutil.copy(original, Path(folder) / f"{job}.db")
            done = subprocess.run([sys.executable, __file__, "--one", job, copy], capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(done.stderr)
            found[job] = {**json.loads(done.stdout.splitlines()[-1]), "file": original.stat().st_size / MEGABYTE}
            Path(copy).unlink()
    return found


def timed(open_it: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What `open_it` returns, and its seconds by the clock and of the processor."""
    began, used = time.perf_counter(), time.process_time()
    opened = open_it()
    return opened, {"opened": time.perf_counter() - began, "cpu": time.process_time() - used}


def with_memory(figures: dict[str, float]) -> dict[str, float]:
    """With the most memory that this process ever held."""
    return {**figures, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE_OF_KILOBYTES}


def next_seconds(work: Callable[[], object]) -> dict[str, float]:
    """Median seconds of a few calls, by the clock and of the processor."""
    calls = [timed(work)[1] for _ in range(PROPOSALS)]
    return {"next": statistics.median(call["opened"] for call in calls), "next_cpu": statistics.median(call["cpu"] for call in calls)}


def report(url: str) -> dict[str, float]:
    """Read all of it, as a report does, then what it reads of ledgers; the memory is that of reading the study alone."""
    from reports.ranking import rank
    from reports.verdict.mistakes import find_mistakes
    from sweeps.record import read_study

    study, figures = timed(lambda: read_study(url, STUDY))
    if len(study.trials[-1].curves) != 20:
        raise SystemExit("the study was not read whole")
    figures = with_memory(figures)
    ranking = rank(study, flags={})
    mistakes, seconds = timed(lambda: find_mistakes(study, ranking))
    return (
        {**figures, "errs": seconds["opened"], "errs_cpu": seconds["cpu"]} if mistakes is not None and mistakes.configurations else figures
    )


def driver(url: str) -> dict[str, float]:
    """Open it as a driver that continues it, and ask for the next trial."""
    from large_study import SPACE

    from sweeps.record.opening import open_study
    from sweeps.search.proposals import Proposer
    from sweeps.search.pruning import make_pruner
    from sweeps.search.samplers import make_sampler
    from sweeps.study.plan import StudyPlan
    from sweeps.study.state import StudyState

    proposer = Proposer(SPACE, make_sampler("tpe", {}, SPACE), lambda point: repr(sorted(point.items())), 0, maximize=True)
    pruner = make_pruner("asha", {}, 100)
    plan = StudyPlan("val_accuracy", True, 0, 10**6, 100, proposer, pruner, lambda _point, _seed: {}, "x:y", "runs")  # noqa: FBT003 - maximised

    def open_it() -> StudyState:
        record = open_study(url, STUDY)
        state = StudyState(plan, record.trials())
        record.close()
        return state

    state, figures = timed(open_it)
    figures |= next_seconds(lambda: proposer.next(state.seen(), state.taken, state.search_configurations()))
    return with_memory(figures)


def optuna(url: str) -> dict[str, float]:
    """Load it with Optuna and ask for the next trial."""
    import optuna
    from large_study import SPACE
    from optuna.distributions import json_to_distribution

    from sweeps.search.view import record_distributions

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    distributions = {name: json_to_distribution(written) for name, written in record_distributions(SPACE).items()}

    def open_it() -> optuna.Study:
        study = optuna.load_study(study_name=STUDY, storage=url, sampler=optuna.samplers.TPESampler(seed=0))
        study.get_trials(deepcopy=False)
        return study

    study, figures = timed(open_it)
    figures |= next_seconds(lambda: study.ask(distributions))
    return with_memory(figures)


JOB_OF = {"report": report, "driver": driver, "optuna": optuna}

if __name__ == "__main__":
    main()
