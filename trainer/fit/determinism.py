"""Bit-exact repeats: what has to be set, and whether it still can be."""

from __future__ import annotations

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
