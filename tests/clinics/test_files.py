"""Every clinic's files can be read, at both sizes."""

from __future__ import annotations

import pytest
from run import CLINICS, HERE, load_clinic

from sweeps.sweep_file import load_sweep_file


@pytest.mark.parametrize("name", CLINICS)
def test_the_small_and_the_original_sweep_are_the_same_search(name: str) -> None:
    small, original = (load_sweep_file(HERE / name / f"{size}.yaml") for size in ("sweep", "original"))
    assert original.study.startswith(f"clinic-{name}")
    assert original.study != small.study
    assert set(original.space.parameters) == set(small.space.parameters)
    assert original.resources.gpu > 0, "the original size wants a GPU"
    assert small.study == f"clinic-{name}"
    assert small.storage == f"sqlite:///clinic-{name}.db"


@pytest.mark.parametrize("name", CLINICS)
def test_the_first_trial_is_the_failure(name: str) -> None:
    sweep = load_sweep_file(HERE / name / "sweep.yaml")
    assert set(sweep.space.active(sweep.space.starting_points[0])) == set(sweep.space.starting_points[0])
    clinic = load_clinic(name)
    assert clinic.title
    assert len(clinic.outcomes) >= 3
    load_sweep_file(HERE / name / "sweep.yaml", list(clinic.small))
