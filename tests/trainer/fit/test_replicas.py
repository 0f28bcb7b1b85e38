"""One training over two devices (logical CPUs here) is the training on one, up to rounding."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

NOT_COMPARED = {"images_per_second", "peak_memory_mb", "seconds"}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    program = Path(__file__).with_name("two_devices.py")
    folder = tmp_path_factory.mktemp("two-devices")
    done = subprocess.run([sys.executable, str(program), str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["whole", "begun on two, ended on one"])
def test_two_devices_train_as_one_does(found: dict[str, Any], name: str) -> None:
    one, two = found[name]
    assert one.keys() == two.keys()
    for figure in one.keys() - NOT_COMPARED:
        assert len(one[figure]) == 3
        np.testing.assert_allclose(two[figure], one[figure], rtol=2e-3, atol=2e-4, err_msg=figure)


def test_the_ledger_of_two_devices_is_of_every_validation_image(found: dict[str, Any]) -> None:
    for right, curves in zip(found["right"], found["whole"], strict=True):
        np.testing.assert_allclose(right, curves["val_accuracy"], atol=1e-9)


def test_more_devices_than_there_are_is_said(found: dict[str, Any]) -> None:
    assert found["error"].startswith("ConfigError: resources.gpu: the training is to run on 3 devices, but TensorFlow sees 2 CPU(s)")


def test_the_exported_model_is_of_one_device_and_of_stock_layers(found: dict[str, Any]) -> None:
    assert found["layers"] == ["keras:False"]
