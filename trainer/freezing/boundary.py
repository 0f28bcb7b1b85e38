"""``frozen_layers`` to the layer where freezing ends."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from trainer.errors import ConfigError
from trainer.freezing.blocks import blocks_of
from trainer.records import FrozenBoundary

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from trainer.freezing.blocks import Block

NOTHING = FrozenBoundary(None, -1, 0.0)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_BLOCKS = re.compile(r"(\d+)\s+blocks?")
_WEIGHTED = re.compile(r"weighted:\s*(\d+)")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


def find_boundary(backbone: keras.Model, frozen_layers: str) -> FrozenBoundary:
    """Resolve a ``frozen_layers`` setting on a backbone.

    Args:
        backbone: without head, functional.
        frozen_layers: ``none``, ``all``, ``75%`` (of the blocks, from the input, rounded to the nearest), ``4 blocks``, a layer's or block's name, or
            ``weighted:20`` (up to and with the twentieth layer that has weights).

    Raises:
        ConfigError: a bare number, more than the backbone has, or an unknown layer (the nearest names are proposed).
    """
    setting = frozen_layers.strip()
    if _NUMBER.fullmatch(setting):
        raise ConfigError(
            f"model.frozen_layers: a bare number ({setting}) means 88 % of one backbone's parameters and .5 % of another's; "
            f"say '{setting} blocks', 'weighted:{setting}' (layers with weights) or '{setting}%'."
        )
    if setting == "none":
        return NOTHING
    if setting == "all":
        return _at(backbone, len(backbone.layers) - 1)
    if match := _PERCENT.fullmatch(setting):
        return _percent(backbone, float(match[1]))
    if match := _BLOCKS.fullmatch(setting):
        return _count(backbone, int(match[1]))
    if match := _WEIGHTED.fullmatch(setting):
        return _weighted(backbone, int(match[1]))
    return _named(backbone, setting)


def thawing_stages(backbone: keras.Model, boundary: FrozenBoundary) -> tuple[FrozenBoundary, ...]:
    """The boundaries of gradual unfreezing: `boundary` first, then one block fewer each time, from the output, down to nothing frozen."""
    earlier = [_at(backbone, block.layer_index) for block in blocks_of(backbone) if block.layer_index < boundary.index]
    return (boundary, *reversed(earlier), NOTHING) if boundary.index >= 0 else (boundary,)


def _percent(backbone: keras.Model, percent: float) -> FrozenBoundary:
    if percent > 100:  # noqa: PLR2004 - per cent
        raise ConfigError(f"model.frozen_layers: {percent:g}% is beyond the backbone; at most 100%.")
    blocks = blocks_of(backbone)
    return _end_of(backbone, blocks, int(percent / 100 * len(blocks) + 0.5))


def _count(backbone: keras.Model, count: int) -> FrozenBoundary:
    blocks = blocks_of(backbone)
    if count > len(blocks):
        raise ConfigError(
            f"model.frozen_layers: {count} blocks is beyond the backbone, which has {len(blocks)} "
            f"({blocks[0].name} … {blocks[-1].name}); 'all' freezes them all."
        )
    return _end_of(backbone, blocks, count)


def _end_of(backbone: keras.Model, blocks: Sequence[Block], count: int) -> FrozenBoundary:
    return _at(backbone, blocks[count - 1].layer_index) if count else NOTHING


def _weighted(backbone: keras.Model, count: int) -> FrozenBoundary:
    weighted = [index for index, layer in enumerate(backbone.layers) if layer.weights]
    if count > len(weighted):
        raise ConfigError(f"model.frozen_layers: weighted:{count} is beyond the backbone, which has {len(weighted)} layers with weights.")
    return _at(backbone, weighted[count - 1]) if count else NOTHING


def _named(backbone: keras.Model, name: str) -> FrozenBoundary:
    for index, layer in enumerate(backbone.layers):
        if layer.name == name:
            return _at(backbone, index)
    blocks = {block.name: block.layer_index for block in blocks_of(backbone)}
    if name in blocks:
        return _at(backbone, blocks[name])
    near = difflib.get_close_matches(name, [*blocks, *(layer.name for layer in backbone.layers)], n=3, cutoff=0.5)
    hint = f" Nearest: {', '.join(near)}." if near else ""
    raise ConfigError(
        f"model.frozen_layers: expected none, all, '75%', '4 blocks', 'weighted:20' or a layer of the backbone, got {name!r}.{hint} "
        "'steadysweep models --layers NAME' lists the layers."
    )


def _at(backbone: keras.Model, index: int) -> FrozenBoundary:
    total = backbone.count_params()
    before = sum(layer.count_params() for layer in backbone.layers[: index + 1])
    return FrozenBoundary(backbone.layers[index].name, index, before / total if total else 1.0)
