"""A winner is called clearly above guessing by luck in at most 5 % of studies in which everything guesses."""

from __future__ import annotations

import numpy as np
import pytest

from reports.verdict.answer import LEVEL, chance_of_right


@pytest.mark.parametrize("compared", [1, 24, 100])
@pytest.mark.parametrize("images", [60, 300])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_best_of_many_that_guess_is_seldom_called_above_guessing(compared: int, images: int, share: float) -> None:
    rng = np.random.default_rng(1)
    best = rng.binomial(images, share, (4000, compared)).max(axis=1)
    called = np.mean([chance_of_right(int(right), images, share) <= LEVEL / compared for right in best])
    assert called <= LEVEL + 0.01


def test_the_chance_is_the_binomial_tail() -> None:
    assert chance_of_right(1, 3, 0.5) == pytest.approx(7 / 8)
    assert chance_of_right(3, 3, 0.5) == pytest.approx(1 / 8)
    assert chance_of_right(0, 3, 0.5) == 1.0
    assert chance_of_right(50_000, 100_000, 0.1) == 0.0
