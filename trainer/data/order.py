"""Which training images an epoch sees, in which order: a function of (seed, epoch) and the sampling setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from trainer.config.data import DataConfig
    from trainer.data.images import Labels

_STREAM = 0x07DE


def epoch_rows(labels: Labels, config: DataConfig, batch_size: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Rows of the training images of one epoch, in order.

    ``every_image``: a fresh permutation each epoch. With ``imbalance: resample`` every class gives the same number of images, rare ones
    repeating, the epoch keeping its length. The other samplings reproduce input paths that are known to fail; each says how.

    Args:
        labels: ``(n,)`` of the training images.
        config: `sampling` and `imbalance`.
        batch_size: images per step; only ``leftover_batch`` looks at it.
        seed: the training's seed.
        epoch: counted from 1.

    Returns:
        Rows ``(k,)``, at least one.
    """
    count = len(labels)
    generator = np.random.default_rng([seed, epoch, _STREAM])
    if config.sampling == "with_replacement":
        # some images are never seen in an epoch (a share 1/e of them), others several times
        return generator.integers(count, size=count)
    if config.sampling == "alternating_halves":
        # a pool shuffled once, of which odd epochs see the first half and even ones the second
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
