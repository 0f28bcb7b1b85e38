"""A built network with its compiled evaluation, shared by every training of the same architecture in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from trainer.network.batchnorm import SwitchedBatchNorm, batchnorm_layers, by_batch, moments_function, pool_moments, set_momentum
from trainer.network.head import VariableDropout, dropout_rates
from trainer.network.parts import all_layers, freeze
from trainer.network.weights import derived_seed, initialise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import keras
    from numpy.typing import NDArray

    from trainer.config import ModelConfig
    from trainer.fit.replicas import Replicas
    from trainer.network.parts import BuiltModel, Split
    from trainer.records import FrozenBoundary


class Network:
    """State: the weights of one built model, which layers are frozen, and the compiled forward passes."""

    def __init__(self, built: BuiltModel, replicas: Replicas) -> None:
        """Args: replicas: in whose scope the model was built."""
        self.built = built
        self.replicas = replicas
        self.norms: list[keras.layers.BatchNormalization] = batchnorm_layers(built.model)
        self._dropouts = [layer for layer in all_layers(built.head) if isinstance(layer, VariableDropout)]
        self._generators = [generator for layer in all_layers(built.model) for generator in layer._seed_generators]  # noqa: SLF001 - no public list
        for layer in self.norms:
            layer.synchronized = replicas.count > 1  # a device normalises over the whole batch, not its share
        self._boundary: FrozenBoundary | None = None
        self._drawn_from: int | None = None  # the seed of the weights that no training has changed since
        self._changed: set[int] = set()
        self._momenta: tuple[float, ...] = ()
        self._compiled: dict[tuple[str, frozenset[int], str | None], Callable[..., Any]] = {}
        self.owner: object | None = None
        """The training whose weights it holds, where several of this process take turns; None after `start`."""

    @property
    def variables(self) -> list[Any]:
        """All weights and moving statistics, in building order, without the states of random generators."""
        return [*self.built.backbone.weights, *self.built.head.weights]

    def start(self, model: ModelConfig, seed: int, changing: Iterable[Any]) -> None:
        """Make the network new: initial weights from the seed, dropout rates and momenta of this training.

        Args:
            model: settings of the training.
            seed: of the training.
            changing: all variables of the network that this training may change. The others keep their initial values, so that the next training
                need not be given them again: most of the time of a short one, where a large backbone is frozen.
        """
        mine = {id(variable) for variable in changing}
        known = self._drawn_from is not None and (self.built.pristine is not None or self._drawn_from == seed)
        stale = self._changed | mine if known else None
        self._drawn_from = None  # until it is done
        initialise(self.built, seed, stale)
        self._drawn_from, self._changed = seed, mine
        self.owner = None
        self.configure(model)

    def configure(self, model: ModelConfig) -> None:
        """Set dropout rates and momenta, which are no weights."""
        for layer, rate in zip(self._dropouts, dropout_rates(model), strict=True):
            layer.set_rate(rate)
        self.use_momentum(model.bn_momentum)

    def momenta(self, momentum: float | None) -> tuple[float, ...]:
        """The momentum of each BatchNorm layer under a setting ``model.bn_momentum``; None: as built."""
        return self.built.momenta if momentum is None else (momentum,) * len(self.norms)

    def use_momentum(self, momentum: float | None) -> None:
        """Update the layers' own moving statistics by this setting from the next step on; an exported model names it."""
        momenta = self.momenta(momentum)
        if momenta != self._momenta:
            set_momentum(self.norms, momenta)
            self._momenta = momenta

    def freeze(self, boundary: FrozenBoundary) -> None:
        """Set which layers are trained; a no-op when they are so already."""
        if boundary != self._boundary:
            freeze(self.built, boundary)
            self._boundary = boundary

    def rekey(self, seed: int, epoch: int) -> None:
        """Start every random generator of the model at a state drawn from (seed, epoch, its index), so that no checkpoint needs it."""
        for index, generator in enumerate(self._generators):
            for device, state in enumerate(self.replicas.copies(generator.state.value)):
                state.assign(np.array([derived_seed(seed, epoch, index, *([device] if device else [])), 0]))

    def dropout_keys(self, seed: int, epoch: int) -> tuple[int, ...]:
        """What `rekey` gives the generators of the head's dropout layers, in their order."""
        places = {id(generator): index for index, generator in enumerate(self._generators)}
        own = [generator for layer in self._dropouts for generator in layer._seed_generators]  # noqa: SLF001 - no public list
        return tuple(derived_seed(seed, epoch, places[id(generator)]) for generator in own)

    def logits(self, batches: Iterable[Any], by_batch_layers: Iterable[Any] = (), *, after: Split | None = None) -> NDArray[np.float32]:
        """Logits ``(n, units)`` of images in inference mode.

        Args:
            batches: of images, or tuples that begin with images.
            by_batch_layers: BatchNorm layers that normalise by the batch instead.
            after: the batches hold activations at this cut instead of images.
        """
        forward = self._forward(tuple(by_batch_layers), after)
        parts = [forward(batch[0] if isinstance(batch, tuple | list) else batch) for batch in batches]
        return np.concatenate([np.asarray(part) for part in parts])

    def recompute_statistics(self, layers: Iterable[Any], batches: Iterable[Any], *, after: Split | None = None) -> None:
        """Give BatchNorm layers their exact statistics over images, or over activations at a cut before them; the weights are untouched."""
        chosen = [layer for layer in layers if isinstance(layer, SwitchedBatchNorm)]
        if not chosen:
            return
        key = ("moments", frozenset(id(layer) for layer in chosen), None if after is None else after.cut)
        if key not in self._compiled:
            self._compiled[key] = moments_function(self._chain if after is None else after.rest, chosen)
        pool_moments(self.built.model, chosen, self._compiled[key], batches)

    def _forward(self, by_batch_layers: tuple[Any, ...], after: Split | None) -> Callable[[Any], Any]:
        key = ("logits", frozenset(id(layer) for layer in by_batch_layers), None if after is None else after.cut)
        if key not in self._compiled:

            def forward(images: Any) -> Any:  # noqa: ANN401 - a tensor
                with by_batch(by_batch_layers):
                    return self._chain(images, training=False) if after is None else after.rest(images, training=False)

            shape = self.built.model.input_shape[1:] if after is None else after.fed_shape
            signature = [tf.TensorSpec((None, *shape), tf.float32)]
            self._compiled[key] = tf.function(forward, input_signature=signature, autograph=False)
        return self._compiled[key]

    def _chain(self, images: Any, *, training: bool) -> Any:  # noqa: ANN401 - tensors
        x = self.built.preprocessing(images, training=training)
        x = self.built.head(self.built.backbone(x, training=training), training=training)
        return tf.cast(x, tf.float32)
