"""Peak memory of this process."""

from __future__ import annotations

import resource
import sys

KILOBYTES_PER_MB = 1024.0


def peak_memory_mb() -> float:
    """Peak memory so far in MB: of the first GPU where there is one, else of the process (it never falls)."""
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return float(tf.config.experimental.get_memory_info("GPU:0")["peak"]) / 2**20
    peak = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak / 2**20 if sys.platform == "darwin" else peak / KILOBYTES_PER_MB
