"""How much the accuracy of an exported file owes to being chosen by the images that measure it.

Source: bias correction by bootstrap of the choice: Tsamardinos, Greasidou & Borboudakis, Machine Learning 107 (2018) 1895 (BBC-CV).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reports.ledger import shared_images
from reports.ranking.ranked import fresh_trials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from reports.ranking.ranked import RankedConfiguration
    from reports.records import StudyRecord

BOOTSTRAPS = 200
MOST_FILES = 64
"""Trainings that enter at most: those that rank lower would hardly ever be chosen."""
FEWEST_IMAGES = 20


def expected_elsewhere(study: StudyRecord, ranked: Sequence[RankedConfiguration], row: RankedConfiguration) -> float | None:
    """Accuracy to expect of a configuration's exported file on images like the validation images that it was not chosen by.

    It was chosen among the late epochs of its configuration's fresh trainings; of a configuration without fresh ones, as the one that did
    best among all finished.

    Args:
        study: the record; its ledgers are read.
        ranked: its configurations by rank.
        row: the configuration whose file it is.

    Returns:
        None without a file or a ledger. On the tabular study files scored 3.1 points more on validation than on the test images after a search
        and 2.7 after four fresh trainings; beside this figure .7 and 1.2 are left (`benchmarks/race.py --files`).
    """
    if row.exported is None or row.exported_by is None:
        return None
    own = fresh_trials(row.trials)
    first = [next((trial for trial in each.trials if trial.state == "COMPLETE"), None) for each in ranked if not each.unusable]
    among = own or [row.exported_by, *(trial for trial in first if trial is not None and trial.configuration != row.configuration)]
    ledgers = study.ledgers.read([trial.number for trial in among[:MOST_FILES]])
    if row.exported_by.number not in ledgers:
        return None
    places, columns = shared_images(list(ledgers.values()))
    if places.size < FEWEST_IMAGES:  # fresh seeds with images of their own
        only = ledgers[row.exported_by.number]
        late, right = len(only.epochs), only.right
    else:
        late = min(len(ledger.epochs) for ledger in ledgers.values())
        right = np.concatenate([each.right[-late:, column] for each, column in zip(ledgers.values(), columns, strict=True)])
    return min(row.exported, chosen_elsewhere(right.reshape(-1, late, right.shape[1]), by_mean=not own))


def chosen_elsewhere(right: NDArray[np.bool_], *, by_mean: bool, seed: int = 0) -> float:
    """Accuracy of the chosen epoch of the chosen training on images that it was not chosen by.

    The choice is made again on images drawn with replacement, and judged on those that were not drawn.

    Args:
        right: ``(num_trainings, num_late, num_images)``, whether each image was right.
        by_mean: whether the training is chosen by the mean of its late epochs, else by its best one.
        seed: of the bootstrap.
    """
    trainings, late, images = right.shape
    rng = np.random.default_rng(seed)
    drawn = np.stack([np.bincount(rng.integers(images, size=images), minlength=images) for _ in range(BOOTSTRAPS)], axis=1)
    rows = right.reshape(trainings * late, images).astype(np.float32)
    scores = (rows @ drawn.astype(np.float32)).reshape(trainings, late, BOOTSTRAPS)
    chosen = (scores.mean(axis=1) if by_mean else scores.max(axis=1)).argmax(axis=0)
    epoch = scores[chosen, :, np.arange(BOOTSTRAPS)].argmax(axis=1)
    others = drawn.T == 0
    return float(((rows[chosen * late + epoch] * others).sum(axis=1) / np.maximum(others.sum(axis=1), 1)).mean())
