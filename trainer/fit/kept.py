"""Compiled models kept between trainings of one process."""

from __future__ import annotations

import gc
import json
from collections import OrderedDict
from typing import TYPE_CHECKING

from trainer.data import channel_statistics
from trainer.fit.engine import Engine
from trainer.fit.network import Network
from trainer.fit.replicas import replicas_of
from trainer.network.build import build_model
from trainer.network.compile_key import architecture_settings, step_settings
from trainer.network.features import forget_networks
from trainer.network.frozen_plan import as_begun, plan_frozen

if TYPE_CHECKING:
    from trainer.config import TrainConfig
    from trainer.data import ImageData
    from trainer.network.frozen_plan import FrozenPlan

KEPT_BYTES = 4e9
"""Weights, optimiser states and averages that may be kept in all; the newest model is kept whatever its size."""
KEPT_ENGINES = 64
BYTES = 4  # of a float32

_NETWORKS: OrderedDict[str, Network] = OrderedDict()
_ENGINES: OrderedDict[tuple[str, str], Engine] = OrderedDict()


def engine_for(
    config: TrainConfig,
    data: ImageData,
    *,
    keep: bool,
    devices: int = 1,
    trainings: int = 1,
    begun: str | None = None,
    siblings: int = 0,
) -> tuple[Engine, FrozenPlan]:
    """A compiled model for a training, the kept one of the same key or a new one, and what the training does with its frozen part.

    Networks are shared by all boundaries and optimisers of an architecture, so one process trains one at a time.

    Args:
        config: the training.
        data: its images, of which number, shape, classes and, for ``standardize``, statistics count.
        keep: whether later trainings may use it.
        devices: that it trains on.
        trainings: see `trainer.network.frozen_plan.plan_frozen`.
        begun: how the training treated its frozen part before it was interrupted, or None.
        siblings: trainings that differ in BatchNorm momentum alone and that this one carries.

    Raises:
        ConfigError: there are fewer devices, the siblings cannot be carried, or ``frozen_features: precomputed`` is impossible.
    """
    architecture = _architecture(config, data, devices)
    network = _network(architecture, config, data, devices)
    plan = as_begun(plan_frozen(network.built, config, len(data.train), len(data.validation), trainings), begun)
    key = (architecture, json.dumps([step_settings(config), plan.fed, siblings], sort_keys=True))
    engine = _ENGINES.get(key)
    if engine is None:
        with network.replicas.scope():
            engine = Engine(network, config, fed=plan.fed, siblings=siblings)
    if keep:
        _NETWORKS[architecture], _ENGINES[key] = network, engine
        _NETWORKS.move_to_end(architecture)
        _ENGINES.move_to_end(key)
        _drop_oldest()
    return engine, plan


def _architecture(config: TrainConfig, data: ImageData, devices: int) -> str:
    standardized = data.fingerprint if config.data.preprocessing == "standardize" else None
    return json.dumps([architecture_settings(config), data.image_shape, data.num_classes, standardized, devices], sort_keys=True)


def _network(architecture: str, config: TrainConfig, data: ImageData, devices: int) -> Network:
    """The network of an architecture, the kept one or a new one."""
    if architecture in _NETWORKS:
        return _NETWORKS[architecture]
    replicas = replicas_of(devices)
    with replicas.scope():
        statistics = channel_statistics(data.train) if config.data.preprocessing == "standardize" else None
        return Network(build_model(config, data.image_shape, data.num_classes, statistics), replicas)


def forget_compiled() -> None:
    """Drop all kept models, and what is known of files of activations from them."""
    forget_networks()
    _ENGINES.clear()
    _NETWORKS.clear()
    gc.collect()


def _drop_oldest() -> None:
    while len(_ENGINES) > 1 and (len(_ENGINES) > KEPT_ENGINES or _kept_bytes() > KEPT_BYTES):
        _ENGINES.popitem(last=False)
        used = {architecture for architecture, _ in _ENGINES}
        for architecture in [each for each in _NETWORKS if each not in used]:
            del _NETWORKS[architecture]
        gc.collect()


def _kept_bytes() -> int:
    networks = sum(network.built.model.count_params() * BYTES for network in _NETWORKS.values())
    return int(networks + sum(engine.state_bytes for engine in _ENGINES.values()))
