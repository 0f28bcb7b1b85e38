"""How many trials fit."""

from __future__ import annotations

import pytest

from sweeps.executor.placement import fit
from sweeps.sweep_file.settings import ResourceSettings


@pytest.mark.parametrize(
    ("cpu", "gpu", "nodes", "expected"),
    [
        (1.0, 0.0, [{"CPU": 2.0}], 2),
        (0.1, 0.0, [{"CPU": 1.0}], 10),
        (4.0, 0.0, [{"CPU": 2.0}, {"CPU": 2.0}], 0),
        (1.0, 0.5, [{"CPU": 8.0, "GPU": 1.0}, {"CPU": 8.0}], 2),
        (1.0, 0.3, [{"CPU": 8.0, "GPU": 2.0}], 6),
        (1.0, 2.0, [{"CPU": 8.0, "GPU": 1.0}, {"CPU": 8.0, "GPU": 3.0}], 1),
        (1.0, 0.0, [], 0),
    ],
)
def test_a_trial_fits_whole_on_one_machine(cpu: float, gpu: float, nodes: list[dict[str, float]], expected: int) -> None:
    assert fit(ResourceSettings(cpu=cpu, gpu=gpu), nodes) == expected
