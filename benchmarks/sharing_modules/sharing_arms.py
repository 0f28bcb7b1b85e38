"""The contenders of `sharing.py`, each in a process of its own: ``python sharing_arms.py CONTENDER CASE.json FOLDER`` prints a line of JSON after each trial.

The parent lets one of them run at a time and stops the others, so that a line's time is that of its contender alone.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turns import PLAIN, SHARED

from sweeps.observer import StudyObserver

if TYPE_CHECKING:
    from reports.records import TrialRecord

WEIGHTS, IMAGES = "backbone.weights.h5", "images.npz"


@dataclass(frozen=True)
class Trial:
    """What came of a trial of ours.

    Attributes:
        params: its point of the space, by name; what two studies share is told by it.
        val_loss: of each epoch.
        epoch_seconds: of all its epochs, validation included.
        frozen_seconds: spent on computing, finding and checking activations.
    """

    params: str
    val_loss: tuple[float, ...]
    epoch_seconds: float
    frozen_seconds: float


def main() -> None:
    """Run one contender."""
    name, case, folder = sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3])
    os.chdir(folder)
    if name == "make":
        make(case)
    elif name == PLAIN:
        plain(case)
    else:
        ours(case, sharing=name == SHARED)


def tell(**facts: Any) -> None:  # noqa: ANN401 - JSON
    """Print a line, with the processor seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({**facts, "cpu": used.ru_utime + used.ru_stime}), flush=True)


def make(case: dict[str, Any]) -> None:
    """Write images and weights, and say what the network's parts cost."""
    import keras
    import numpy as np
    from plain_keras import backbone_of, write_weights

    from trainer.network.frozen_plan import layer_work

    draw = np.random.default_rng(0)

    def images(count: int) -> tuple[Any, Any]:
        labels = np.arange(count) % 10
        pattern = (
            np.random.default_rng(1).integers(0, 256, (10, 8, 8, 3)).repeat(case["size"] // 8, axis=1).repeat(case["size"] // 8, axis=2)
        )
        return (0.5 * pattern[labels] + draw.integers(0, 128, (count, case["size"], case["size"], 3))).astype(np.uint8), labels

    (x_train, y_train), (x_val, y_val) = images(case["images"]), images(case["images"] // 4)
    np.savez(IMAGES, x_train=x_train, y_train=y_train, x_val=x_val, y_val=y_val)
    write_weights(case["backbone"], case["size"], x_train, Path(WEIGHTS))
    net = backbone_of(case["backbone"], case["size"])
    whole = layer_work(net)[0]
    frozen = {
        name: 1.0 if name == "all" else layer_work(keras.Model(net.input, net.get_layer(name).output))[0] / whole
        for name in case["boundaries"]
    }
    head, width = 0.0, net.output.shape[-1]
    for units in (*case["dense"], 10):
        head, width = head + width * units / whole, units
    tell(frozen=frozen, head=head)


def plain(case: dict[str, Any]) -> None:
    """The plain Keras script."""
    from plain_keras import read_images, train_all

    images = read_images(Path(IMAGES))
    warm_up()
    tell(ready=True)
    seconds = train_all(case["backbone"], Path(WEIGHTS), images, case["sampled"], case["epochs"], lambda: tell(done=1))
    tell(over=True)
    tell(epoch_seconds=seconds, trials=[])


def warm_up() -> None:
    """What the first training of a process costs whoever begins it."""
    import keras
    import numpy as np

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    model.fit(np.zeros((8, 4)), np.zeros((8, 2)), verbose=0)


class Progress(StudyObserver):
    """Tells of each trial that is over."""

    def on_finished(self, trial: TrialRecord) -> None:
        """Tell."""
        tell(done=1, role=trial.role)


def ours(case: dict[str, Any], *, sharing: bool) -> None:
    """A study of the same configurations in this process, as ``steadysweep run`` with the executor ``inline`` runs it."""
    from sweeps.executor.factory import ExecutorRequest, make_executor
    from sweeps.record import read_study
    from sweeps.study.plan import StudyOptions
    from sweeps.study.running import run_study
    from sweeps.sweep_file import SweepFile
    from trainer.fit.process import configure_determinism, import_tensorflow_quietly

    import_tensorflow_quietly()
    configure_determinism(None)
    space = case["space"] if sharing else case["sampled_space"]
    boundary = {} if "frozen_layers" in space else {"frozen_layers": "all"}
    name = "shared" if sharing else "alone"
    slots = case["slots"] if sharing else 1
    sweep = SweepFile(
        study=name,
        storage=f"sqlite:///{name}.db",
        storage_path=f"runs-{name}",
        data={
            "source": IMAGES,
            "cache_path": str(Path("cache-" + name).resolve()),
            "augmentation": case["augmentation"],
            "preprocessing": "auto",
        },
        model={"backbone": case["backbone"], "weights": WEIGHTS, "dense": case["dense"], **boundary},
        training={"epochs": case["epochs"], "optimizer": "adam"},
        space={each: {"choice": values} for each, values in space.items()},
        search={"trials": case["trials" if sharing else "sampled_trials"], "pruner": "none", "sampler": "grid", "seed": 0},
        confirm="off",
        resources={"cpu": os.cpu_count(), "gpu": 1 if case["gpu"] else 0, "concurrent": slots, "slots": slots},
    )
    executor = make_executor(ExecutorRequest(sweep.resources), "inline")
    warm_up()
    tell(ready=True)
    run_study(sweep, executor, observers=[Progress()], options=StudyOptions(sharing=sharing, poll_seconds=0.02))
    tell(over=True)
    trials = [outcome(trial) for trial in read_study(f"sqlite:///{name}.db", name).trials]
    seconds = (
        sum(trial.epoch_seconds + trial.frozen_seconds for trial in trials) if slots == 1 else None
    )  # epochs that ran together have no time of their own
    tell(epoch_seconds=seconds, trials=[vars(trial) for trial in trials])


def outcome(trial: TrialRecord) -> Trial:
    """A trial's figures.

    Raises:
        SystemExit: it did not complete.
    """
    if trial.state != "COMPLETE":
        raise SystemExit(f"trial {trial.number}: {trial.state} {trial.cause} {trial.error}")
    own = trial.role == "search"
    epochs = [float(each) for each in trial.curves["seconds"]]
    return Trial(
        json.dumps(dict(trial.params), sort_keys=True),
        tuple(float(each) for each in trial.curves["val_loss"]),
        len(epochs) * sorted(epochs)[len(epochs) // 2] if own else 0.0,
        trial.figures.get("precomputed_seconds", 0.0) if own else 0.0,
    )


if __name__ == "__main__":
    main()
