"""One image file to pixels: PNG, JPEG, BMP, GIF (first frame) and WebP; grey, RGB, RGBA, palette, 16-bit; EXIF orientation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
"""File names that are taken for images, in lower case."""

GREY_MODES = frozenset({"1", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
SIXTEEN_TO_EIGHT_BIT = 257
"""65535 / 255."""

_ORIENTATION_TAG = 0x0112
_SIDEWAYS = 5
"""EXIF orientations from 5 on turn the image by 90 degrees."""


@dataclass(frozen=True)
class Header:
    """What a file says about its image without being decoded.

    Attributes:
        height: pixels, after EXIF orientation.
        width: pixels, after EXIF orientation.
        mode: Pillow's mode, e.g. ``RGB``, ``L``, ``P``, ``RGBA``, ``I;16``.
        format: e.g. ``PNG``.
    """

    height: int
    width: int
    mode: str
    format: str

    @property
    def grey(self) -> bool:
        """Whether the image has no colour by its mode."""
        return self.mode in GREY_MODES


def read_header(path: Path) -> Header:
    """Size and mode of an image file.

    Raises:
        OSError: the file is missing, or not an image that Pillow can read.
    """
    from PIL import Image

    with Image.open(path) as image:
        width, height = image.size
        if image.getexif().get(_ORIENTATION_TAG, 1) >= _SIDEWAYS:
            width, height = height, width
        return Header(height, width, image.mode, image.format or "")


def decode(path: Path, size: tuple[int, int] | None, channels: int) -> npt.NDArray[np.uint8]:
    """Decode, turn upright and resize one image.

    Transparency is dropped, as `keras.utils.image_dataset_from_directory` does. 16-bit grey is scaled to 8 bits.

    Args:
        path: the file.
        size: height and width to resize to, bilinear with anti-aliasing, the aspect ratio not kept; None keeps the size.
        channels: 1 or 3.

    Returns:
        Pixels ``(height, width, channels)`` in [0, 255].

    Raises:
        OSError, ValueError, SyntaxError: the file is damaged or not an image.
    """
    from PIL import Image, ImageOps

    with Image.open(path) as opened:
        if size is not None and opened.format == "JPEG":
            # lets libjpeg decode at a fraction of the size; twice the target keeps the later resize in charge of quality
            opened.draft("L" if channels == 1 else "RGB", (2 * size[1], 2 * size[0]))
        upright = ImageOps.exif_transpose(opened)
        image = _eight_bit(upright).convert("L" if channels == 1 else "RGB")
    if size is not None and image.size != (size[1], size[0]):
        image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(image, np.uint8).reshape(image.height, image.width, channels)


def resize(
    images: npt.NDArray[np.uint8] | npt.NDArray[np.float32], size: tuple[int, int]
) -> npt.NDArray[np.uint8] | npt.NDArray[np.float32]:
    """Resize decoded images ``(n, height, width, channels)`` to `size` (height, width), bilinear with anti-aliasing; the type is kept."""
    from PIL import Image

    height, width = size
    out = np.empty((len(images), height, width, images.shape[3]), images.dtype)
    for index, image in enumerate(images):
        for channel in range(images.shape[3]):
            plane = Image.fromarray(np.ascontiguousarray(image[..., channel]))
            out[index, ..., channel] = np.asarray(plane.resize((width, height), Image.Resampling.BILINEAR))
    return out


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit and wider grey to 0..255; Pillow's own conversion would clip it to white."""
    from PIL import Image

    if image.mode.startswith("I"):
        values = np.asarray(image, np.int64).clip(0, 65535)
        return Image.fromarray(np.rint(values / SIXTEEN_TO_EIGHT_BIT).astype(np.uint8))
    return image
