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
MOST_PREVIEW_BYTES = 100_000
"""Of the preview of an augmentation, as the page holds it."""
KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg"}
"""First bytes to kind: nothing else is embedded."""


@dataclass(frozen=True)
class Thumbnails:
    """Pictures of images that most configurations miss.

    Attributes:
        pictures: place of the image (`reports.verdict.mistakes.MissedImage.place`) to a PNG or JPEG file.
        note: why there are none, or fewer than there could be; empty otherwise.
        policy: augmentation of the recommended configuration, in words; empty where it has none, or no closer look was taken.
        preview: PNG or JPEG file with training images beside augmented versions of them.
        preview_note: why there is no preview although there is a policy; empty otherwise.
        hints: place of an image to what its nearest training images say of it.
        compared: what comparing the validation images with the training images found, in sentences; empty where nobody did.
        pairs: near-duplicates of different classes: validation image, its class, training image, its class.
    """

    pictures: Mapping[int, bytes] = field(default_factory=dict)
    note: str = ""
    policy: str = ""
    preview: bytes = b""
    preview_note: str = ""
    hints: Mapping[int, str] = field(default_factory=dict)
    compared: str = ""
    pairs: tuple[tuple[str, str, str, str], ...] = ()


NOTHING = Thumbnails()


def data_uris(thumbnails: Thumbnails) -> dict[int, str]:
    """Place to ``data:`` address of the first pictures, as many as fit."""
    uris: dict[int, str] = {}
    size = 0
    for place, picture in thumbnails.pictures.items():
        uri = _data_uri(picture)
        if uri and len(uris) < MOST and size + len(uri) <= MOST_BYTES:
            uris[place] = uri
            size += len(uri)
    return uris


def preview_uri(thumbnails: Thumbnails) -> str:
    """``data:`` address of the preview; empty where there is none, or it is too large."""
    uri = _data_uri(thumbnails.preview)
    return uri if len(uri) <= MOST_PREVIEW_BYTES else ""


def _data_uri(picture: bytes) -> str:
    """Address of a picture; empty for other files."""
    kind = next((kind for start, kind in KINDS.items() if picture.startswith(start)), None)
    return "" if kind is None else f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
