from __future__ import annotations

import numpy as np
import pytest

from trainer.checkpoints import Pace
from trainer.fit.history import LATE_EPOCHS, candidates, level_has_stalled


def test_a_rising_curve_does_not_stall_and_a_flat_one_does() -> None:
    assert not level_has_stalled(list(np.linspace(0.5, 0.9, 30)), 3, maximize=True)
    assert level_has_stalled([0.5, 0.7, 0.8, 0.8, 0.8, 0.7, 0.7, 0.7, 0.7], 3, maximize=True)


def test_an_alternating_curve_is_judged_by_its_level_not_by_its_lucky_epochs() -> None:
    alternating = [0.9, 0.6] * 15
    lucky_forever = [value + 0.0001 * epoch * (epoch % 2 == 0) for epoch, value in enumerate(alternating)]
    assert level_has_stalled([0.95, *alternating], 10, maximize=True)
    assert not level_has_stalled(list(np.linspace(0.5, 0.9, 31)), 10, maximize=True)
    assert len(lucky_forever) == 30


def test_a_loss_stalls_when_it_no_longer_falls() -> None:
    assert not level_has_stalled([1.0, 0.8, 0.6, 0.4], 2, maximize=False)
    assert level_has_stalled([1.0, 0.5, 0.6, 0.7, 0.8, 0.9], 2, maximize=False)


def test_the_best_late_epoch_is_exported_and_early_luck_is_not() -> None:
    curve = [0.99, *[0.7] * LATE_EPOCHS]
    curve[4] = 0.8
    every = range(1, len(curve) + 1)
    assert candidates(curve, every, maximize=True)[0] == 5
    assert candidates(curve, every, maximize=False)[0] == len(curve), "equal losses: the later"


def test_only_epochs_that_may_still_be_best_are_kept() -> None:
    assert candidates([0.5, 0.9, 0.8, 0.85, 0.7], [1, 2, 3, 4, 5], maximize=True) == (2, 4, 5)
    assert candidates([0.5, 0.9, 0.8, 0.85, 0.7], [1, 3, 5], maximize=True) == (3, 5)
    assert candidates([0.5, float("nan")], [1, 2], maximize=True) == (1, 2)


@pytest.mark.parametrize("epochs", [1, 5, 40])
def test_what_is_kept_now_always_holds_what_is_exported_later(epochs: int) -> None:
    curve = list(np.random.default_rng(epochs).uniform(size=epochs))
    available: tuple[int, ...] = ()
    for newest in range(1, epochs + 1):
        available = candidates(curve[:newest], [*available, newest], maximize=True)
    late = range(max(1, epochs - LATE_EPOCHS + 1), epochs + 1)
    assert available[0] == max(late, key=lambda epoch: curve[epoch - 1])


def test_dear_checkpoints_are_written_as_seldom_as_keeps_them_under_five_percent() -> None:
    pace, written = Pace(), []
    for epoch in range(1, 101):
        pace = pace.trained(2.0)
        if pace.due(epoch, 100, None):
            written.append(epoch)
            pace = Pace(write_seconds=1.0)
    assert written == [1, *range(11, 100, 10), 100]
    assert Pace(write_seconds=0.01, trained_seconds=0.01).due(3, 100, None), "cheap ones every epoch"
    assert [epoch for epoch in range(1, 8) if Pace(9.0, 0.0).due(epoch, 7, 3)] == [3, 6, 7]
