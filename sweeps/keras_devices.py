"""What TensorFlow is told about the share of a machine that a trial has; must come before TensorFlow runs anything in the process."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import Any

from sweeps.errors import SweepInputError
from trainer.fit.quiet_import import import_tensorflow_quietly

TOTAL_MEMORY = ("nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits")
"""Prints MiB, one line a GPU, in the order of the devices' indices."""


def use_share(*, cpu: float, gpu: float) -> None:
    """Restrict TensorFlow to a trial's CPU cores and GPU share. In a process that trained before, what was told then stays.

    Without GPUs it is told to see none: Ray itself leaves them visible. A fraction of a GPU becomes a limit on this process's memory,
    since neither Ray nor TensorFlow guards one trial's memory from another's; whole GPUs are taken as needed (the trainer sets memory growth).

    Args:
        cpu: cores, fractions allowed.
        gpu: GPUs, a fraction of one or a whole number.

    Raises:
        SweepInputError: the size of a GPU's memory cannot be told.
    """
    import_tensorflow_quietly()
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):  # TensorFlow has started, in an earlier trial of this process
        tf.config.threading.set_intra_op_parallelism_threads(max(1, round(cpu)))
        devices = tf.config.list_physical_devices("GPU")
        if not gpu:
            tf.config.set_visible_devices([], "GPU")
        elif gpu < 1:
            for device in devices:
                _limit_memory(tf, device, gpu)


def _limit_memory(tf: Any, device: Any, share: float) -> None:  # noqa: ANN401 - TensorFlow has no types
    limit = share * memory_mb(_index(device.name))
    tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration(memory_limit=int(limit))])


def memory_mb(index: int) -> float:
    """Memory of the GPU that this process sees under `index`, in MiB.

    Raises:
        SweepInputError: the driver's tool does not tell.
    """
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    name = visible[index] if index < len(visible) else str(index)
    try:
        told = subprocess.run([*TOTAL_MEMORY, f"--id={name}"], capture_output=True, text=True, check=True, timeout=30)  # noqa: S603 - fixed command
        return float(told.stdout.split()[0])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise SweepInputError(
            f"resources.gpu: a fraction of GPU {name} needs its memory size, which nvidia-smi did not tell: {error}. Use a whole GPU per trial."
        ) from error


def _index(name: str) -> int:
    return int(name.rsplit(":", 1)[-1])
