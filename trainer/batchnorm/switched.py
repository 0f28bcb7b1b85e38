"""A BatchNorm layer that can be told what to normalise by."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True)
class BatchPass:
    """How a forward pass, while it is traced, treats some BatchNorm layers.

    Attributes:
        layers: ids of the layers that normalise by their batch, whatever `training` and `trainable` say, and leave their moving statistics alone.
        moments: where these layers put their batch's mean and variance, by id, when asked to.
    """

    layers: frozenset[int]
    moments: dict[int, tuple[Any, Any]] | None = field(default=None)


_CURRENT: ContextVar[BatchPass | None] = ContextVar("batchnorm_pass", default=None)


@contextlib.contextmanager
def by_batch(layers: Iterable[keras.layers.Layer], moments: dict[int, tuple[Any, Any]] | None = None) -> Iterator[None]:
    """Trace calls in which `layers` normalise by their batch; their moments are collected into `moments` if given."""
    token = _CURRENT.set(BatchPass(frozenset(id(layer) for layer in layers), moments))
    try:
        yield
    finally:
        _CURRENT.reset(token)


class SwitchedBatchNorm(keras.layers.BatchNormalization):  # type: ignore[misc]
    """`keras.layers.BatchNormalization` that obeys `by_batch`.

    Existing layers become one by changing their class, which finds layers that no cloning would reach; `trainer.models.export` changes it back.
    ``momentum`` is then a variable (Keras bakes a float into the trace), which is no weight of the layer.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:  # noqa: ANN401, FBT001 - Keras's signature
        """Normalise by the batch inside `by_batch`, else as Keras does."""
        current = _CURRENT.get()
        if current is None or id(self) not in current.layers:
            return super().call(inputs, training=training, mask=mask)
        x = keras.ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        mean, variance = keras.ops.moments(x, axes=self._reduction_axes, synchronized=self.synchronized and _on_one_of_several())
        if current.moments is not None:
            current.moments[id(self)] = (mean, variance)
        outputs = keras.ops.batch_normalization(x, mean, variance, self.axis, self.beta, self.gamma, self.epsilon)
        return keras.ops.cast(outputs, self.compute_dtype)


def _on_one_of_several() -> bool:
    """Whether this is traced for one device of several that share a batch."""
    import tensorflow as tf

    return tf.distribute.has_strategy() and tf.distribute.get_replica_context() is not None
