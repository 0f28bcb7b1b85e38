"""Curves that are decoded when somebody looks at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from sweeps.record.curve_codec import decode_chunks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sweeps.record.curve_codec import Chunk


class LazyCurves(Mapping[str, "NDArray[np.float32]"]):
    """Metric name to values of shape ``(num_epochs,)``; opening 10,000 trials costs their bytes, not their decoding."""

    def __init__(self, chunks: tuple[Chunk, ...], num_epochs: int) -> None:
        self._chunks = chunks
        self._curves: dict[str, NDArray[np.float32]] | None = None
        self.num_epochs = num_epochs

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
