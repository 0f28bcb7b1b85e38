"""Studies with realistic curves, made from a seed: steady, rising, oscillating with period 2, spiking, collapsed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from reports.ledger import Ledger, ValidationImages
from reports.page.thumbnails import Thumbnails
from reports.records import AttemptRecord, ParameterRecord, Role, StudyRecord, TrialRecord, TrialState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from reports.verdict import ReportData

Shape = Literal["steady", "rising", "oscillating", "spiking", "collapsed"]

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
FROZEN = ("none", "25%", "50%", "75%", "all")
MOMENTA = ("0.5", "0.9", "0.99")
AUGMENTATIONS = ("none", "flip", "light", "randaugment")

PARAMETERS = (
    ParameterRecord("learning_rate", "float", log=True, low=1e-5, high=1e-2),
    ParameterRecord("dropout", "float", low=0.0, high=0.6),
    ParameterRecord("frozen_layers", "ordinal", labels=FROZEN),
    ParameterRecord("bn_momentum", "choice", labels=MOMENTA, condition="frozen_layers != all"),
    ParameterRecord("augmentation", "choice", labels=AUGMENTATIONS),
)

SWEEP_FILE = """study: flowers-transfer
storage: postgresql+psycopg://sweeper:${SWEEP_PASSWORD}@db/sweeps
data:
  source: images/flowers
  image_size: 224
  split: {train: 0.7, validation: 0.15, test: 0.15, seed: 0}
model: {backbone: resnet50, weights: imagenet, pooling: avg, dense: [512]}
training: {epochs: 30, batch_size: 64, optimizer: adam, schedule: constant}
space:
  learning_rate: {float: [1.0e-5, 1.0e-2], log: true}
  dropout: {float: [0.0, 0.6], step: 0.05}
  frozen_layers: {ordinal: [none, 25%, 50%, 75%, all]}
  bn_momentum: {choice: [0.5, 0.9, 0.99], when: frozen_layers != all}
  augmentation: {choice: [none, flip, light, randaugment]}
search: {metric: val_accuracy, sampler: tpe, pruner: asha, trials: 24, seed: 0}
budget: {time: 14400.0, gpu_hours: 12.0}
confirm: {top: 3, seeds: 3}
"""


def val_accuracy(shape: Shape, epochs: int, holds: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """A validation-accuracy curve of shape ``(epochs,)`` that ends near `holds`."""
    epoch = np.arange(epochs, dtype=np.float64)
    learning = holds - (holds - 0.25) * np.exp(-epoch / (epochs / 9))
    noise = rng.normal(0, 0.004, epochs)
    if shape == "rising":
        learning = 0.25 + (holds - 0.25) * (epoch + 1) / epochs
    if shape == "collapsed":
        return np.full(epochs, 0.21, dtype=np.float32)
    if shape == "oscillating":
        learning = learning + 0.11 - 0.22 * (np.arange(epochs) % 2) * np.minimum(1.0, epoch / 4) + noise * 3
    if shape == "spiking":
        learning[rng.choice(np.arange(epochs // 3, epochs - 2), 2, replace=False)] -= 0.3
    return np.clip(learning + noise, 0.01, 0.995).astype(np.float32)


def curves(shape: Shape, epochs: int, holds: float, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """What a training delivers for each epoch, each of shape ``(epochs,)``."""
    validation = val_accuracy(shape, epochs, holds, rng)
    fit = np.minimum(0.997, 0.3 + (min(0.99, holds + 0.06) - 0.3) * (1 - np.exp(-np.arange(epochs) / (epochs / 7)))).astype(np.float32)
    if shape == "collapsed":
        fit = np.full(epochs, 0.2, dtype=np.float32) + rng.normal(0, 0.002, epochs).astype(np.float32)
    return {
        "val_accuracy": validation,
        "accuracy": fit,
        "val_loss": (-np.log(np.clip(validation, 0.02, 1.0))).astype(np.float32),
        "loss": (-np.log(np.clip(fit, 0.02, 1.0))).astype(np.float32),
        "val_batch_accuracy": np.clip(validation + 0.004, 0, 1).astype(np.float32),
        "gradient_norm": np.abs(rng.normal(1.2, 0.3, epochs)).astype(np.float32),
        "seconds": np.full(epochs, 21.0, dtype=np.float32),
    }


def configuration_id(index: int) -> str:
    """A stable ID that looks like a hash."""
    return hashlib.sha256(f"configuration {index}".encode()).hexdigest()[:12]


def attempt(number: int, worker: int, minutes: float, cause: str | None, first: int = 0) -> AttemptRecord:
    """One attempt on worker `worker`, started in waves."""
    begun = START + timedelta(minutes=first)
    ended = begun + timedelta(minutes=minutes) if cause else None
    return AttemptRecord(number, "driver-1:411", f"gpu-{worker}:90{worker}", 0, begun, ended, cause, gpu=0.5)


SHAPES: tuple[Shape, ...] = (
    *("steady",) * 9,
    *("oscillating",) * 6,
    *("spiking",) * 2,
    *("rising",) * 3,
    *("collapsed",) * 2,
    *("steady",) * 2,
)
TRACEBACK = """Traceback (most recent call last):
  File "train.py", line 12, in fit
