"""The syntax of ``frozen_layers``; what it means for a backbone is resolved in `trainer.freezing`."""

from __future__ import annotations

import re

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
