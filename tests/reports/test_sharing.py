"""What a study is told of the work that its trials shared."""

from __future__ import annotations

from reports.records import TrialRecord
from reports.sharing import shared_work


def trial(number: int, fact: str, **figures: float) -> TrialRecord:
    return TrialRecord(number, f"c{number}", "search", "COMPLETE", number, {}, {}, 5, figures=figures, facts={"frozen_features": fact})


def test_what_was_computed_and_read_is_added_up_and_the_rest_has_its_reasons() -> None:
    kept = "kept: activations at conv4_block6_out, those of 5 epochs"
    found = shared_work(
        [
            trial(0, kept, features_computed=6, features_read=0, precomputed_seconds=40.0, features_saved_seconds=0.0),
            trial(1, kept, features_computed=0, features_read=6, precomputed_seconds=1.4, features_saved_seconds=39.0),
            trial(2, "each step: nothing is frozen"),
            trial(3, "each step: nothing is frozen"),
            trial(4, "each step: sharing is off"),
        ]
    )
    assert found is not None
    assert found.sentence == (
        "In 2 trials activations of the frozen part were kept: computed 6 times (41 s), read 6 times instead, which saved about 39 s. "
        "The frozen part ran in each step: nothing is frozen (2 trials); sharing is off (1 trial)."
    )


def test_half_precision_is_called_an_approximation() -> None:
    found = shared_work([trial(0, "kept: activations at pool", features_computed=1, features_float16=1)])
    assert found is not None
    assert "float16, an approximation" in found.sentence


def test_nothing_is_said_where_nothing_is_frozen_or_known() -> None:
    assert shared_work([trial(0, "each step: nothing is frozen")]) is None
    assert shared_work([TrialRecord(0, "c", "search", "COMPLETE", 0, {}, {}, 5)]) is None
