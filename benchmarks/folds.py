"""What folds are worth, and how far their figures may be trusted: small networks on scikit-learn's digits, of which 600 that nobody saw tell the truth.

``python benchmarks/folds.py --repeats 40`` prints, over draws of 300 images that stand for a person's own:

- how far the stable accuracy of one split (60 images validate) and of five folds lies from what the same configuration holds on images that nobody saw;
- how good the configuration is that each chooses among eight;
- how often five folds' own spread, taken for a margin of error of their mean, covers that truth;
- how often the report's interval for a new training covers new trainings of the leader, on the same folds and on folds drawn anew (``confirm: {resplit: true}``).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports.ledger import Ledger, ValidationImages
from reports.ranking import rank
from reports.records import StudyRecord, TrialRecord
from reports.stability import stability

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

POOL, UNSEEN, FOLDS, EPOCHS, BATCH = 300, 600, 5, 20, 32
CONFIGURATIONS: tuple[tuple[float, int], ...] = tuple((rate, width) for rate in (0.05, 0.1, 0.2, 0.4) for width in (8, 16))
"""Learning rate and hidden units."""
WIDEST = 16
FRESH, CONFIRMED, NEW = 2, 2, 8
"""Fresh trainings of each of so many leaders, and new ones of the first that its interval is compared with."""
STUDENT = 2.776
"""97.5 % of Student's distribution with four degrees of freedom."""


@dataclass(frozen=True)
class Job:
    """One model to train.

    Attributes:
        configuration: place in `CONFIGURATIONS`.
        seed: of weights and order.
        train: images to train on.
    """

    configuration: int
    seed: int
    train: NDArray[np.int64]


def predictions(images: Array, labels: NDArray[np.int64], jobs: Sequence[Job], asked: NDArray[np.int64]) -> NDArray[np.int64]:
    """Class of the images `asked` after each epoch of each job, ``(num_jobs, EPOCHS, num_asked)``: networks of one hidden layer, all trained at once by plain SGD."""
    rngs = [np.random.default_rng([job.seed, job.configuration]) for job in jobs]
    rates = np.array([CONFIGURATIONS[job.configuration][0] for job in jobs], np.float32)[:, None, None]
    alive = np.array([np.arange(WIDEST) < CONFIGURATIONS[job.configuration][1] for job in jobs], np.float32)[:, None, :]
    inputs, classes = images.shape[1], int(labels.max()) + 1
    first = np.stack([rng.normal(0, np.sqrt(2 / inputs), (inputs, WIDEST)) for rng in rngs]).astype(np.float32) * alive
    second = np.stack([rng.normal(0, np.sqrt(2 / WIDEST), (WIDEST, classes)) for rng in rngs]).astype(np.float32)
    targets, given = np.eye(classes, dtype=np.float32)[labels], images.astype(np.float32)
    found = np.empty((len(jobs), EPOCHS, len(asked)), np.int64)
    size = min(len(job.train) for job in jobs)
    for epoch in range(EPOCHS):
        orders = np.stack([rng.permutation(job.train)[:size] for rng, job in zip(rngs, jobs, strict=True)])
        for start in range(0, size - BATCH + 1, BATCH):
            rows = orders[:, start : start + BATCH]
            x = given[rows]
            hidden = np.maximum(x @ first, 0) * alive
            logits = hidden @ second
            shares = np.exp(logits - logits.max(axis=2, keepdims=True))
            error = (shares / shares.sum(axis=2, keepdims=True) - targets[rows]) / BATCH
            back = (error @ second.transpose(0, 2, 1)) * (hidden > 0)
            second -= rates * (hidden.transpose(0, 2, 1) @ error)
            first -= rates * (x.transpose(0, 2, 1) @ back)
        found[:, epoch] = (np.maximum(given[asked] @ first, 0) * alive @ second).argmax(axis=2)
    return found


def held(curve: Array) -> float:
    """Stable accuracy of a curve."""
    score = stability(curve)
    assert score is not None  # noqa: S101 - it has epochs
    return score.stable


@dataclass(frozen=True)
class Training:
    """A training of a configuration.

    Attributes:
        configuration: place in `CONFIGURATIONS`.
        seed: of its models.
        right: ``(EPOCHS, POOL)``, whether each image was right by the model of its fold.
        folds: ``(FOLDS, EPOCHS)``, accuracy of each fold.
        truth: ``(FOLDS, EPOCHS)``, accuracy of each fold's model on the images that nobody saw, where it was wanted.
    """

    configuration: int
    seed: int
    right: NDArray[np.bool_]
    folds: Array
    truth: Array

    @property
    def curve(self) -> Array:
        """Accuracy by epoch."""
        return np.asarray(self.right.mean(axis=1))


