"""A network with its compiled training step: what is kept between trainings of one process."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import keras
import numpy as np
import tensorflow as tf

from trainer.errors import ConfigError, NonFiniteLossError
from trainer.fit.accumulation import part_size
from trainer.fit.losses import loss_of
from trainer.fit.optimizers import make_groups
from trainer.fit.step import FIRST_LOSS_SCALE, Knobs, StepParts, make_step
from trainer.network.batchnorm import MovingSets, SwitchedBatchNorm, can_carry, looking_at_batches, refuse_parts
from trainer.network.boundary import find_boundary, thawing_stages
from trainer.network.features import Features, Prefix, feature_split
from trainer.network.parts import all_layers, assign, digest_of, split_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from trainer.config import TrainConfig
    from trainer.data import ImageData
    from trainer.fit.head_program import HeadProgram
    from trainer.fit.network import Network
    from trainer.network.parts import Split
    from trainer.records import FrozenBoundary

TRACES: Counter[str] = Counter()
"""Traces of training steps in this process, by optimiser and boundary; what kept compiled models save shows here."""

MATRIX = 2
LOOK_SECONDS = 2.0
"""How often a running epoch is looked at for a loss that is no number."""


@dataclass(frozen=True)
class EpochTotals:
    """Of one training epoch.

    Attributes:
        loss: mean over images.
        accuracy: on the augmented images, with dropout, as trained; fraction.
        images: trained on.
        gradient_norm: mean global norm over steps, before clipping.
    """

    loss: float
    accuracy: float
    images: int
    gradient_norm: float


class Engine:
    """State: optimisers, averages and the knobs of the compiled step."""

    def __init__(self, network: Network, config: TrainConfig, *, fed: bool, siblings: int = 0) -> None:
        """Make its variables; nothing is traced yet.

        Args:
            network: that it trains.
            config: of the first training.
            fed: whether its step takes activations of the frozen part in place of images.
            siblings: momenta besides the training's own, of which the step updates moving statistics too.

        Raises:
            ConfigError: there are siblings, and a BatchNorm layer that is trained updates its statistics in a way of its own; or the batch is to be computed
                in parts, and layers look at it as a whole.
        """
        self.network = network
        self.replicas = network.replicas
        self.batch_statistics = config.model.frozen_bn == "batch"
        self._thaw_every = config.training.unfreeze_every
        self.stages = self._stages(config)
        network.freeze(self.stages[-1])  # optimisers are built for all that is ever trained
        self.looking_at_batches = looking_at_batches(all_layers(network.built.model), network.norms if self.batch_statistics else ())
        """Names of layers for which a smaller batch is another one."""
        refuse_parts(config.training.accumulate, self.looking_at_batches)
        self._part = part_size(config.training.batch_size, config.training.accumulate, network.replicas.count)
        self.moving = self._moving_sets(siblings)
        self.after: Split | None = feature_split(network.built, self.stages[0]) if fed else None
        self.groups = make_groups(network.built, self.stages, config.training)
        self._trained = [variable for group in self.groups for variable in group.variables]
        self.averages = (
            [tf.Variable(variable.value, trainable=False) for variable in self._trained] if config.training.ema is not None else []
        )
        self.knobs = Knobs()
        self._all_moving = self._changing(all_layers(network.built.model))
        fixed = {id(layer) for layer in network.norms if type(layer) is SwitchedBatchNorm and not layer.trainable}
        moved = [layer for layer in all_layers(network.built.model) if config.model.frozen_bn != "inference" or id(layer) not in fixed]
        self.changing = self._changing(moved)
        """The network's variables that training may change: weights that are ever trained, and moving statistics but those of layers frozen for good."""
        self._digests: dict[str, tuple[int | None, str]] = {}
        self._optimizer = config.training.optimizer
        self._jit = _use_jit(config, network)
        self._per_call = config.training.steps_per_execution
        self._scaled = any(
            "float16" in str(layer.compute_dtype) and "bfloat16" not in str(layer.compute_dtype) for layer in network.built.head.layers
        )
        self._loss = loss_of(config, network.built.units)
        self._steps: dict[int, tuple[Any, Any]] = {}
        self._prefix: Any = None
        self._between: dict[int, Callable[[Any], Any]] = {}
        self.first_step_at = 0.0
        self.program: HeadProgram | None = None
        """Trains its head beside those of other trainings, once one has asked for it."""

    def _changing(self, moved: Iterable[Any]) -> list[Any]:
        """Weights that are ever trained, and the statistics of the layers `moved`, in building order."""
        ids = {id(variable) for variable in self._trained}
        ids |= {id(variable) for layer in moved for variable in layer._non_trainable_variables}  # noqa: SLF001 - statistics, not frozen weights
        return [variable for variable in self.network.variables if id(variable) in ids]

    def _moving_sets(self, siblings: int) -> MovingSets:
        trained = [layer for layer in self.network.norms if layer.trainable]
        foreign = next((layer for layer in trained if not can_carry(layer)), None)
        if siblings and foreign is not None:
            raise ConfigError(
                f"siblings: BatchNorm layer {foreign.name} ({type(foreign).__name__}) updates its moving statistics in a way of its own, "
                "so one training cannot hold those of several momenta. Train each momentum alone."
            )
        return MovingSets(trained, siblings)

    def values(self, momenta: Sequence[float | None] = ()) -> list[NDArray[Any]]:
        """`changing`, for a checkpoint; with siblings one more array: a row for each of their `momenta`, which comes first (NaN: as built), then its statistics."""
        own = [variable.numpy() for variable in self.changing]
        if not momenta:
            return own
        names = np.array([[np.nan if each is None else each] for each in momenta], np.float64)
        return [*own, np.concatenate([names, self.moving.values().astype(np.float64)], axis=1)]

    def restore(self, weights: Sequence[NDArray[Any]], momenta: Sequence[float | None] = ()) -> None:
        """Give the network what `values` gave, and each sibling's `momenta` its statistics; a checkpoint of an earlier version holds all moving statistics."""
        own = weights[:-1] if len(weights) == len(self.changing) + 1 and weights[-1].ndim == MATRIX else weights
        assign(self.changing if len(own) == len(self.changing) else self._all_moving, own)
        if momenta:
            rows = [next(row for row in weights[-1] if row[0] == each or (each is None and np.isnan(row[0]))) for each in momenta]
            self.moving.assign(np.stack(rows)[:, 1:])

    def untouched(self, seed: int) -> str:
        """Hash of the weights that training does not change, as they are since `start`; of all that are left to draw or to load for a model of `changing`."""
        touched = {id(variable) for variable in self.changing}
        return self._digest("untouched", (variable for variable in self.network.variables if id(variable) not in touched), seed)

    def _weights_up_to(self, depth: int, seed: int) -> str:
        """Hash of the weights and statistics of the backbone up to an operation, and of the preprocessing."""
        touched = {id(variable) for variable in self.changing}
        parts = [self.network.built.preprocessing, *self.network.built.backbone.operations[: depth + 1]]
        weights = [weight for part in parts for weight in getattr(part, "weights", ())]
        fixed = self._digest(f"up to {depth}", (weight for weight in weights if id(weight) not in touched), seed)
        moved = [weight for weight in weights if id(weight) in touched]
        return digest_of(moved, fixed) if moved else fixed

    def _digest(self, name: str, variables: Iterable[Any], seed: int) -> str:
        """Hash of variables that no training changes, taken once; their values depend on the seed where they are drawn from it."""
        drawn_from = seed if self.network.built.pristine is None else None
        known = self._digests.get(name)
        if known is None or known[0] != drawn_from:
            known = self._digests[name] = (drawn_from, digest_of(variables))
        return known[1]

    def _stages(self, config: TrainConfig) -> tuple[FrozenBoundary, ...]:
        boundary = find_boundary(self.network.built.backbone, config.model.frozen_layers)
        if self._thaw_every is None:
            return (boundary,)
        return thawing_stages(self.network.built.backbone, boundary)[: 1 + (config.training.epochs - 1) // self._thaw_every]

    @property
    def state(self) -> list[Any]:
        """All variables besides the network's that a resumed training needs."""
        own = [variable for group in self.groups for variable in group.optimizer.variables]
        return [*own, *self.averages, self.knobs.loss_scale, self.knobs.averaged]

    @property
    def state_bytes(self) -> int:
        """Memory of `state`."""
        return sum(np.asarray(variable).nbytes if not variable.shape else 4 * int(np.prod(variable.shape)) for variable in self.state)

    def start(self, config: TrainConfig) -> None:
        """Begin a training: new weights, empty optimisers, this training's knobs."""
        training = config.training
        self.network.start(config.model, config.seed, self.changing)
        for group in self.groups:
            group.reset()
        for average, variable in zip(self.averages, self._trained, strict=False):
            average.assign(variable.value)
        self.knobs.backbone_factor.assign(training.backbone_learning_rate_factor)
        self.knobs.weight_decay.assign(training.weight_decay)
        self.knobs.clip.assign(math.inf if training.gradient_clip is None else training.gradient_clip)
        self.knobs.smoothing.assign(training.label_smoothing)
        self.knobs.ema.assign(training.ema or 0.0)
        self.knobs.loss_scale.assign([FIRST_LOSS_SCALE, 0.0])
        self.knobs.averaged.assign(0.0)

    def stage_of(self, epoch: int) -> int:
        """Which stage of gradual unfreezing an epoch, counted from 1, belongs to."""
        return 0 if self._thaw_every is None else min((epoch - 1) // self._thaw_every, len(self.stages) - 1)

    def normalised_by_batch(self, stage: int) -> list[Any]:
        """BatchNorm layers that normalise by the batch while training in a stage."""
        self.network.freeze(self.stages[stage])
        return [layer for layer in self.network.norms if layer.trainable or self.batch_statistics]

    def features(self, data: ImageData, config: TrainConfig, say: Callable[[str], object] | None = None) -> Features:
        """Activations of the frozen part, for a training that is fed with them; its weights and statistics must be in place."""
        if self.after is None or self.after.cut is None:
            raise RuntimeError("this training is fed with images")
        if self._prefix is None:
            signature = [tf.TensorSpec((None, *self.network.built.model.input_shape[1:]), tf.float32)]
            self._prefix = tf.function(self.after.prefix, input_signature=signature, autograph=False)
        names = [operation.name for operation in self.network.built.backbone.operations]
        prefix = Prefix(names.index(self.after.cut), self._prefix, lambda depth: self._weights_up_to(depth, config.seed), self._from)
        return Features(prefix, data, config, say)

    def _from(self, depth: int) -> Callable[[Any], Any]:
        """Activations at a depth to those at the cut, compiled."""
        if depth not in self._between:
            backbone = self.network.built.backbone
            cut = cast("Split", self.after).cut
            source = backbone.operations[depth].output
            target = next(operation.output for operation in backbone.operations if operation.name == cut)
            part = keras.Model(source, target, name=f"between_{depth}")
            wanted = source.shape[1:]

            def forward(activations: Any) -> Any:  # noqa: ANN401 - tensors
                return part(keras.ops.reshape(activations, (-1, *wanted)), training=False)

            self._between[depth] = tf.function(forward, autograph=False, reduce_retracing=True)
        return self._between[depth]

    def frozen_norms(self) -> list[Any]:
        """BatchNorm layers that are frozen at the start."""
        self.network.freeze(self.stages[0])
        return [layer for layer in self.network.norms if not layer.trainable]

    def train_epoch(
        self, epoch: int, batches: tf.data.Dataset, rates: NDArray[np.float32], should_stop: Callable[[], bool] | None
    ) -> EpochTotals | None:
        """Run one epoch.

        Args:
            epoch: counted from 1; decides the stage.
            batches: ``(images, targets, weights)``; activations at the cut where these are precomputed.
            rates: learning rate of each step, shape ``(steps,)``.
            should_stop: asked before each call into TensorFlow.

        Returns:
            Its totals, or None when it was stopped before its end.

        Raises:
            NonFiniteLossError: the loss was not finite.
        """
        stage = self.stage_of(epoch)
        self.network.freeze(self.stages[stage])
        if stage not in self._steps:
            self._steps[stage] = self._compile(stage)
        one, many = self._steps[stage]
        self.knobs.totals.assign(np.zeros(5))
        self.knobs.first_bad.assign(0)
        looked = time.monotonic()
        done, steps = 0, len(rates)
        self.first_step_at = 0.0
        iterator = iter(batches)
        each = tf.unstack(tf.constant(rates)) if self._per_call == 1 else []
        while done < steps:
            if should_stop is not None and should_stop():
                return None
            if self._per_call == 1:
                one(*next(iterator), each[done])
                done += 1
            else:
                now = min(self._per_call, steps - done)
                many(iterator, tf.constant(rates[done : done + now]))
                done += now
            self.first_step_at = self.first_step_at or time.monotonic()
            if time.monotonic() - looked > LOOK_SECONDS:
                self._check(epoch)
                looked = time.monotonic()
        self._check(epoch)
        if next(iterator, None) is not None:
            raise RuntimeError(f"epoch {epoch} has more than the {steps} batches that its schedule was made for")
        loss, correct, images, norms, run = (float(value) for value in self.knobs.totals.numpy())
        return EpochTotals(loss / images, correct / images, int(images), norms / run)

    def _check(self, epoch: int) -> None:
        batch = int(self.knobs.first_bad.numpy())
        if batch:
            raise NonFiniteLossError(epoch, batch, float(self.knobs.totals.numpy()[0]))

    def swap_averages(self) -> None:
        """Exchange weights and their averages; does nothing without averaging. Calling it again restores both."""
        for average, variable in zip(self.averages, self._trained, strict=False):
            kept = tf.identity(average)
            average.assign(variable.value)
            variable.assign(kept)

    def _compile(self, stage: int) -> tuple[Any, Any]:
        boundary = self.stages[stage]
        groups = [group for group in self.groups if group.stage <= stage]
        trained = [id(variable) for group in groups for variable in group.variables]
        averages = {id(v): a for a, v in zip(self.averages, self._trained, strict=False)}
        parts = StepParts(
            self.after or split_at(self.network.built, boundary),
            self.after is not None,
            groups,
            [averages[variable] for variable in trained] if averages else [],
            [layer for layer in self.network.norms if not layer.trainable] if self.batch_statistics else [],
            self._optimizer,
            self._scaled,
            self._loss,
            lambda: TRACES.update([f"{self._optimizer} {boundary.layer}"]),
            self.replicas,
            self.moving,
            self._part,
        )
        step = make_step(parts, self.knobs)
        shape = self.network.built.model.input_shape[1:] if self.after is None else self.after.fed_shape
        signature = [
            tf.TensorSpec((None, *shape), tf.float32),
            tf.TensorSpec((None, None), tf.float32),
            tf.TensorSpec((None,), tf.float32),
            tf.TensorSpec((), tf.float32),
        ]
        one = tf.function(step, input_signature=signature, autograph=False, jit_compile=self._jit or None)

        def many(iterator: Any, rates: Any) -> None:  # noqa: ANN401 - TensorFlow has no types
            def body(index: Any) -> tuple[Any]:  # noqa: ANN401 - as above
                one(*next(iterator), rates[index])
                return (index + 1,)

            tf.while_loop(lambda index: index < tf.shape(rates)[0], body, (tf.constant(0),))

        return one, tf.function(many, autograph=False, reduce_retracing=True)


def _use_jit(config: TrainConfig, network: Network) -> bool:
    wanted = config.training.jit_compile
    if network.replicas.count > 1:
        return False  # XLA cannot compile a step that exchanges values between devices
    if wanted != "auto":
        return wanted
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    return on_gpu and all(getattr(layer, "supports_jit", True) for layer in network.built.model.layers)
