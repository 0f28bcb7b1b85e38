"""Which training images an epoch sees in which order, and which validation images: functions of the seed, the epoch and the sampling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from trainer.config import DataConfig, TrainConfig
    from trainer.data.images import ImageData, ImageSet, Labels


_STREAM = 0x07DE


def epoch_rows(labels: Labels, config: DataConfig, batch_size: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Rows of the training images of one epoch, in order.

    ``every_image``: a fresh permutation each epoch. With ``imbalance: resample`` every class gives the same number of images, rare ones
    repeating, the epoch keeping its length. The other samplings reproduce input paths that are known to fail; each says how.

    Args:
        labels: ``(n,)`` of the training images.
        config: `sampling` and `imbalance`.
        batch_size: images per step; only ``leftover_batch`` looks at it.
        seed: of the training's data.
        epoch: counted from 1.

    Returns:
        Rows ``(k,)``, at least one.
    """
    count = len(labels)
    generator = np.random.default_rng([seed, epoch, _STREAM])
    if config.sampling == "with_replacement":
        # some images are never seen in an epoch (a share 1/e of them), others several times
        return generator.integers(count, size=count)
    if config.sampling == "alternating_halves":  # a pool shuffled once, of which odd epochs see the first half and even ones the second
        pool = np.random.default_rng([seed, _STREAM]).permutation(count)
        half = max(1, count // 2)
        return pool[:half] if epoch % 2 else pool[-half:]
    order = _balanced(labels, generator) if config.imbalance == "resample" else generator.permutation(count)
    if config.sampling == "leftover_batch":
        # what steps_per_epoch = n // batch does to a finite data set: full batches, then an "epoch" of what was left, and so on
        full = len(order) // batch_size * batch_size
        return order[:full] if full and (epoch % 2 or full == len(order)) else order[full:]
    return order


def appearances(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How often each entry's row has occurred before it in `rows` ``(k,)``."""
    order = np.argsort(rows, kind="stable")
    ranked = rows[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    lengths = np.diff(np.r_[starts, len(rows)])
    out = np.empty(len(rows), np.int64)
    out[order] = np.arange(len(rows)) - np.repeat(starts, lengths)
    return out


def _balanced(labels: Labels, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """N rows in which every class that occurs has an equal share (up to one), each class going through all its images before repeating one."""
    classes = np.unique(labels)
    shares = np.full(len(classes), len(labels) // len(classes))
    shares[generator.permutation(len(classes))[: len(labels) % len(classes)]] += 1
    chosen = []
    for label, share in zip(classes, shares, strict=True):
        members = np.flatnonzero(labels == label)
        rounds = [generator.permutation(members) for _ in range(-(-share // len(members)))]
        chosen.append(np.concatenate(rounds)[:share] if rounds else members[:0])
    return generator.permutation(np.concatenate(chosen))


def validation_window(data: ImageData, config: TrainConfig, epoch: int) -> ImageSet:
    """The validation images of an epoch: all, or with ``validation_windows: floor_batches`` another window each time.

    The mistake: an endless generator walks the images class by class, as folders list them, in batches, the last of them partial; validation
    takes floor(n / batch) of its batches an epoch and leaves the generator where it stands. Where batches do not divide the images, each
    epoch starts one batch earlier in the walk than the one before; with fewer than two batches, windows alternate. Epochs are counted from 1.
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
    count = max(1, len(walk) // batch_size)
    first = (epoch - 1) * count
    return np.concatenate([batches[(first + step) % len(batches)] for step in range(count)])
