"""Benchmarks as modules: what the product quotes from them is compared with what they find."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """The program of ``benchmarks`` that the test module names in ``BENCHMARK``; its own name may be that of a module under test."""
    name = request.module.BENCHMARK
    spec = spec_from_file_location(f"{name}_benchmark", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = module_from_spec(spec)
    sys.modules[spec.name] = found
    path = list(sys.path)
    spec.loader.exec_module(found)
    yield found
    sys.path[:] = path
