"""The part of the validation set that a generator with a counter shows in an epoch: the reproduction of a known mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from trainer.config import TrainConfig
    from trainer.data.images import ImageData, ImageSet


def validation_window(data: ImageData, config: TrainConfig, epoch: int) -> ImageSet:
    """The validation images of an epoch: all, or with ``validation_windows: floor_batches`` another window each time.

    The mistake: an endless generator walks the images class by class, as folders list them, in batches, the last of them partial; validation
    takes floor(n / batch) of its batches an epoch and leaves the generator where it stands. Where batches do not divide the images, each
    epoch starts one batch earlier in the walk than the one before; with fewer than two batches, windows alternate.

    Args:
        data: from `load_data`.
        config: `validation_windows` and the batch size.
        epoch: counted from 1.
    """
    if config.data.validation_windows == "all":
        return data.validation
    return data.validation.take(window_rows(data.validation.labels, config.training.batch_size, epoch))


def fewest_seen(data: ImageData, config: TrainConfig) -> int:
    """Validation images that every epoch sees at least: all of them, or those of the smallest window."""
    total, batch_size = len(data.validation), config.training.batch_size
    if config.data.validation_windows == "all" or total <= batch_size or total % batch_size == 0:
        return total
    return (total // batch_size - 1) * batch_size + total % batch_size


def window_rows(labels: npt.NDArray[np.int32], batch_size: int, epoch: int) -> npt.NDArray[np.int64]:
    """Rows that epoch `epoch` (from 1) of the walk over images with `labels` ``(n,)`` shows; all of them where batches divide n."""
    walk = np.argsort(labels, kind="stable")
    batches = [walk[start : start + batch_size] for start in range(0, len(walk), batch_size)]
    taken = max(1, len(walk) // batch_size)
    first = (epoch - 1) * taken
    return np.concatenate([batches[(first + step) % len(batches)] for step in range(taken)])
