"""What only a GPU can show: limits that hold, memory that runs out, several GPUs as one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.gpu

LIMITED = """
import json
from sweeps.keras_trainable import memory_mb, use_share
use_share(cpu=1.0, gpu=0.05)
import tensorflow as tf
from sweeps.executor.attempt import cause_of
limit = 0.05 * memory_mb(0)
found = {"limit": limit}
held = []
try:
    while True:
        held.append(tf.ones((64, 1024, 1024)))
except Exception as error:
    found["cause"] = cause_of(error, on_gpu=True).value
found["held_mb"] = 256.0 * len(held)
print(json.dumps(found))
"""

SHARED = """
import json
from sweeps.keras_trainable import use_share
use_share(cpu=1.0, gpu=GPU)
from trainer.fit.process import share_gpus
share_gpus()
import tensorflow as tf
devices = tf.config.list_physical_devices("GPU")
print(json.dumps({
    "visible": len(tf.config.get_visible_devices("GPU")),
    "grows": [tf.config.experimental.get_memory_growth(device) for device in devices],
}))
"""

TWO = """
import json
from trainer import train
from trainer.config import DataConfig, ModelConfig, SplitConfig, TrainConfig, TrainingConfig
config = TrainConfig(
    data=DataConfig(source="digits", split=SplitConfig(train=65, validation=100, test=0)),
    model=ModelConfig(backbone="small_resnet", options={"filters": [4]}),
    training=TrainingConfig(epochs=2, batch_size=16, learning_rate=0.01, deterministic=True),
)
print(json.dumps([train(config, devices=devices).curves["val_loss"] for devices in (1, 2)]))
"""

KEPT = """
import json, tempfile
from pathlib import Path
import keras
from trainer import train
from trainer.config import ModelConfig, TrainConfig
from trainer.network import frozen_plan
from trainer.network.build import build_backbone
from trainer.network.weights import save_backbone
from trainer.fit.process import configure_determinism
configure_determinism(True)
frozen_plan.PAYS_FROM = 0.0
folder = tempfile.mkdtemp()
model = {"backbone": "small_resnet", "options": {"filters": [8, 16], "blocks": 1}}
keras.utils.set_random_seed(0)
save_backbone(build_backbone(ModelConfig(**model), (8, 8, 1)), Path(folder, "backbone.weights.h5"))
found = {}
for boundary in ("all", "stage1_block1"):
    for augmentation in ("none", "light"):
        config = TrainConfig(
            data={"source": "digits", "augmentation": augmentation, "cache_path": folder, "split": {"train": 256, "validation": 100, "test": 0}},
            model={**model, "weights": folder + "/backbone.weights.h5", "frozen_layers": boundary, "dropout": 0.2},
            training={"epochs": 3, "batch_size": 32, "learning_rate": 0.001, "deterministic": True},
            data_seed=7,
        )
        runs = [train(config, trainings=trainings, keep_compiled=False) for trainings in (0, 9, 9)]
        found[boundary + " " + augmentation] = {
            "kept": [run.frozen_features.startswith("kept") for run in runs],
            "computed": [run.figures.get("features_computed") for run in runs],
            "loss": [run.curves["loss"] for run in runs],
            "val_loss": [run.curves["val_loss"] for run in runs],
        }
print(json.dumps(found))
"""


PRUNED = """
import json, os, subprocess, tempfile
os.chdir(tempfile.mkdtemp())
from sweeps.executor.protocol import Cause, Ended, EpochEnded, TrialTask
from sweeps.executor.worker import Worker, WorkerSettings
from sweeps.keras_trainable import TRAINABLE
from trainer.config import TrainConfig
worker, held = Worker(WorkerSettings()), []

def used():
    import tensorflow as tf
    return tf.config.experimental.get_memory_info("GPU:0")["current"] / 1e6

