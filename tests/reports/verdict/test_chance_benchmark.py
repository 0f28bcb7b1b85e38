"""`benchmarks/chance.py` runs, and what the product quotes from it is what it finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reports.diagnosis import causes

if TYPE_CHECKING:
    from types import ModuleType

BENCHMARK = "chance"


def test_runs_calm_by_themselves_as_often_as_the_diagnosis_says(benchmark: ModuleType) -> None:
    found = benchmark.calm(0)
    assert found["halved"] == pytest.approx(causes._CALM_BY_THEMSELVES, abs=0.02)
    assert found["swapped"] < 0.02 < found["other"]


def test_a_planted_cause_is_found(benchmark: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    few = benchmark.known(4)
    assert few["sampling, 48, 0.0"]["named"] == 1.0
    assert "| sampling | 48 |" in capsys.readouterr().out
