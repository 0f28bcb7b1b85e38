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
from trainer.network.features import forget_checks

if TYPE_CHECKING:
    from trainer.config import TrainConfig
    from trainer.data import ImageData

KEPT_BYTES = 4e9
"""Weights, optimiser states and averages that may be kept in all; the newest model is kept whatever its size."""
KEPT_ENGINES = 64
BYTES = 4  # of a float32

_NETWORKS: OrderedDict[str, Network] = OrderedDict()
_ENGINES: OrderedDict[tuple[str, str], Engine] = OrderedDict()


def engine_for(config: TrainConfig, data: ImageData, *, keep: bool, devices: int = 1) -> Engine:
    """A compiled model for a training: the kept one of the same key, else a new one.

    Networks are shared by all boundaries and optimisers of an architecture, so one process trains one at a time.

    Args:
        config: the training.
        data: its images, of which shape, classes and, for ``standardize``, statistics count.
        keep: whether later trainings may use it.
        devices: that it trains on.

    Raises:
        ConfigError: there are fewer devices.
    """
    standardized = data.fingerprint if config.data.preprocessing == "standardize" else None
    architecture = json.dumps([architecture_settings(config), data.image_shape, data.num_classes, standardized, devices], sort_keys=True)
    key = (architecture, json.dumps(step_settings(config), sort_keys=True))
    if key in _ENGINES:
        _ENGINES.move_to_end(key)
        _NETWORKS.move_to_end(architecture)
        return _ENGINES[key]
    replicas = replicas_of(devices)
    with replicas.scope():
        network = _NETWORKS.get(architecture)
        if network is None:
            statistics = channel_statistics(data.train) if config.data.preprocessing == "standardize" else None
            network = Network(build_model(config, data.image_shape, data.num_classes, statistics), replicas)
        engine = Engine(network, config)
    if keep:
        _NETWORKS[architecture] = network
        _ENGINES[key] = engine
        _drop_oldest()
    return engine


def forget_compiled() -> None:
    """Drop all kept models, and what is known of files of activations from them."""
    forget_checks()
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
