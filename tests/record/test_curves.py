"""Curves as bytes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sweeps.record.schema import LazyCurves, decode, decode_chunks, encode, one_epoch

NAMES = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4, unique=True)


@given(names=NAMES, epochs=st.integers(0, 40), data=st.data())
def test_curves_come_back_bit_by_bit(names: list[str], epochs: int, data: st.DataObject) -> None:
    curves = {name: data.draw(arrays(np.float32, epochs, elements=st.floats(width=32))) for name in names}
    back = decode(encode(curves))
    assert list(back) == names
    assert all(back[name].tobytes() == curves[name].tobytes() for name in names)


@given(epochs=st.lists(st.dictionaries(st.sampled_from("abc"), st.floats(width=32, allow_nan=False)), max_size=12))
def test_epochs_one_by_one_join_to_whole_curves(epochs: list[dict[str, float]]) -> None:
    chunks = [(index, encode(one_epoch(figures))) for index, figures in enumerate(epochs, start=1) if figures]
    curves = decode_chunks(chunks)
    for index, figures in enumerate(epochs):
        for name, value in figures.items():
            assert curves[name][index] == np.float32(value)
    assert all(
        np.isnan(values).sum() == len(values) - sum(name in figures for figures in epochs)
        for name, values in curves.items()
        if len(values) == len(epochs)
    )


def test_real_curves_take_less_than_their_bytes() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, (20, 100))
    curves = {f"m{index}": values for index, values in enumerate((1 - np.exp(-np.arange(100) / 20) + noise).astype(np.float32))}
    assert len(encode(curves)) < 0.95 * 20 * 100 * 4


def test_nothing_is_decoded_before_somebody_looks() -> None:
    curves = LazyCurves(((1, b"not a curve"),), 3)
    assert curves.num_epochs == 3
    assert dict(LazyCurves((), 0)) == {}
