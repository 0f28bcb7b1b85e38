"""Backbone, head, freezing and BatchNorm.

Here is the syntax of ``frozen_layers``; what it means for a backbone is resolved in `trainer.network.boundary`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from trainer.backbones import backbone_info
from trainer.config.base import Settings, setting
from trainer.errors import ConfigError
from trainer.user_code import check_reference

_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%\Z")
_BLOCKS = re.compile(r"\d+ blocks?\Z")
_WEIGHTED = re.compile(r"weighted:\d+\Z")
_LAYER_NAME = re.compile(r"[A-Za-z_][\w./-]*\Z")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?\Z")
_ACCEPTED = "none, all, a share of the blocks such as '75%', '4 blocks', a layer's name, or 'weighted:20'"
_ALL_PERCENT = 100


def check_frozen_layers(given: object) -> str:
    """`given` if it is one of the accepted forms.

    Args:
        given: ``none``, ``all``, ``75%`` (0 to 100), ``4 blocks``, a layer's name, or ``weighted:20``.

    Raises:
        ValueError: any other form. A bare number is refused: 20 layers are 88 % of VGG19's parameters and .5 % of ResNet50's.
    """
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        raise ValueError(f"expected {_ACCEPTED}, got {given!r}")  # noqa: TRY004 - pydantic reports ValueError alone
    text = str(given)
    if not isinstance(given, str) or _NUMBER.match(text):
        raise ValueError(
            "a bare number means different things in different backbones: write '4 blocks' for blocks from the input, "
            f"'weighted:20' for layers with weights, or a share such as '75%'; got {given!r}"
        )
    percent = _PERCENT.match(text)
    if percent:
        if float(percent[1]) > _ALL_PERCENT:
            raise ValueError(f"expected a share from 0% to 100%, got {text!r}")
        return text
    if not any(form.match(text) for form in (_BLOCKS, _WEIGHTED, _LAYER_NAME)):
        raise ValueError(f"expected {_ACCEPTED}, got {text!r}")
    return text


Rate = Annotated[float, Field(ge=0, lt=1)]


class ModelConfig(Settings):
    """The network: a backbone up to its features and a head on top."""

    backbone: str = setting("small_resnet", searchable=True)
    """A name from ``steadysweep models`` or ``package.module:function`` returning a Keras model."""
    weights: str | None = setting(None)
    """``imagenet``, a file (``.weights.h5``, ``.keras``), ``own`` (what a ``package.module:function`` loaded itself), or nothing: random initial weights."""
    options: dict[str, Any] = setting(default_factory=dict)
    """Arguments of the backbone's builder, e.g. ``{filters: [16, 32]}`` for ``small_resnet`` or ``plain_cnn``."""
    pooling: Literal["avg", "max", "flatten"] = setting("avg", searchable=True)
    """How the backbone's feature map becomes a vector."""
    dense: tuple[Annotated[int, Field(ge=1)], ...] = setting((), searchable=True)
    """Widths of the dense layers between the features and the output."""
    activation: str = setting("relu", searchable=True)
    """Activation of the dense layers."""
    dropout: Rate | tuple[Rate, ...] = setting(0.0, searchable=True)
    """Dropout rate before each dense layer and before the output; a list gives each its own, the output's last."""
    head_bn: bool = setting(default=False, searchable=True)
    """BatchNorm after each dense layer of the head (on the features where there is none)."""
    output: Literal["auto", "softmax", "sigmoid"] = setting("auto")
    """``sigmoid`` is one unit for two classes; the loss follows from it. ``auto``: softmax."""
    frozen_layers: Annotated[str, BeforeValidator(check_frozen_layers)] = setting("none", searchable=True)
    """``none``, ``all``, ``75%`` (of the blocks, from the input), ``4 blocks``, a layer's name, or ``weighted:20``."""
    bn_momentum: float | None = setting(None, ge=0, lt=1, searchable=True)
    """Momentum of every BatchNorm layer, nested ones too; default: as the backbone defines it."""
    frozen_bn: Literal["inference", "batch", "reestimate"] = setting("inference", searchable=True)
    """What frozen BatchNorm layers normalise by while training: stored statistics (Keras 3), the batch's (Keras 2.x), or statistics re-estimated on these images."""

    @field_validator("backbone")
    @classmethod
    def _known_backbone(cls, value: str) -> str:
        """Refuse an unknown backbone, or one whose module ours hides, while the file's line is still known."""
        try:
            if backbone_info(value) is None:
                check_reference(value, "model.backbone")
        except ConfigError as error:
            raise ValueError(str(error).removeprefix("model.backbone: ")) from error
        return value
