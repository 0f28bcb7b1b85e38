"""Labels of choices: text by which a value is stored, shown and compared; the value itself keeps its type."""

from __future__ import annotations

import json
from typing import Any


def label_of(value: Any) -> str:  # noqa: ANN401 - choices hold any plain value
    """The label of a choice that was given without one.

    Text is its own label; ``true``, ``false`` and ``null`` are lower case; a number is written in its shortest form, so that ``1`` and ``1.0`` stay apart;
    lists and mappings are written in one line (``[512, 512]``).
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=True)
