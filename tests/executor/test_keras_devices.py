"""What TensorFlow is told about a trial's share of the machine. Where there is no GPU, that is all that can be tested."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from sweeps import keras_trainable
from sweeps.errors import SweepInputError


class Told:
    """Stands for ``tensorflow.config``: two GPUs, everything told is kept."""

    def __init__(self) -> None:
        self.threads: int | None = None
        self.visible: Any = "all"
        self.limits: dict[str, int] = {}
        self.threading = SimpleNamespace(set_intra_op_parallelism_threads=lambda count: setattr(self, "threads", count))

    def list_physical_devices(self, kind: str) -> list[SimpleNamespace]:
        assert kind == "GPU"
        return [SimpleNamespace(name=f"/physical_device:GPU:{index}") for index in range(2)]

    def set_visible_devices(self, devices: list[Any], kind: str) -> None:
        assert kind == "GPU"
        self.visible = devices

    def LogicalDeviceConfiguration(self, memory_limit: int) -> int:  # noqa: N802 - TensorFlow's name
        return memory_limit

    def set_logical_device_configuration(self, device: SimpleNamespace, configurations: list[int]) -> None:
        (self.limits[device.name],) = configurations


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(config=told))
    monkeypatch.setattr(keras_trainable, "memory_mb", lambda index: [80_000.0, 16_000.0][index])
    return told


def test_a_trial_without_a_gpu_is_told_to_see_none(told: Told) -> None:
    keras_trainable.use_share(cpu=2.0, gpu=0.0)
    assert (told.visible, told.threads, told.limits) == ([], 2, {})


def test_a_fraction_limits_the_memory_of_each_gpu(told: Told) -> None:
    keras_trainable.use_share(cpu=0.5, gpu=0.25)
    assert (told.visible, told.threads) == ("all", 1)
    assert told.limits == {"/physical_device:GPU:0": 20_000, "/physical_device:GPU:1": 4_000}


@pytest.mark.parametrize("gpu", [1.0, 2.0])
def test_whole_gpus_have_no_limit(told: Told, gpu: float) -> None:
    keras_trainable.use_share(cpu=1.0, gpu=gpu)
    assert (told.visible, told.limits) == ("all", {})


def test_memory_is_taken_as_it_is_needed(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that has a fixed limit refuses, which is no harm."""
    from trainer.fit.process import share_gpus

    grows: dict[str, bool] = {}

    def set_memory_growth(device: SimpleNamespace, *, enable: bool) -> None:
        if device.name in told.limits:
            raise ValueError("Cannot set memory growth on device when virtual devices configured")
        grows[device.name] = enable

    monkeypatch.setattr(told, "experimental", SimpleNamespace(set_memory_growth=set_memory_growth), raising=False)
    told.limits["/physical_device:GPU:1"] = 4_000
    share_gpus()
    assert grows == {"/physical_device:GPU:0": True}


def test_memory_is_asked_of_the_device_that_the_process_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def run(command: list[str], **_: object) -> SimpleNamespace:
        asked.append(command[-1])
        return SimpleNamespace(stdout="143771\n")

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-8f2c")
    monkeypatch.setattr(subprocess, "run", run)
    assert keras_trainable.memory_mb(1) == 143_771.0
    assert keras_trainable.memory_mb(0) == 143_771.0
    assert asked == ["--id=GPU-8f2c", "--id=3"]


def test_a_missing_tool_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_trainable, "TOTAL_MEMORY", ("no-such-tool-here",))
    with pytest.raises(SweepInputError, match="Use a whole GPU per trial"):
        keras_trainable.memory_mb(0)
