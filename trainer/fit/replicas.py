"""One training over several devices: every device computes its share of each batch, all hold the same weights.

The batch stays the global one and its images keep their order: device ``i`` of ``k`` takes rows ``i*n/k`` up to ``(i+1)*n/k``. Gradients, loss and hits
are summed over the devices, then one update is made and copied to all. BatchNorm layers normalise over the whole batch (their sums are exchanged), so that a
training over two devices equals one on a single device up to rounding; dropout masks alone are drawn by each device.
"""

from __future__ import annotations

import contextlib
from functools import cache
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from trainer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

Compute = "Callable[[Any, Any, Any, Callable[[Any], Any]], tuple[list[Any], Any, Any]]"
"""``(images, targets, weights, mean)`` to gradients, loss and number of correct images; `mean` is over the global batch."""


class Replicas:
    """The devices of a training; `strategy` is None for one."""

    def __init__(self, count: int, strategy: tf.distribute.Strategy | None = None) -> None:
        self.count = count
        self.strategy = strategy

    def scope(self) -> AbstractContextManager[Any]:
        """Variables made inside are held by every device."""
        return contextlib.nullcontext() if self.strategy is None else self.strategy.scope()

    def total(self, compute: Any, images: Any, targets: Any, weights: Any) -> tuple[list[Any], Any, Any]:  # noqa: ANN401 - tensors and a Compute
        """Gradients, loss and hits of a whole batch.

        Args:
            compute: see `Compute`; called once on each device with its share.
            images: the global batch, shape ``(n, ...)``.
            targets: shape ``(n, classes)``.
            weights: shape ``(n,)``.
        """
        if self.strategy is None:
            return compute(images, targets, weights, tf.reduce_mean)  # type: ignore[no-any-return]
        size = tf.shape(images)[0]

        def share() -> tuple[list[Any], Any, Any]:
            context = tf.distribute.get_replica_context()
            number = tf.cast(context.replica_id_in_sync_group, tf.int32)
            first, last = number * size // self.count, (number + 1) * size // self.count
            # a device without an image (fewer images than devices) computes another's, which then counts nothing
            counts = tf.cast(last > first, tf.float32)
            rows = slice(tf.minimum(first, size - 1), tf.maximum(last, tf.minimum(first, size - 1) + 1))

            def mean(values: Any) -> Any:  # noqa: ANN401 - a tensor
                return counts * tf.reduce_sum(values) / tf.cast(size, values.dtype)

            gradients, loss, correct = compute(images[rows], targets[rows], weights[rows], mean)
            summed = context.all_reduce(tf.distribute.ReduceOp.SUM, [*gradients, loss, counts * correct])
            return list(summed[:-2]), summed[-2], summed[-1]

        gradients, loss, correct = self.strategy.run(share)
        return [self._first(each) for each in gradients], self._first(loss), self._first(correct)

    def apply(self, optimizer: Any, gradients: Sequence[Any], variables: Sequence[Any]) -> None:  # noqa: ANN401 - a Keras optimizer
        """Let an optimizer update variables on every device with the same gradients."""
        if self.strategy is None:
            optimizer.apply(list(gradients), list(variables))
            return
        values = [variable.value for variable in variables]
        pairs = list(zip(gradients, values, strict=True))
        optimizer._distributed_tf_update_step(self.strategy, pairs, optimizer.learning_rate)  # noqa: SLF001 - `apply` would sum the gradients once more
        optimizer.iterations.assign_add(1)

    def copies(self, variable: tf.Variable) -> Sequence[Any]:
        """What each device holds of a variable."""
        return [variable] if self.strategy is None else self.strategy.experimental_local_results(variable)

    def _first(self, value: Any) -> Any:  # noqa: ANN401 - a value of each device
        assert self.strategy is not None  # noqa: S101 - private
        return self.strategy.experimental_local_results(value)[0]


@cache
def replicas_of(devices: int) -> Replicas:
    """The first so many GPUs that this process sees; where it sees none, CPUs.

    Raises:
        ConfigError: there are fewer.
    """
    if devices == 1:
        return Replicas(1)
    kind = "GPU" if tf.config.get_visible_devices("GPU") else "CPU"
    visible = tf.config.list_logical_devices(kind)
    if len(visible) < devices:
        raise ConfigError(
            f"resources.gpu: the training is to run on {devices} devices, but TensorFlow sees {len(visible)} {kind}(s) in this process; "
            "ask for as many GPUs as one machine has."
        )
    return Replicas(devices, tf.distribute.MirroredStrategy([device.name for device in visible[:devices]]))