ResourceExhaustedError: OOM when allocating <64,224,224,64>
"""
CAUSES = {"PRUNED": "level .41 below the top third at epoch 9", "FAIL": "out of memory"}


class Sweep:
    """Collects trials on four workers."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.trials: list[TrialRecord] = []
        self.clock = [0.0, 0.0, 0.0, 0.0]

    def add(self, index: int, role: Role, state: TrialState, done: int, replicate: int = 0) -> None:
        """Train configuration `index` for `done` epochs on the worker that is free first."""
        holds = {"steady": 0.925 - 0.006 * index, "oscillating": 0.86, "spiking": 0.885, "rising": 0.82, "collapsed": 0.2}[SHAPES[index]]
        data = curves(SHAPES[index], self.epochs, holds, np.random.default_rng([index, replicate, 2]))
        kept = {name: curve[:done] for name, curve in data.items()}
        self.trials.append(
            TrialRecord(
                number=len(self.trials),
                configuration=configuration_id(index),
                role=role,
                state=state,
                seed=1000 + 17 * index + replicate,
                params=flower_params(index),
                curves=kept,
                planned_epochs=self.epochs,
                figures=figures(kept["val_accuracy"]) if state == "COMPLETE" else {"num_val": 1040.0},
                cause=CAUSES.get(state),
                error=TRACEBACK if state == "FAIL" else None,
                attempts=self._attempts(state, 1.2 + 0.35 * done),
            )
        )

    def _attempts(self, state: TrialState, minutes: float) -> tuple[AttemptRecord, ...]:
        worker = int(np.argmin(self.clock))
        cause = {"COMPLETE": "completed", "PRUNED": "stopped", "FAIL": "exception"}.get(state)
        runs = []
        if len(self.trials) == 5:
            runs.append(attempt(0, worker, 4, "worker died", int(self.clock[worker])))
            self.clock[worker] += 5
        runs.append(attempt(len(runs), worker, minutes, cause, int(self.clock[worker])))
        self.clock[worker] += minutes
        return tuple(runs)


def flower_params(index: int) -> dict[str, str | int | float | bool | None]:
    """A point of the space; oscillating configurations have high learning rates."""
    local = np.random.default_rng([index, 1])
    rate = 10 ** (-2.4 - local.random() * 0.4) if SHAPES[index] == "oscillating" else 10 ** (-4.2 + local.random() * 1.2)
    params: dict[str, str | int | float | bool | None] = {
        "learning_rate": float(f"{rate:.3g}"),
        "dropout": round(float(local.integers(0, 13)) * 0.05, 2),
        "frozen_layers": FROZEN[int(local.integers(0, 5))],
        "augmentation": AUGMENTATIONS[int(local.integers(0, 4))],
    }
    if params["frozen_layers"] != "all":
        params["bn_momentum"] = MOMENTA[int(local.integers(0, 3))]
    return params


