"""Trains every configuration of four small sweeps to the end, without a pruner, and keeps the curves for `pruning.py`.

    python benchmarks/make_curves.py [SWEEP ...] [--configurations N] [--output benchmarks/data/curves]

All sweeps train on scikit-learn's handwritten digits, one configuration after another in one process, random points of their spaces. What is kept of a training
is how many validation images it had right after each epoch: whole numbers, so that a file is small, exact and readable. Files that exist are not made again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path = [str(Path(__file__).resolve().parents[1]), *sys.path[1:]]  # not this folder: its programs are named as our packages are

if TYPE_CHECKING:
    from sweeps.sweep_file import SweepFile

OUTPUT = Path(__file__).resolve().parent / "data" / "curves"
CONFIGURATIONS = {"residual": 48, "convolutions": 40, "augmented": 54, "late-rising": 60}

SWEEPS = {
    "residual": """
        data: {source: digits, split: {train: 300, validation: 600, test: 0}}
        model: {backbone: small_resnet, options: {filters: [8, 16], blocks: 1}}
        training: {epochs: 30}
        space:
          learning_rate: {float: [1.0e-4, 1.0e-1], log: true}
          dropout: {float: [0.0, 0.6]}
          bn_momentum: {choice: [0.5, 0.9, 0.99, 0.999]}
          batch_size: {choice: [16, 32, 64]}
    """,
    "convolutions": """
        data: {source: digits, split: {train: 400, validation: 600, test: 0}}
        model: {backbone: plain_cnn, options: {filters: [16, 32], kernel: 3, dropout: 0.1}}
        training: {epochs: 20, batch_size: 32}
        space:
          learning_rate: {float: [1.0e-4, 3.0e-1], log: true}
          dropout: {float: [0.0, 0.6]}
          optimizer: {choice: [adam, sgd]}
          momentum: {choice: [0.0, 0.9], when: optimizer == sgd}
          schedule: {choice: [constant, cosine]}
    """,
    "augmented": """
        data: {source: digits, split: {train: 120, validation: 600, test: 0}}
        model: {backbone: small_resnet, options: {filters: [8, 16], blocks: 1}}
        training: {epochs: 20, batch_size: 20}
        space:
          learning_rate: {float: [3.0e-4, 1.0e-1], log: true}
          dropout: {float: [0.0, 0.6]}
          augmentation: {choice: [none, light, rotate, shear_zoom]}
          label_smoothing: {float: [0.0, 0.2]}
    """,
    "late-rising": """
        data: {source: digits, split: {train: 300, validation: 600, test: 0}}
        model: {backbone: small_resnet, options: {filters: [8, 16], blocks: 1}, bn_momentum: 0.9}
        training: {epochs: 20, batch_size: 32}
        space:
          learning_rate: {float: [1.0e-3, 1.0e-1], log: true}
          dropout: {float: [0.0, 0.6]}
          warmup_epochs: {choice: [0, 3, 6, 10]}
          schedule: {choice: [constant, cosine]}
          optimizer: {choice: [adam, sgd]}
    """,
}


def main() -> None:
    """Make the files that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweeps", nargs="*", metavar="SWEEP", help=f"of {', '.join(SWEEPS)}; default: all")
    parser.add_argument("--configurations", type=int, help="of each sweep; default: as many as those that are kept")
    parser.add_argument("--epochs", type=int, help="fewer than the sweep's own: does it run?")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args()
    unknown = set(given.sweeps) - set(SWEEPS)
    if unknown:
        parser.error(f"unknown sweep {', '.join(sorted(unknown))}; expected some of {', '.join(SWEEPS)}")
    given.output.mkdir(parents=True, exist_ok=True)
    for name in given.sweeps or SWEEPS:
        target = given.output / f"{name}.json"
        if target.exists():
            print(f"{name}: {target} is there")
            continue
        began = time.monotonic()
        document = train_all(name, given.configurations or CONFIGURATIONS[name], given.epochs)
        target.write_text(as_text(document))
        print(f"{name}: {len(document['runs'])} trainings of {document['epochs']} epochs in {time.monotonic() - began:.0f} s, {target}")


def train_all(name: str, configurations: int, epochs: int | None = None) -> dict[str, Any]:
    """Train a sweep's configurations; its curves as plain data."""
    from sweeps.search.proposals import Proposer
    from sweeps.search.samplers import make_sampler
    from sweeps.seeds import training_seed
    from sweeps.sweep_file import sweep_from_text, train_config
    from trainer import train
    from trainer.data import load_data
    from trainer.errors import NonFiniteLossError

    lines = SWEEPS[name].strip("\n").splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    text = "\n".join(line[indent:] for line in [*lines, ""])
    sweep = sweep_from_text(f"study: {name}\n{text}", name)
    if epochs is not None:
        sweep = sweep.model_copy(update={"training": sweep.training.model_copy(update={"epochs": epochs})})
    proposer = Proposer(sweep.space, make_sampler("random", {}, sweep.space), identity_of(sweep), 0, maximize=True)
    taken: set[str] = set()
    runs: list[dict[str, Any]] = []
    data = load_data(sweep.data)
    num_val = len(data.validation)
    while len(runs) < configurations:
        proposal = proposer.next([], taken, len(runs))
        if proposal is None:
            break
        taken.add(proposal.configuration)
        config = train_config(sweep, proposal.point, training_seed(0, proposal.configuration))
        accuracy: list[float] = []
        with contextlib.suppress(NonFiniteLossError):  # its curve ends there
            train(config, lambda record: accuracy.append(record.figures["val_accuracy"]), data=data)  # noqa: B023 - called at once
        runs.append({"params": dict(proposal.point), "correct": [round(value * num_val) for value in accuracy]})
    return {"sweep": name, "num_val": num_val, "epochs": sweep.training.epochs, "file": text.strip(), "runs": runs}


def identity_of(sweep: SweepFile) -> Any:  # noqa: ANN401 - a function of a point
    """Equal for points that train alike."""
    from functools import partial

    from sweeps.sweep_file.configuration import configuration_id

    return partial(configuration_id, sweep)


def as_text(document: dict[str, Any]) -> str:
    """JSON with one line a training."""
    runs = ",\n".join(json.dumps(run) for run in document["runs"])
    head = json.dumps({name: value for name, value in document.items() if name != "runs"}, indent=1)
    return f'{head[:-2]},\n "runs": [\n{runs}\n ]\n}}\n'


if __name__ == "__main__":
    main()
