"""Small pictures on the page: embedded, and bounded in number and size whoever made them."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 12
"""Pictures on a page."""
MOST_BYTES = 400_000
"""Of all pictures together, as the page holds them."""
KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg"}
"""First bytes to kind: nothing else is embedded."""


@dataclass(frozen=True)
class Thumbnails:
    """Pictures of images that most configurations miss.

    Attributes:
        pictures: place of the image (`reports.verdict.mistakes.MissedImage.place`) to a PNG or JPEG file.
        note: why there are none, or fewer than there could be; empty otherwise.
    """

    pictures: Mapping[int, bytes] = field(default_factory=dict)
    note: str = ""


NOTHING = Thumbnails()


def data_uris(thumbnails: Thumbnails) -> dict[int, str]:
    """Place to ``data:`` address of the first pictures, as many as fit."""
    uris: dict[int, str] = {}
    size = 0
    for place, picture in thumbnails.pictures.items():
        kind = next((kind for start, kind in KINDS.items() if picture.startswith(start)), None)
        if kind is None or len(uris) == MOST:
            continue
        uri = f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
        if size + len(uri) <= MOST_BYTES:
            uris[place] = uri
            size += len(uri)
    return uris
