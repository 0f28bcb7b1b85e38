"""`benchmarks/chance.py` runs, and what the product quotes from it is what it finds."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reports.diagnosis import causes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

BENCHMARK = Path(__file__).resolve().parents[3] / "benchmarks" / "chance.py"


@pytest.fixture(scope="module")
def benchmark() -> Iterator[ModuleType]:
    """The program as a module."""
    spec = spec_from_file_location("chance_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    path = list(sys.path)
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = path


def test_runs_calm_by_themselves_as_often_as_the_diagnosis_says(benchmark: ModuleType) -> None:
    found = benchmark.calm(0)
    assert found["halved"] == pytest.approx(causes._CALM_BY_THEMSELVES, abs=0.02)
    assert found["swapped"] < 0.02 < found["other"]


def test_a_planted_cause_is_found(benchmark: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    few = benchmark.known(4)
    assert few["sampling, 48, 0.0"]["named"] == 1.0
    assert "| sampling | 48 |" in capsys.readouterr().out
