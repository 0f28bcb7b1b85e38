"""What `check` and `init` promise before anything is trained holds on the tabular study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from reports.verdict import power

if TYPE_CHECKING:
    from types import ModuleType

BENCHMARK = "power"


def test_the_constants_are_those_of_the_tabular_study(benchmark: ModuleType) -> None:
    _, _, found = benchmark.noises()
    image, seed = benchmark.together(list(found.values()))
    assert pytest.approx(image, rel=0.03) == power.IMAGE_VARIANCE
    assert pytest.approx(seed, rel=0.06) == power.SEED_VARIANCE
    assert benchmark.MARGIN == power.MARGIN


def test_four_in_five_pairs_that_far_apart_are_told_apart_in_a_space_that_gave_no_constant(
    benchmark: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    _, held, found = benchmark.noises()
    results = benchmark.promise_part(held, found)
    told = [space["1"]["told"] for space in results.values() if space["1"]["told"] is not None]
    three = [space["3"]["told"] for space in results.values() if space["3"]["told"] is not None]
    assert 0.7 < np.mean(told) < 0.9
    assert 0.7 < np.mean(three) < 0.9
    assert min(told) > 0.5
    assert "80 % was promised" in capsys.readouterr().out


def test_images_fitted_on_subsets_foretell_the_noise_on_a_thousand_test_images(benchmark: ModuleType) -> None:
    _, _, found = benchmark.noises()
    ratios = [np.sqrt((each.image / each.test_images + each.seed) / each.test) for each in found.values() if not each.resplit]
    assert min(ratios) > 0.8
    assert max(ratios) < 1.2


def test_more_images_and_more_trainings_tell_more_apart_and_images_alone_are_not_enough() -> None:
    few, many = power.power_of(284, 24, 4, num_train=200), power.power_of(1200, 24, 4, num_train=200)
    assert many.apart < few.apart
    assert few.apart_several == pytest.approx(few.apart / np.sqrt(3))
    assert many.apart > power.MARGIN * power.Z * np.sqrt(2 * power.SEED_VARIANCE), "what seeds do stays"
    assert (round(100 * few.apart_images, 1), round(100 * many.apart_images, 1)) == (4.1, 2.0)
    assert few.apart_range[0] < few.apart < few.apart_range[1]
    assert few.apart_more == pytest.approx(power.distance(4 * 284))


def test_a_tie_is_of_one_at_least_and_of_all_at_most_and_shrinks_with_what_is_spent() -> None:
    for num_val in (1, 100, 100_000):
        for configurations in (1, 2, 24, 1000):
            low, likely, high = power.likely_tie(num_val, configurations, 3)
            assert 1 <= low <= likely <= high <= configurations
    assert power.likely_tie(284, 48, 48)[1] < power.likely_tie(284, 48, 7)[1] < power.likely_tie(284, 48, 0)[1]
    assert power.likely_tie(284, 24, 4)[1] < power.likely_tie(284, 48, 4)[1]


def test_the_sentences_say_images_seeds_and_what_the_budget_ends_in() -> None:
    known = power.power_of(284, 24, 4, num_train=200)
    told, more, end = power.power_sentences(known)
    assert told.startswith(f"284 validation images tell two configurations apart that differ by {100 * known.apart:.1f} points or more, ")
    assert told.endswith(f"with 3 trainings each by {100 * known.apart_several:.1f} points")
    assert more.startswith("the images alone would tell 4.1 points")
    assert f"1,136 images would tell {100 * known.apart_more:.1f} points" in more
    assert end.startswith(f"24 configurations and 4 fresh trainings are likely to end with {known.tie} of which each may be the best")
    large = power.power_sentences(power.power_of(284, 24, 4, num_train=50_000))[1]
    assert "what seeds do with 400 training images at most, the most that was measured" in large
    assert len(power.power_sentences(power.power_of(284, 1, 0, num_train=200))) == 2, "one configuration has no rival"
