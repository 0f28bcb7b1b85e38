"""The policies that ship, by name, and from the setting `data.augmentation` to a policy. A new policy is its class and its entry in `NAMED`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from trainer.augmentation.keras_layers import KerasLayers
from trainer.augmentation.mixing import CutMix, Mixup
from trainer.augmentation.randaugment import RandAugment
from trainer.augmentation.simple import ChangeColor, Flip, Light, Nothing, Rotate, ShearZoom, Strong
from trainer.errors import ConfigError, nearest

if TYPE_CHECKING:
    from trainer.augmentation.policy import Policy

NAMED: dict[str, type[Policy]] = {
    policy.name: policy for policy in (Nothing, Flip, Rotate, ShearZoom, Light, Strong, ChangeColor, RandAugment, Mixup, CutMix)
}

Setting = str | Mapping[str, Any] | tuple[Mapping[str, Any], ...] | list[Mapping[str, Any]]


def policies() -> dict[str, tuple[str, dict[str, Any]]]:
    """Every named policy: its description, and its parameters with their defaults."""
    return {name: (policy().description, policy().parameters()) for name, policy in NAMED.items()}


def policy_from(setting: Setting) -> Policy:
    """The policy that a setting names.

    Args:
        setting: a name; ``{name: rotate, degrees: 15}``; or a list of Keras layers, each ``{name: RandomZoom, height_factor: .2}`` or
            ``{RandomZoom: {height_factor: .2}}``.

    Raises:
        ConfigError: an unknown name or parameter (the nearest known one is proposed), or a value out of range.
    """
    if isinstance(setting, str):
        return _named(setting, {})
    if isinstance(setting, Mapping):
        arguments = dict(setting)
        if "name" not in arguments:
            raise ConfigError(
                f"data.augmentation: expected a policy as {{name: rotate, degrees: 15}}, got keys {', '.join(map(str, arguments))}"
            )
        return _named(str(arguments.pop("name")), arguments)
    return KerasLayers(tuple(_layer(entry) for entry in setting))


def _named(name: str, arguments: Mapping[str, Any]) -> Policy:
    if name not in NAMED:
        raise ConfigError(f"data.augmentation: unknown policy {name!r}{nearest(name, NAMED)}; known: {', '.join(NAMED)}")
    known = [field.name for field in fields(NAMED[name])]
    for parameter in arguments:
        if parameter not in known:
            listed = ", ".join(known) or "none"
            raise ConfigError(
                f"data.augmentation: {name} has no parameter {parameter!r}{nearest(parameter, known)}; its parameters: {listed}"
            )
    return NAMED[name](**arguments)


def _layer(entry: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    arguments = dict(entry)
    if "name" in arguments:
        return str(arguments.pop("name")), arguments
    if len(arguments) == 1:
        [(name, inner)] = arguments.items()
        if inner is None or isinstance(inner, Mapping):
            return str(name), dict(inner or {})
    raise ConfigError(f"data.augmentation: expected a layer as {{name: RandomZoom, height_factor: .2}}, got {dict(entry)!r}")
