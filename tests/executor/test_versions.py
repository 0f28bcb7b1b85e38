"""Which differences between machines matter."""

from __future__ import annotations

import pytest

from sweeps.environment import compare_versions

DRIVER = {
    "python": "3.11.9",
    "steadysweep": "0.1.0",
    "keras": "3.15.1",
    "tensorflow": "2.21.0",
    "ray": "2.60.0",
    "optuna": "5.0.0",
    "numpy": "2.4.0",
}


@pytest.mark.parametrize(
    ("changed", "refused", "warned"),
    [
        ({}, (), ()),
        ({"steadysweep": "0.1.1"}, ("steadysweep 0.1.1, the driver has 0.1.0",), ()),
        ({"keras": "3.14.0"}, ("keras 3.14.0, the driver has 3.15.1",), ()),
        ({"keras": "3.15.0"}, (), ("keras 3.15.0, the driver has 3.15.1",)),
        ({"tensorflow": "2.20.1"}, ("tensorflow 2.20.1, the driver has 2.21.0",), ()),
        ({"tensorflow": None}, ("tensorflow not installed, the driver has 2.21.0",), ()),
        ({"python": "3.11.2"}, (), ("python 3.11.2, the driver has 3.11.9",)),
        ({"python": "3.12.1"}, ("python 3.12.1, the driver has 3.11.9",), ()),
        ({"ray": "2.60.1", "numpy": None}, (), ("ray 2.60.1, the driver has 2.60.0", "numpy not installed, the driver has 2.4.0")),
        ({"optuna": None}, (), ()),  # only the driver proposes
    ],
)
def test_what_is_refused_and_what_is_said(changed: dict[str, str | None], refused: tuple[str, ...], warned: tuple[str, ...]) -> None:
    machine = {name: version for name, version in (DRIVER | changed).items() if version is not None}
    found = compare_versions(DRIVER, machine)
    assert (found.refused, found.warned) == (refused, warned)
