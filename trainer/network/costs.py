"""What a network costs whoever runs it: weights, size of its file, latency.

Latency is that of the network as it is validated, in inference mode, images already in memory, traced once for all batch sizes: what the arithmetic takes, without
decoding and resizing. Weights do not matter to it, so that it is measured before the first epoch.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.network.weights import export_model

if TYPE_CHECKING:
    import keras

BATCHES = {"latency_ms": 1, "latency_ms_32": 32}
"""Figure → images that are predicted at a time."""
WARM_UP, LEAST, MOST = 3, 5, 50
"""Predictions before the clock runs; predictions that are timed at least and at most."""
SECONDS = 0.5
"""After so long no further prediction is timed."""
MEGABYTE = 1e6


def size_figures(model: keras.Model) -> dict[str, float]:
    """``parameters``, and ``file_mb``: megabytes of its ``.keras`` file, written once to find out."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.keras"
        export_model(model, path)
        size = path.stat().st_size
    return {"parameters": float(model.count_params()), "file_mb": size / MEGABYTE}


def latency_figures(model: keras.Model) -> dict[str, float]:
    """Milliseconds of a prediction: for each of `BATCHES` the median, and its quartiles as ``NAME_low`` and ``NAME_high``.

    ``latency_others`` is the share of the machine's processors that other programs had meanwhile, in [0, 1].
    A batch that does not fit into the device's memory has no figure.
    """
    import psutil
    import tensorflow as tf

    shape = tuple(model.input_shape[1:])
    forward = tf.function(
        lambda images: model(images, training=False), input_signature=[tf.TensorSpec((None, *shape), tf.float32)], autograph=False
    )
    pixels = np.random.default_rng(0).integers(0, 256, (max(BATCHES.values()), *shape)).astype(np.float32)
    own, process = psutil.cpu_times(), psutil.Process()
    before, used = _busy(own), sum(process.cpu_times()[:2])
    clock = time.perf_counter()
    figures: dict[str, float] = {}
    for name, size in BATCHES.items():
        try:
            times = _timed(forward, tf.constant(pixels[:size]))
        except tf.errors.ResourceExhaustedError:
            break
        low, median, high = np.percentile(times, [25, 50, 75]).tolist()
        figures |= {name: median, f"{name}_low": low, f"{name}_high": high}
    seconds = time.perf_counter() - clock
    others = _busy(psutil.cpu_times()) - before - (sum(process.cpu_times()[:2]) - used)
    return {**figures, "latency_others": float(np.clip(others / (seconds * (psutil.cpu_count() or 1)), 0.0, 1.0))}


def _busy(times: Any) -> float:  # noqa: ANN401 - a named tuple that differs between systems
    """Seconds that all processors worked since the machine started."""
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0))


def _timed(forward: Any, images: Any) -> list[float]:  # noqa: ANN401 - TensorFlow has no types
    """Milliseconds of repeated predictions; reading the answer waits for the device."""
    for _ in range(WARM_UP):
        forward(images).numpy()
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < MOST and (len(times) < LEAST or time.perf_counter() - began < SECONDS):
        clock = time.perf_counter()
        forward(images).numpy()
        times.append(1000.0 * (time.perf_counter() - clock))
    return times


def device_text() -> str:
    """The device that TensorFlow computes on in this process, in words."""
    import tensorflow as tf

    devices = tf.config.get_visible_devices("GPU")
    if devices:
        return str(tf.config.experimental.get_device_details(devices[0]).get("device_name", "GPU"))
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    return f"CPU, {threads} thread{'s' if threads > 1 else ''}" if threads else "CPU, all threads"