def figures(validation: NDArray[np.float32]) -> dict[str, float]:
    """Of the exported checkpoint."""
    best = int(np.argmax(validation))
    accuracy = float(validation[best])
    return {"num_val": 1040.0, "exported_val_accuracy": accuracy, "exported_epoch": best + 1.0, "test_accuracy": accuracy - 0.006}


class Ledgers:
    """A source of ledgers that notes what is read."""

    def __init__(self, ledgers: Mapping[int, Ledger]) -> None:
        self.ledgers = ledgers
        self.asked: list[int] = []

    def read(self, numbers: Iterable[int]) -> dict[int, Ledger]:
        wanted = list(numbers)
        self.asked += wanted
        return {number: self.ledgers[number] for number in wanted if number in self.ledgers}


def with_ledgers(study: StudyRecord) -> StudyRecord:
    """A study whose complete trainings tell which of 300 flowers they got right; some flowers are missed by most."""
    names, rng = ("daisy", "tulip", "rose", "sunflower", "dandelion"), np.random.default_rng(3)
    labels, hard = rng.integers(5, size=300), rng.beta(0.3, 1.5, 300)
    images = ValidationImages(
        "flowers", np.arange(300), labels, names, tuple(f"{names[label]}/{n:04d}.jpg" for n, label in enumerate(labels))
    )
    ledgers = {}
    for trial in study.trials:
        if trial.state == "COMPLETE":
            right = rng.random((12, 300)) > hard
            classes = np.where(right[-1], labels, (labels + rng.integers(1, 5, 300)) % 5)
            ledgers[trial.number] = Ledger.of(images, range(trial.num_epochs - 11, trial.num_epochs + 1), right, classes)
    return replace(study, ledgers=Ledgers(ledgers))


def closer_look(data: ReportData) -> Thumbnails:
    """Three pictures, a hint for the first, a preview, and two near-duplicates, one with a name that is markup."""
    assert data.mistakes

    def picture(width: int, height: int) -> bytes:
        file = BytesIO()
        Image.fromarray(np.full((height, width, 3), 200, np.uint8)).save(file, "PNG")
        return file.getvalue()

    missed = data.mistakes.missed
    return Thumbnails(
        pictures={image.place: picture(80, 80) for image in missed[:3]},
        policy="rotate",
        preview=picture(728, 360),
        hints={missed[0].place: "Its 5 nearest training images are all rose: look at its label."},
        compared="Each validation image was compared with all training images. 2 of 300 have a near-duplicate in training.",
        pairs=(("tulip/0001.jpg", "tulip", "rose/0007.jpg", "rose"), ("<img src=x onerror=alert(1)>", "rose", "daisy/0002.jpg", "daisy")),
    )