class Person:
    """A draw of images that a person has, and the trainings on them."""

    def __init__(self, images: Array, labels: NDArray[np.int64], seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        order = self._rng.permutation(len(images))
        self._pool, self._others = order[:POOL], order[POOL : POOL + UNSEEN]
        self._images, self._labels = images, labels
        self.folds = self.drawn()

    def drawn(self) -> NDArray[np.int64]:
        """Fold of each image of the pool, stratified."""
        numbers = np.empty(POOL, np.int64)
        ranked = np.concatenate([self._rng.permutation(np.flatnonzero(self._labels[self._pool] == label)) for label in range(10)])
        numbers[ranked] = np.arange(POOL) % FOLDS
        return numbers

    def trainings(self, wanted: Iterable[tuple[int, int, NDArray[np.int64]]], *, truth: bool = False) -> list[Training]:
        """Train configurations, each with its seed and folds, and where the `truth` is wanted look at images that nobody saw."""
        asked = list(wanted)
        images = np.concatenate([self._pool, self._others]) if truth else self._pool
        jobs = [Job(place, seed, self._pool[folds != fold]) for place, seed, folds in asked for fold in range(FOLDS)]
        right = predictions(self._images, self._labels, jobs, images) == self._labels[images]
        done = []
        for index, (place, seed, folds) in enumerate(asked):
            own = right[FOLDS * index : FOLDS * (index + 1)]
            of_pool = own[:, :, :POOL]
            taken = of_pool[folds, :, np.arange(POOL)].T
            each = np.stack([taken[:, folds == fold].mean(axis=1) for fold in range(FOLDS)])
            done.append(Training(place, seed, taken, each, own[:, :, POOL:].mean(axis=2) if truth else each))
        return done


class _Ledgers:
    """Which images the trainings got right, by trial number."""

    def __init__(self, trainings: Sequence[Training]) -> None:
        images = ValidationImages("digits", np.arange(POOL), np.zeros(POOL, np.int64), ("any",))
        epochs = range(EPOCHS - 11, EPOCHS + 1)
        self._all = [Ledger.of(images, epochs, each.right[-12:]) for each in trainings]

    def read(self, numbers: Iterable[int]) -> dict[int, Ledger]:
        """Trial number to ledger."""
        return {number: self._all[number] for number in numbers}


def covered(person: Person, searched: Sequence[Training], *, anew: bool) -> tuple[float, float]:
    """How often the leader's interval holds the late epochs of new trainings, and its width, after two leaders had fresh ones."""
    leaders = sorted(searched, key=lambda each: -held(each.curve))[:CONFIRMED]
    divisions = [person.drawn() if anew else person.folds for _ in range(FRESH)]
    fresh = person.trainings((each.configuration, 1000 + number, divisions[number]) for each in leaders for number in range(FRESH))
    everything = [*searched, *fresh]
    trials = tuple(
        TrialRecord(
            number,
            str(each.configuration),
            "search" if number < len(searched) else "confirmation",
            "COMPLETE",
            each.seed,
            {},
            {"val_accuracy": each.curve.astype(np.float32)},
            EPOCHS,
        )
        for number, each in enumerate(everything)
    )
    study = StudyRecord("folds", "study", "val_accuracy", maximize=True, trials=trials, num_val=POOL, ledgers=_Ledgers(everything))
    first = rank(study, flags={}).configurations[0]
    assert first.stable_interval is not None  # noqa: S101 - it has several seeds
    low, high = first.stable_interval
    new = person.trainings((int(first.configuration), 2000 + number, person.drawn() if anew else person.folds) for number in range(NEW))
    weights = np.exp(-np.arange(EPOCHS - 1, -1, -1) / 3.0)
    inside = [np.average((each.curve >= low) & (each.curve <= high), weights=weights) for each in new]
    return float(np.mean(inside)), high - low


def main() -> None:
    """Print the figures."""
    from sklearn.datasets import load_digits

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=40, help="draws of a person's images")
    repeats = parser.parse_args().repeats
    bunch = load_digits()
    images, labels = bunch.data / 16.0, bunch.target.astype(np.int64)
    errors: dict[str, list[float]] = {"one split": [], "five folds": []}
    chosen: dict[str, list[float]] = {"one split": [], "five folds": []}
    by_spread: list[bool] = []
    ratios: list[float] = []
    intervals: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for repeat in range(repeats):
        person = Person(images, labels, repeat)
        searched = person.trainings(((place, 10 * repeat + place, person.folds) for place in range(len(CONFIGURATIONS))), truth=True)
        truth = np.array([np.mean([held(curve) for curve in each.truth]) for each in searched])
        single = np.array([held(each.folds[0]) for each in searched])
        folded = np.array([held(each.curve) for each in searched])
        for name, figures in (("one split", single), ("five folds", folded)):
            errors[name] += (figures - truth).tolist()
            chosen[name].append(float(truth.max() - truth[figures.argmax()]))
        for each, real in zip(searched, truth, strict=True):
            own = np.array([held(curve) for curve in each.folds])
            by_spread.append(bool(abs(own.mean() - real) <= STUDENT * own.std(ddof=1) / np.sqrt(FOLDS)))
            ratios.append(float(own.std(ddof=1) / np.sqrt(FOLDS)))
        for anew, found in intervals.items():
            found.append(covered(person, searched, anew=anew))
    for name, values in errors.items():
        print(
            f"{name}: {100 * np.sqrt(np.mean(np.square(values))):.2f} points from the truth (root mean square; mean {100 * np.mean(values):+.2f})"
        )
    for name, values in chosen.items():
        print(f"{name}: its choice is {100 * np.mean(values):.2f} points below the best of {len(CONFIGURATIONS)}")
    print(
        f"spread of folds as a margin of 95 %: covers the truth in {100 * np.mean(by_spread):.1f} %, mean standard error {100 * np.mean(ratios):.2f} points"
    )
    for anew, found in intervals.items():
        shares, widths = np.array(found).T
        deviation = shares.std(ddof=1) / np.sqrt(len(shares)) if len(shares) > 1 else float("nan")
        print(
            f"interval for a new training, folds {'drawn anew' if anew else 'as they are'}: covers {100 * shares.mean():.1f} % "
            f"(+- {100 * deviation:.1f}) of new trainings' late epochs, {100 * widths.mean():.1f} points wide"
        )


if __name__ == "__main__":
    main()
