from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import gammaincc

from reports.flags.chance import gamma_tail


@pytest.mark.parametrize("shape", [0.05, 0.6, 1.0, 1.6, 15.0, 200.0, 20_000.0])
def test_tails_are_those_of_a_reference(shape: float) -> None:
    spread = np.random.default_rng(1).normal(0.0, 4.0, 60)
    for at in [0.0, 1e-9, 0.5, shape, shape + 1.0, 20.0 * shape, *np.maximum(0.0, shape + math.sqrt(shape) * spread)]:
        assert gamma_tail(shape, float(at)) == pytest.approx(float(gammaincc(shape, at)), rel=1e-8, abs=1e-250)


def test_far_out_nothing_is_left() -> None:
    assert gamma_tail(3.0, math.inf) == 0.0
    assert gamma_tail(3.0, 1e9) == 0.0
