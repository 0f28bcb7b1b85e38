"""The training images that are most like others: by their pixels near-duplicates, by the features of a network those whose labels say which label to look at.

That neighbours disagree tells which label to look at, not that it is wrong. Source of the rule: edited nearest neighbours, Wilson 1972, doi:10.1109/TSMC.1972.4309137.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.data.images import Pixels

NEIGHBOURS = 5
"""Most like training images that are asked for their label."""
AGREEING = 4
"""Of them, that must share one label for it to count."""
BELOW = 5.0
"""Standard deviations that the logarithm of a near-duplicate's distance lies below the median of all: see `near_duplicate_limit`."""
FEWEST = 50
"""Images from which a distribution of distances is made."""
SMALLEST_DISTANCE = 1e-6
"""1 - similarity of equal images, with the rounding of float32."""
BLOCK_BYTES = 1 << 27
SMALL_SIDE = 16
"""Pixels on a side of what near-duplicates are looked for in."""
CHUNK = 256
DEVIATION_OF_MAD = 1.4826
"""Standard deviation of a normal distribution by its median absolute deviation."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """The most like stored images of some others, the most like first.

    Attributes:
        rows: ``(n, k)`` int64, of the stored images.
        similarity: ``(n, k)`` float32, cosine; -inf where there are fewer than k others.
    """

    rows: NDArray[np.int64]
    similarity: NDArray[np.float32]


def nearest(
    features: NDArray[np.float32],
    places: NDArray[np.int64],
    stored: NDArray[np.float32],
    stored_places: NDArray[np.int64],
    count: int = NEIGHBOURS,
) -> Nearest:
    """Find the most like images; an image is not its own neighbour.

    Args:
        features: ``(n, width)`` of the images that are asked about.
        places: ``(n,)``, their identity (`trainer.data.images.content_places`).
        stored: ``(m, width)`` of the images to look among.
        stored_places: ``(m,)``, their identity.
        count: neighbours of each.
    """
    count = min(count, len(stored))
    rows, similarity = np.empty((len(features), count), np.int64), np.empty((len(features), count), np.float32)
    among = _unit(stored)
    block = max(1, BLOCK_BYTES // (4 * len(stored)))
    for start in range(0, len(features), block):
        chosen = slice(start, start + block)
        all_of_block = _unit(features[chosen]) @ among.T
        all_of_block[places[chosen, None] == stored_places[None]] = -np.inf
        best = np.argpartition(-all_of_block, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(all_of_block, best, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        rows[chosen] = np.take_along_axis(best, order, axis=1)
        similarity[chosen] = np.take_along_axis(values, order, axis=1)
    return Nearest(rows, similarity)


def small_pixels(images: Pixels) -> NDArray[np.float32]:
    """Images as rows of a few pixels, each the mean of a part of the image, without the image's brightness: by these, near-duplicates lie closest together.

    Args:
        images: ``(n, height, width, channels)``.

    Returns:
        ``(n, at most SMALL_SIDE² · channels)``.
    """
    cuts = [np.unique(np.linspace(0, side, min(side, SMALL_SIDE), endpoint=False).astype(np.int64)) for side in images.shape[1:3]]
    down, across = (np.diff([*starts, side]) for starts, side in zip(cuts, images.shape[1:3], strict=True))
    area = (down[:, None] * across[None])[None, :, :, None]
    rows = []
    for start in range(0, len(images), CHUNK):
        chunk = np.asarray(images[start : start + CHUNK], np.float32)
        small = np.add.reduceat(np.add.reduceat(chunk, cuts[0], axis=1), cuts[1], axis=2) / area
        rows.append(small.reshape(len(chunk), -1))
    found = np.concatenate(rows)
    without: NDArray[np.float32] = (found - found.mean(axis=1, keepdims=True)).astype(np.float32)
    return without


def _unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (features / np.maximum(norms, np.finfo(np.float32).tiny)).astype(np.float32)
    return unit


def near_duplicate_limit(similarity: NDArray[np.float32]) -> float | None:
    """Similarity above which two images are near-duplicates, of the data itself; None where the distances give none.

    The logarithms of the distances 1 - similarity to the most like image lie about a median. A near-duplicate lies `BELOW` robust standard deviations below it.

    Args:
        similarity: ``(n,)`` of images to the most like others.
    """
    finite = similarity[np.isfinite(similarity)]
    if len(finite) < FEWEST:
        return None
    distances = np.log(np.maximum(1 - finite.astype(np.float64), SMALLEST_DISTANCE))
    median = np.median(distances)
    deviation = DEVIATION_OF_MAD * float(np.median(np.abs(distances - median)))
    limit = float(np.exp(median - BELOW * deviation))
    return None if deviation == 0 else 1 - max(limit, 2 * SMALLEST_DISTANCE)


def contrary_labels(neighbours: NDArray[np.int32], labels: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The commonest label among each image's neighbours, and how many have it where it counts against the image's own, else 0; both ``(n,)``.

    Args:
        neighbours: ``(n, k)``, labels of the neighbours.
        labels: ``(n,)``, the images' own.
    """
    counts = (neighbours[:, :, None] == neighbours[:, None, :]).sum(axis=2)
    first = counts.argmax(axis=1)
    commonest = np.take_along_axis(neighbours, first[:, None], axis=1)[:, 0].astype(np.int64)
    agreeing = counts.max(axis=1)
    return commonest, np.where((commonest != labels) & (agreeing >= AGREEING), agreeing, 0)
