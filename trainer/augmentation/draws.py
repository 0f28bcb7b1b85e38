"""Random numbers that depend on (seed, epoch, image, purpose) and on nothing else: not on batch, order, threads or device."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_MANTISSA_BITS = 53


@dataclass(frozen=True, eq=False)
class Draws:
    """One key per image; every purpose (a word) turns them into its own independent numbers.

    Counter-based rather than sequential: a number is a hash of its key, so that any subset of images, in any order, gets the same.
    Source: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators" (SplitMix64), doi:10.1145/2660193.2660195.

    Attributes:
        keys: ``(n,)`` uint64.
    """

    keys: npt.NDArray[np.uint64]

    @classmethod
    def of_epoch(cls, seed: int, epoch: int, tickets: npt.NDArray[np.int64]) -> Draws:
        """The draws of images in an epoch.

        Args:
            seed: of the training's data.
            epoch: counted from 1.
            tickets: ``(n,)``, the image's index in the training set, plus the size of the set for each earlier appearance in this epoch.
        """
        base = _word(f"{seed}/{epoch}")
        return cls(_mix(tickets.astype(np.uint64) * _GOLDEN + base))

    def __len__(self) -> int:
        return len(self.keys)

    def uniform(self, purpose: str, low: float = 0.0, high: float = 1.0) -> npt.NDArray[np.float64]:
        """``(n,)`` numbers uniform in [low, high)."""
        bits = _mix(self.keys ^ _word(purpose))
        unit = (bits >> np.uint64(64 - _MANTISSA_BITS)).astype(np.float64) * 2.0**-_MANTISSA_BITS
        return low + (high - low) * unit

    def chance(self, purpose: str, share: float) -> npt.NDArray[np.bool_]:
        """``(n,)`` booleans, true with probability `share`."""
        return self.uniform(purpose) < share

    def integers(self, purpose: str, count: int) -> npt.NDArray[np.int64]:
        """``(n,)`` whole numbers uniform in 0..count-1."""
        return (self.uniform(purpose) * count).astype(np.int64)

    def beta(self, purpose: str, alpha: float) -> npt.NDArray[np.float64]:
        """``(n,)`` numbers of the symmetric Beta(alpha, alpha) distribution, by inversion."""
        from scipy.special import betaincinv

        quantiles: npt.NDArray[np.float64] = betaincinv(alpha, alpha, self.uniform(purpose))
        return quantiles


def _word(text: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))


def _mix(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64's finaliser: a bijection whose outputs pass as random for consecutive inputs."""
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))
