"""BatchNorm: momentum as a variable, what layers normalise by, exact statistics, statistics apart from weights. Import TensorFlow only when called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainer.batchnorm.layers import batchnorm_layers, make_switchable, set_momentum
    from trainer.batchnorm.precise_statistics import precise
    from trainer.batchnorm.statistics import BatchNormStatistics, read_statistics, write_statistics

__all__ = ["BatchNormStatistics", "batchnorm_layers", "make_switchable", "precise", "read_statistics", "set_momentum", "write_statistics"]

_HOME = {
    "batchnorm_layers": "layers",
    "make_switchable": "layers",
    "set_momentum": "layers",
    "precise": "precise_statistics",
    "BatchNormStatistics": "statistics",
    "read_statistics": "statistics",
    "write_statistics": "statistics",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        import importlib

        return getattr(importlib.import_module(f"trainer.batchnorm.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
