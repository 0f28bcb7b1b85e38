"""Learning curves as bytes: metric names and a float32 matrix, compressed.

Layout: zlib over a JSON list of names, a newline, then the matrix of shape ``(num_metrics, num_epochs)`` as little-endian float32 with its
four byte planes one after the other (like bytes lie together, which compresses smooth curves better). `LazyCurves` decodes them when somebody looks at them.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import numpy as np

from reports.records import Curves

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray


COMPRESSION_LEVEL = 1
_PLANES = 4  # bytes of a float32

Chunk = tuple[int, bytes]  # first epoch counted from 1, encoded epochs


def encode(curves: Mapping[str, NDArray[np.float32]]) -> bytes:
    """Encode curves of one length, each of shape ``(num_epochs,)``."""
    names = list(curves)
    matrix = np.asarray([curves[name] for name in names], dtype="<f4")
    planes = matrix.reshape(-1).view(np.uint8).reshape(-1, _PLANES).T
    return zlib.compress(json.dumps(names).encode() + b"\n" + planes.tobytes(), COMPRESSION_LEVEL)


def decode(data: bytes) -> dict[str, NDArray[np.float32]]:
    """The curves that `encode` was given."""
    header, _, body = zlib.decompress(data).partition(b"\n")
    names = json.loads(header)
    values = np.frombuffer(body, dtype=np.uint8).reshape(_PLANES, -1).T.copy().view("<f4").reshape(len(names), -1)
    return dict(zip(names, values, strict=True))


def decode_chunks(chunks: Iterable[Chunk]) -> dict[str, NDArray[np.float32]]:
    """Join chunks to whole curves, NaN where an epoch has no such metric."""
    parts = [(first, decode(data)) for first, data in chunks]
    if len(parts) == 1 and parts[0][0] == 1:
        return parts[0][1]
    length = max((first - 1 + _epochs(part) for first, part in parts), default=0)
    curves: dict[str, NDArray[np.float32]] = {}
    for first, part in parts:
        for name, values in part.items():
            whole = curves.setdefault(name, np.full(length, np.nan, dtype=np.float32))
            whole[first - 1 : first - 1 + len(values)] = values
    return curves


def one_epoch(figures: Mapping[str, float]) -> dict[str, NDArray[np.float32]]:
    """Figures of a single epoch as curves of length 1."""
    return {name: np.asarray([value], dtype=np.float32) for name, value in figures.items()}


def _epochs(part: Mapping[str, Sequence[float] | NDArray[np.float32]]) -> int:
    """Length of the curves of one chunk."""
    return len(next(iter(part.values()))) if part else 0


class LazyCurves(Curves):
    """Metric name to values of shape ``(num_epochs,)``; opening 10,000 trials costs their bytes, not their decoding."""

    def __init__(self, chunks: tuple[Chunk, ...], num_epochs: int) -> None:
        self._chunks = chunks
        self._curves: dict[str, NDArray[np.float32]] | None = None
        self._num_epochs = num_epochs

    @property
    def num_epochs(self) -> int:
        """Epochs on record."""
        return self._num_epochs

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        return self._decoded()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._decoded())

    def __len__(self) -> int:
        return len(self._decoded())

    def _decoded(self) -> dict[str, NDArray[np.float32]]:
        if self._curves is None:
            self._curves = decode_chunks(self._chunks)
            self._chunks = ()
        return self._curves
