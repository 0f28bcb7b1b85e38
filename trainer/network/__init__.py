"""Backbones, heads, weights, export. Names and keys need no TensorFlow; it is imported when something is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.network.backbones import BACKBONES, Backbone, available, backbone_info
from trainer.network.compile_key import compile_key

if TYPE_CHECKING:
    from trainer.network.build import build_backbone, build_model
    from trainer.network.built import BuiltModel
    from trainer.network.cut import Split, split_at
    from trainer.network.export import export_model, save_backbone
    from trainer.network.inspect import layer_table, model_facts, resolve_boundary


__all__ = [
    "BACKBONES",
    "Backbone",
    "BuiltModel",
    "Split",
    "available",
    "backbone_info",
    "build_backbone",
    "build_model",
    "compile_key",
    "export_model",
    "layer_table",
    "model_facts",
    "resolve_boundary",
    "save_backbone",
    "split_at",
]

_HOME = {
    "BuiltModel": "trainer.network.built",
    "Split": "trainer.network.cut",
    "split_at": "trainer.network.cut",
    "build_backbone": "trainer.network.build",
    "build_model": "trainer.network.build",
    "export_model": "trainer.network.export",
    "save_backbone": "trainer.network.export",
    "layer_table": "trainer.network.inspect",
    "model_facts": "trainer.network.inspect",
    "resolve_boundary": "trainer.network.inspect",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        import importlib

        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
