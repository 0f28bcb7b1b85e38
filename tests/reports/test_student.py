from __future__ import annotations

import numpy as np
import pytest
from scipy.special import stdtr

from reports.flags.chance import student_distribution


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 10, 33, 1000])
def test_the_distribution_is_that_of_a_reference(freedom: int) -> None:
    at = np.linspace(-60.0, 60.0, 301)
    assert student_distribution(at, freedom) == pytest.approx(stdtr(freedom, at), abs=1e-12)
