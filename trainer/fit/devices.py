"""GPU settings that must come before TensorFlow runs anything."""

from __future__ import annotations

import contextlib


def share_gpus() -> None:
    """Let TensorFlow take GPU memory as it needs it instead of all at once, so that several trials fit one GPU; a no-op once it has started."""
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError, ValueError):  # started, or given a fixed limit: a trial with a fraction of the GPU
            tf.config.experimental.set_memory_growth(gpu, enable=True)
