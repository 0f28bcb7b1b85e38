"""TensorFlow's first import without the lines that its native code prints before its log can be configured."""

from __future__ import annotations

import os
import sys


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