for number in range(12):
    config = TrainConfig(
        data={"source": "digits", "image_size": 64, "split": {"train": 600, "validation": 100, "test": 0}},
        model={"backbone": "plain_cnn", "options": {"filters": [64 + 16 * (number % 3)], "kernel": 3}},
        training={"epochs": 50, "batch_size": 100},
        seed=number,
    )
    worker.begin(TrialTask(number, 0, TRAINABLE, config.model_dump(mode="json"), os.path.abspath(str(number))))
    end = None
    while end is None:
        for event in worker.next_events().events:
            if isinstance(event, EpochEnded):
                worker.stop(number, 0)
            if isinstance(event, Ended):
                end = event
    assert end.cause in (Cause.STOPPED, Cause.COMPLETED), end
    held.append(used())
print(json.dumps(held))
"""


def answer(program: str) -> Any:  # noqa: ANN401 - JSON
    """What a program of its own prints last, as JSON."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_fraction_is_a_limit_that_holds_and_its_end_is_told_apart() -> None:
    found = answer(LIMITED)
    assert found["cause"] == "gpu out of memory"
    assert 0.5 * found["limit"] < found["held_mb"] <= found["limit"]


def test_a_whole_gpu_is_taken_as_needed_and_a_cpu_trial_sees_none() -> None:
    assert all(answer(SHARED.replace("GPU)", "1.0)"))["grows"])
    assert answer(SHARED.replace("GPU)", "0.0)"))["visible"] == 0


@pytest.mark.gpu(count=2)
def test_two_gpus_train_as_one_does() -> None:
    one, two = answer(TWO)
    np.testing.assert_allclose(two, one, rtol=5e-3)


def test_a_training_that_shares_activations_is_the_training_alone() -> None:
    """What was read gives what was computed, to the last bit; beside a training that runs its frozen part in each step, kernels may round in another way."""
    for case, found in answer(KEPT).items():
        assert found["kept"] == [False, True, True], case
        assert (found["computed"][1] > 0, found["computed"][2]) == (True, 0), case
        _, computed, read = found["loss"]
        assert (computed, found["val_loss"][1]) == (read, found["val_loss"][2]), case
        alone = found["loss"][0]
        np.testing.assert_allclose(computed[0], alone[0], rtol=1e-3, err_msg=case)  # TF32 convolutions keep ten bits
        np.testing.assert_allclose(found["val_loss"][1], found["val_loss"][0], rtol=2e-2, err_msg=case)


def test_memory_is_free_again_after_each_trial_that_is_stopped() -> None:
    """Trials of three sizes that are stopped after their first epoch, as a pruner does; what stays are the networks that are kept for reuse."""
    held = answer(PRUNED)
    assert max(held[6:]) <= max(held[3:6]) + 5, f"MB that TensorFlow holds after each: {held}"


def test_a_sweep_on_a_share_of_a_gpu_reports_what_did_not_fit(tmp_path: Path) -> None:
    """Two batch sizes of upscaled digits; the larger one's activations alone exceed the share."""
    from reports.verdict import build_report_data
    from sweeps.record import read_study

    (tmp_path / "sweep.yaml").write_text("""\
study: shared-gpu
data: {source: digits, image_size: 256, split: {train: 1200, validation: 40, test: 0}}
model: {backbone: plain_cnn, options: {filters: [128], kernel: 3}}
training: {epochs: 1, learning_rate: 0.001}
space: {batch_size: {ordinal: [4, 1024]}}
search: {trials: 2, sampler: grid, pruner: none}
confirm: off
resources: {cpu: 1, gpu: 0.05, concurrent: 1}
""")
    command = [sys.executable, "-m", "sweeps.cli", "run", "sweep.yaml", "--quiet"]
    done = subprocess.run(command, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, check=False)
    record = read_study(f"sqlite:///{tmp_path}/shared-gpu.db", "shared-gpu")
    ends = {trial.params["batch_size"]: (trial.state, trial.cause, len(trial.attempts)) for trial in record.trials}
    assert ends == {"4": ("COMPLETE", None, 1), "1024": ("FAIL", "gpu out of memory", 1)}, done.stderr
    failed = [(cell.batch_size, len(cell.failed)) for cell in build_report_data(record).progress.memory]
    assert failed == [("4", 0), ("1024", 1)]
