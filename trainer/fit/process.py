"""What a training sets and measures of its process: bit-exact repeats, GPU memory, a quiet import of TensorFlow, peak memory."""

from __future__ import annotations

import contextlib
import os
import resource
import sys

from trainer.errors import ConfigError


def configure_determinism(wanted: bool | None) -> bool:  # noqa: FBT001 - the setting itself
    """Make TensorFlow repeat itself to the last bit if that is wanted, or by default where there is no GPU; call before TensorFlow runs anything.

    On a CPU one inter-op thread is what makes results repeat, at no measurable cost; op determinism alone does not. On a GPU deterministic kernels are
    needed too, which cost speed.

    Args:
        wanted: ``training.deterministic``.

    Returns:
        Whether results will repeat.

    Raises:
        ConfigError: it was asked for, but TensorFlow has already started with more threads.
    """
    import tensorflow as tf

    gpu = bool(tf.config.list_physical_devices("GPU"))
    if wanted is False or (wanted is None and gpu):
        return False
    if tf.config.threading.get_inter_op_parallelism_threads() != 1:
        try:
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError as error:
            if wanted is None:
                return False
            raise ConfigError(
                "training.deterministic: TensorFlow has already run something in this process with several inter-op threads; call "
                "tf.config.threading.set_inter_op_parallelism_threads(1) right after importing it, or start training in a new process."
            ) from error
    if gpu:
        tf.config.experimental.enable_op_determinism()
    return True


def share_gpus() -> None:
    """Let TensorFlow take GPU memory as it needs it instead of all at once, so that several trials fit one GPU; a no-op once it has started."""
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError, ValueError):  # started, or given a fixed limit: a trial with a fraction of the GPU
            tf.config.experimental.set_memory_growth(gpu, enable=True)


def import_tensorflow_quietly() -> None:
    """Import TensorFlow with the process's stderr closed to native code; once it is imported, this does nothing.

    ``TF_CPP_MIN_LOG_LEVEL`` is read too late for the notes on missing CUDA drivers and CPU instructions. Python's own errors still reach the caller.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    kept = os.dup(2)
    silent = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(silent, 2)
        import tensorflow as tf

        tf.config.list_physical_devices()  # makes the native code say what it has to say
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(silent)


KILOBYTES_PER_MB = 1024.0


def peak_memory_mb() -> float:
    """Peak memory so far in MB: of the first GPU where there is one, else of the process (it never falls)."""
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return float(tf.config.experimental.get_memory_info("GPU:0")["peak"]) / 2**20
    peak = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak / 2**20 if sys.platform == "darwin" else peak / KILOBYTES_PER_MB
