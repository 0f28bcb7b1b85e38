"""How many trials a worker has at a time, and what `check` says of it."""

from __future__ import annotations

import pytest

from sweeps.study.plan import slots_of, slots_sentence
from sweeps.sweep_file import SweepFile, sweep_from_text
from sweeps.sweep_file.configuration import train_config

HEAD = "weights: /pretrained.weights.h5, frozen_layers: all"


def sweep(model: str = HEAD, trials: int = 64, resources: str = "{}", space: str = "") -> SweepFile:
    return sweep_from_text(
        f"study: heads\ndata: {{source: digits}}\nmodel: {{backbone: small_resnet, {model}}}\n"
        f"space: {{learning_rate: {{float: [0.001, 0.1], log: true}}{space}}}\nsearch: {{trials: {trials}}}\nresources: {resources}\n"
    )


def slots(given: SweepFile) -> int:
    return slots_of(given, train_config(given, {"learning_rate": 0.01}, 0))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (sweep(), 6),
        (sweep(trials=12), 1),
        (sweep(trials=1000), 8),
        (sweep(trials=12, resources="{slots: 3}"), 3),
        (sweep(resources="{slots: 1}"), 1),
        (sweep(resources="{concurrent: 2}"), 1),
        (sweep(resources="{concurrent: 8, slots: 4}"), 4),
        (sweep(resources="{gpu: 1, slots: 4}"), 1),
        (sweep(f"{HEAD}, head_bn: true", resources="{slots: 4}"), 1),
        (sweep("frozen_layers: all", resources="{slots: 4}"), 1),  # frozen weights of its own
        (sweep("frozen_layers: none", resources="{slots: 4}"), 1),
    ],
)
def test_a_worker_has_slots_where_heads_can_share_a_program(given: SweepFile, expected: int) -> None:
    assert slots(given) == expected


def test_check_tells_them_and_why_there_are_none() -> None:
    told = "up to 6 trials of a worker process train their heads in one program (resources.slots)"
    assert slots_sentence(sweep()) == told
    varied = sweep("weights: /pretrained.weights.h5", space=", frozen_layers: {choice: [none, all]}")
    assert slots_sentence(varied) == told
    assert slots_sentence(sweep("frozen_layers: none")) is None
    assert slots_sentence(sweep(f"{HEAD}, head_bn: true")) == "each trial has a worker process for itself: its head has BatchNorm"
    assert "fewer than twenty trials" in (slots_sentence(sweep(trials=12)) or "")
    assert "on a GPU" in (slots_sentence(sweep(resources="{gpu: 1}")) or "")
