"""How much memory a training takes at its peak, told from its network before anything is trained.

The step's forward and backward pass is traced for a batch of the given size, and the operations are walked in their order: what one puts out is held until the last
that reads it is done. That tells which activations the backward pass needs, which depends on the layers: an activation that is computed in place, an addition or a
frozen layer keeps nothing. Weights, optimiser and weight average are counted, not traced.

What it cannot see: the working space of convolutions, memory that a device's allocator has but does not use, and whatever XLA fuses. `benchmarks/memory.py` measures
how far it is off.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trainer.config import TrainConfig
    from trainer.network.parts import BuiltModel
    from trainer.records import FrozenBoundary

FLOAT = 4
SLOTS = {"adam": 2, "adamw": 2, "sgd": 1, "rmsprop": 2, "lion": 1}
"""Values that an optimiser keeps for each weight; those with momentum have it."""
BATCHES_AHEAD = 3
"""Of images that the input pipeline holds beside the one at work."""
VIEWS = frozenset(
    {"Identity", "Reshape", "Squeeze", "ExpandDims", "StopGradient", "PreventGradient", "ReadVariableOp", "Placeholder", "Snapshot"}
)
"""Operations that put out what they are given."""
IN_PLACE = frozenset(
    {
        *(
            "Relu",
            "Relu6",
            "LeakyRelu",
            "Elu",
            "Selu",
            "Sigmoid",
            "Tanh",
            "Exp",
            "Neg",
            "Square",
            "Sqrt",
            "Rsqrt",
            "Softmax",
            "Log",
            "Erf",
            "Reciprocal",
        ),
        *("ReluGrad", "Relu6Grad", "LeakyReluGrad", "EluGrad", "SigmoidGrad", "TanhGrad", "RsqrtGrad", "SqrtGrad", "BiasAdd"),
        *("AddV2", "Add", "AddN", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "SquaredDifference", "SelectV2", "ClipByValue"),
    }
)
"""Operations that write over an input of the same shape which nobody reads any more."""


@dataclass(frozen=True)
class Memory:
    """Bytes that a training step takes at its peak, by what takes them.

    Attributes:
        weights: all of the network's, frozen ones too.
        optimizer: its values, and the weight average.
        step: gradients and activations, at the moment when they are most; None where it cannot be told.
        images: of the batches that are under way.
        why: why it cannot be told, else empty.
    """

    weights: int = 0
    optimizer: int = 0
    step: int | None = None
    images: int = 0
    why: str = ""

    @property
    def total(self) -> int | None:
        """All of it; None where it cannot be told."""
        return None if self.step is None else self.weights + self.optimizer + self.step + self.images


def predict_memory(built: BuiltModel, boundary: FrozenBoundary, config: TrainConfig) -> Memory:
    """Memory of a training's steps on one device; the layers' trainable flags must be set by `boundary`."""
    training = config.training
    trained = sum(math.prod(variable.shape) for variable in built.model.trainable_variables)
    copies = SLOTS[training.optimizer] * (training.optimizer != "sgd" or training.momentum > 0) + (training.ema is not None)
    if training.optimizer == "rmsprop" and not training.momentum:
        copies -= 1
    size = training.batch_size // training.accumulate
    images = FLOAT * math.prod(built.model.input_shape[1:]) * (size + BATCHES_AHEAD * training.batch_size)
    step, why = _step_bytes(built, boundary, size)
    if step is not None and training.accumulate > 1:
        step += FLOAT * trained  # the sum so far
    return Memory(FLOAT * built.model.count_params(), FLOAT * copies * trained, step, images, why)


def _step_bytes(built: BuiltModel, boundary: FrozenBoundary, size: int) -> tuple[int | None, str]:
    """Gradients and activations of `size` images at the peak, and why it cannot be told."""
    import tensorflow as tf

    from trainer.network.parts import split_at

    split = split_at(built, boundary)
    variables = built.model.trainable_variables

    def step(images: Any) -> list[Any]:  # noqa: ANN401 - a tensor
        values = [variable.value for variable in variables]
        activations = split.prefix(images)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            logits = tf.cast(split.rest(activations, training=True), tf.float32)
            loss = tf.reduce_mean(tf.nn.log_softmax(logits)[:, 0])
        return list(tape.gradient(loss, values, unconnected_gradients=tf.UnconnectedGradients.ZERO))

    spec = tf.TensorSpec((size, *built.model.input_shape[1:]), tf.float32)
    try:
        graph = tf.function(step, autograph=False).get_concrete_function(spec).graph
    except Exception as error:  # noqa: BLE001 - a person's layer that takes no batch of a fixed size
        return None, f"the step cannot be traced: {(str(error).strip().splitlines() or [type(error).__name__])[0]}"
    return peak_bytes(graph)


def peak_bytes(graph: Any) -> tuple[int | None, str]:  # noqa: ANN401 - a FuncGraph
    """Largest sum of what the operations of a graph hold at a time, in their order; its inputs and what it captures are not counted.

    Returns:
        Bytes, or None and the reason where an operation's output has no known shape.
    """
    operations = graph.get_operations()
    held, most = _Held(operations, graph.outputs), 0
    for index, operation in enumerate(operations):
        inside = 0
        for function in _functions(graph, operation):
            peak, why = peak_bytes(function)
            if peak is None:
                return None, why
            inside = max(inside, peak)
        if operation.type not in VIEWS:
            for output in operation.outputs:
                if not held.add(index, operation, output):
                    return None, f"{operation.name} ({operation.type}) puts out a tensor of unknown shape"
        most = max(most, held.live + inside)
        held.drop(index)
    return most, ""


class _Held:
    """State: the tensors that are in memory while the operations of a graph run in their order; `live` are their bytes."""

    def __init__(self, operations: Sequence[Any], outputs: Iterable[Any]) -> None:
        self.live = 0
        self._owner: dict[int, int] = {}  # tensor → the tensor whose memory it is
        for operation in operations:
            if operation.type in VIEWS and len(operation.inputs):
                self._owner.update({id(output): self._memory(operation.inputs[0]) for output in operation.outputs[:1]})
        self._last = {self._memory(output): len(operations) for output in outputs}  # memory → the last operation that reads it
        for index, operation in enumerate(operations):
            for tensor in operation.inputs:
                memory = self._memory(tensor)
                self._last[memory] = max(self._last.get(memory, 0), index)
        self._sizes: dict[int, int] = {}
        self._ends: dict[int, list[int]] = defaultdict(list)

    def _memory(self, tensor: Any) -> int:  # noqa: ANN401 - a tensor
        return self._owner.get(id(tensor), id(tensor))

    def add(self, index: int, operation: Any, output: Any) -> bool:  # noqa: ANN401 - an operation and a tensor
        """Hold what an operation puts out, in memory of its own or in that of an input that nobody reads any more; False where its size is not known."""
        size = _bytes(output)
        if size is None:
            return False
        last = self._last.get(id(output), index)
        taken = self._overwritten(index, operation, output, size)
        if taken is None:
            self._sizes[id(output)] = size
            self.live += size
            self._ends[last].append(id(output))
        else:
            self._owner[id(output)] = taken
            self._last[taken] = last
            self._ends[last].append(taken)
        return True

    def drop(self, index: int) -> None:
        """Let go of what nobody reads after an operation."""
        for memory in self._ends.pop(index, ()):
            if self._last.get(memory, index) <= index:
                self.live -= self._sizes.pop(memory, 0)

    def _overwritten(self, index: int, operation: Any, output: Any, size: int) -> int | None:  # noqa: ANN401 - an operation and a tensor
        """The input whose memory an operation's output takes over; None where it needs its own."""
        if operation.type not in IN_PLACE:
            return None
        inputs = [(self._memory(tensor), tensor.dtype) for tensor in operation.inputs]
        return next(
            (
                memory
                for memory, dtype in inputs
                if self._sizes.get(memory) == size and self._last.get(memory) == index and dtype == output.dtype
            ),
            None,
        )


def _bytes(tensor: Any) -> int | None:  # noqa: ANN401 - a tensor
    """Size of a tensor; 0 for handles and texts; None for an array of unknown shape."""
    if tensor.dtype.name in ("resource", "variant", "string"):
        return 0
    if tensor.shape.rank is None or None in tensor.shape:
        return 0 if tensor.dtype.is_integer or tensor.dtype.is_bool else None
    return int(math.prod(tensor.shape) * tensor.dtype.size)


def _functions(graph: Any, operation: Any) -> list[Any]:  # noqa: ANN401 - a FuncGraph and an operation
    """The functions that an operation calls, as graphs; none for most."""
    names = {"PartitionedCall": ["f"], "StatefulPartitionedCall": ["f"], "While": ["body"], "StatelessWhile": ["body"]}
    names |= {kind: ["then_branch", "else_branch"] for kind in ("If", "StatelessIf")}
    called = [graph._get_function(operation.get_attr(name).name) for name in names.get(operation.type, ())]  # noqa: SLF001 - TensorFlow has no public way
    return [function.graph for function in called if getattr(function, "graph", None) is not None]
