"""What `check` says of memory, and how many trials ``resources.gpu: auto`` puts on a GPU."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from sweeps.executor.placement import fit
from sweeps.launch.memory import CONTEXT, MARGIN, heaviest, heaviest_configs, pack, smallest_gpu
from sweeps.study.plan import plan_of
from sweeps.sweep_file import sweep_from_text
from sweeps.sweep_file.settings import ResourceSettings
from trainer.network.memory import Memory

HEAD = "study: a\ndata: {source: digits}\n"
GIB = 2**30


def test_the_largest_training_has_the_largest_batch_the_least_frozen_and_the_hungriest_optimizer() -> None:
    space = """space:
  batch_size: {choice: [16, 64, 32]}
  optimizer: {choice: [sgd, adam]}
  frozen_layers: {choice: [all, none]}
  backbone: {choice: [small_resnet, vgg16]}
"""
    configs, left_out = heaviest_configs(sweep_from_text(HEAD + space), Path.cwd())
    assert {(each.model.backbone, each.training.batch_size, each.training.optimizer, each.model.frozen_layers) for each in configs} == {
        ("small_resnet", 64, "adam", "none"),
        ("vgg16", 64, "adam", "none"),
    }
    assert left_out == 0
    small, large = Memory(weights=10, step=100), Memory(weights=10**9, optimizer=10**9, step=3 * 10**9, images=10**8)
    found = heaviest(configs, [small, large], left_out)
    assert found.total == 5_100_000_000
    assert found.sentence == (
        f"a training takes about 5.1 GB of its device at its peak, as told from the network with backbone: {configs[1].model.backbone}, batch_size: 64, "
        "frozen_layers: none, the largest of the space: weights 1 GB, optimiser 1 GB, gradients and activations 3 GB, images 100 MB; "
        "measured ones took 1.2 to 2 times that"
    )
    unknown = heaviest(configs, [Memory(why="strange (Op) puts out a tensor of unknown shape"), large], left_out)
    assert unknown.total is None
    assert unknown.sentence.startswith("cannot be told before it is trained: strange (Op) puts out a tensor of unknown shape (backbone: ")


@pytest.mark.parametrize(
    ("predicted", "device", "trials"),
    [
        (None, None, 0),
        (2 * GIB, None, 0),
        (None, 16 * GIB, 1),
        (2 * GIB, 16 * GIB, 3),
        (9 * GIB, 16 * GIB, 1),
        (40 * GIB, 16 * GIB, 1),
        (10**6, 80 * GIB, 16),
    ],
)
def test_as_many_trials_share_a_gpu_as_fit(predicted: int | None, device: int | None, trials: int) -> None:
    found = pack(predicted, device)
    assert found.trials == trials
    resources = ResourceSettings(cpu=1, gpu=found.gpu)
    assert fit(resources, [{"CPU": 64, "GPU": 1}]) == (trials or 64)
    if trials > 1:
        assert predicted is not None
        assert device is not None
        assert trials * (MARGIN * predicted + CONTEXT) <= device
    words = {0: "there is no GPU here", 1: "a GPU for each trial"}.get(trials, f"{trials} trials share a GPU, {found.gpu:g} of it each")
    assert words in found.sentence


def test_the_smallest_gpu_of_the_machine_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nprintf '16384\\n8192\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert smallest_gpu() == 8 * GIB
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert smallest_gpu() is None
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    program.write_text("#!/bin/sh\nexit 9\n")
    assert smallest_gpu() is None


def test_auto_is_none_until_the_gpu_is_known() -> None:
    sweep = sweep_from_text(HEAD + "space: {learning_rate: {float: [0.1, 1]}}\nresources: {gpu: auto}\n")
    assert plan_of(sweep, "a:b").gpu == 0.0
    assert plan_of(sweep.with_gpu(0.25), "a:b").gpu == 0.25
    assert "gpu: auto" in sweep.to_yaml()
    with pytest.raises(ValidationError, match="auto"):
        ResourceSettings.model_validate({"gpu": "half"})
    with pytest.raises(ValidationError, match="a fraction of one GPU or a whole number"):
        ResourceSettings(gpu=1.5)