def flowers(epochs: int = 30) -> StudyRecord:
    """24 configurations: most trained once, the leaders confirmed with two more seeds; some pruned, one failed, one running, one interrupted once."""
    sweep = Sweep(epochs)
    states: dict[int, tuple[TrialState, int]] = {11: ("PRUNED", 9), 17: ("PRUNED", 9), 20: ("FAIL", 3), 23: ("RUNNING", 12)}
    for position, index in enumerate(np.random.default_rng(7).permutation(24)):
        collapsed: tuple[TrialState, int] = ("PRUNED", 9)
        usual: tuple[TrialState, int] = ("COMPLETE", epochs)
        state, done = states.get(position, collapsed if SHAPES[index] == "collapsed" else usual)
        sweep.add(int(index), "search", state, done)
    complete = {trial.configuration for trial in sweep.trials if trial.state == "COMPLETE"}
    for index in [i for i in range(9) if configuration_id(i) in complete][:3]:
        for replicate in (1, 2):
            sweep.add(index, "confirmation", "COMPLETE", epochs, replicate)
    return StudyRecord(
        name="flowers-transfer",
        kind="study",
        metric="val_accuracy",
        maximize=True,
        trials=tuple(sweep.trials),
        parameters=PARAMETERS,
        num_val=1040,
        target_trials=24,
        sweep_file=SWEEP_FILE,
        versions={"python": "3.11.2", "keras": "3.15.1", "tensorflow": "2.21.0", "optuna": "5.0.0", "ray": "2.60.0"},
        hardware={"cpus": "16", "gpus": "2 NVIDIA H200", "memory": "128 GiB"},
        facts={"command": "steadysweep run flowers.yaml", "seed": "0", "data_fingerprint": "9f2ac41d77e0", "host": "gpu-box"},
        created=START,
        updated=START + timedelta(minutes=max(sweep.clock)),
    )


def many(configurations: int, epochs: int = 100) -> StudyRecord:
    """A large study: one search trial a configuration."""
    rng = np.random.default_rng(3)
    kinds: list[Shape] = ["steady", "steady", "steady", "rising", "oscillating", "spiking", "collapsed"]
    trials = []
    for number in range(configurations):
        shape = kinds[int(rng.integers(0, len(kinds)))]
        holds = float(rng.uniform(0.6, 0.93))
        trials.append(
            TrialRecord(
                number=number,
                configuration=configuration_id(number),
                role="search",
                state="COMPLETE",
                seed=number,
                params={
                    "learning_rate": float(f"{10 ** rng.uniform(-5, -2):.4g}"),
                    "dropout": round(float(rng.integers(0, 13)) * 0.05, 2),
                    "frozen_layers": FROZEN[int(rng.integers(0, 5))],
                    "bn_momentum": MOMENTA[int(rng.integers(0, 3))],
                    "augmentation": AUGMENTATIONS[int(rng.integers(0, 4))],
                },
                curves=curves(shape, epochs, holds, rng),
                planned_epochs=epochs,
                figures={"num_val": 1040.0},
                attempts=(attempt(0, number % 8, 9.0, "completed", 10 * (number // 8)),),
            )
        )
    return StudyRecord(
        "large", "study", "val_accuracy", maximize=True, trials=tuple(trials), parameters=PARAMETERS, num_val=1040,
        target_trials=configurations, sweep_file=SWEEP_FILE, versions={"keras": "3.15.1"}, created=START, updated=START + timedelta(days=1),
    )  # fmt: skip


def single(
    curve: NDArray[np.float32], *, name: str = "one", kind: Literal["study", "logs"] = "study", state: TrialState = "COMPLETE"
) -> StudyRecord:
    """One trial with one curve and no parameters."""
    epochs = len(curve)
    trial = TrialRecord(0, "c0ffee000000", "search", state, 0, {}, {"val_accuracy": curve}, max(1, epochs))
    return StudyRecord(name, kind, "val_accuracy", maximize=True, trials=(trial,))


def alike(configurations: int, epochs: int = 20) -> StudyRecord:
    """Configurations that hold the same but for noise: a tie of all."""
    trials = tuple(
        TrialRecord(
            number=index,
            configuration=configuration_id(index),
            role="search",
            state="COMPLETE",
            seed=index,
            params={"learning_rate": 0.001, "dropout": round(index / 20, 3), "frozen_layers": "none", "augmentation": "flip"},
            curves=curves("steady", epochs, 0.85, np.random.default_rng([5, index])),
            planned_epochs=epochs,
        )
        for index in range(configurations)
    )
    return StudyRecord("alike", "study", "val_accuracy", maximize=True, trials=trials, parameters=PARAMETERS, num_val=500)
