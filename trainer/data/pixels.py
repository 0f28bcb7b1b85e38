"""Image files and arrays to raw pixels in [0, 255], and the mean and spread of pixels.

Files are PNG, JPEG, BMP, GIF and TIFF (first frame), WebP, AVIF and JPEG 2000, and HEIC where ``pillow-heif`` is installed; grey, RGB, RGBA, palette or 16-bit
grey; EXIF orientation is obeyed; transparent pixels show the white behind them.
"""

from __future__ import annotations

import contextlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from trainer.augmentation.color import BRIGHTEST, LUMINANCE
from trainer.data.packed import Packed, readable
from trainer.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from PIL import Image

    from trainer.data.images import ImageSet, Pixels

HEIC = (".heic", ".heif", ".hif")
"""Endings of files that Pillow reads with ``pillow-heif`` alone."""
_HAS_HEIC = importlib.util.find_spec("pillow_heif") is not None
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".avif", ".jp2", ".j2k"),
    *(HEIC if _HAS_HEIC else ()),
)
"""File names that are taken for images, in lower case."""
CONVERTIBLE = {
    **({} if _HAS_HEIC else dict.fromkeys(HEIC, "pip install pillow-heif")),
    **dict.fromkeys(
        (".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".svg", ".psd", ".jxl", ".dcm", ".nii", ".ppm", ".ico"), "convert them"
    ),
}
"""Endings of images that are not read, to what makes them readable."""
KINDS_READ = "PNG, JPEG, BMP, GIF, WebP, TIFF, AVIF, JPEG 2000" + (" or HEIC" if _HAS_HEIC else "")


@cache
def pillow() -> None:
    """Let Pillow read HEIC where its plug-in is installed."""
    if _HAS_HEIC:
        with contextlib.suppress(ImportError):
            import pillow_heif  # type: ignore[import-not-found]

            pillow_heif.register_heif_opener()


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


def read_header(path: Path | Packed) -> Header:
    """Size and mode of an image file.

    Raises:
        OSError: the file is missing, or not an image that Pillow can read.
    """
    from PIL import Image

    pillow()
    with Image.open(readable(path)) as image:
        width, height = image.size
        if image.getexif().get(_ORIENTATION_TAG, 1) >= _SIDEWAYS:
            width, height = height, width
        return Header(height, width, image.mode, image.format or "")


def decode(path: Path | Packed, size: tuple[int, int] | None, channels: int) -> npt.NDArray[np.uint8]:
    """Decode, turn upright and resize one image.

    Transparent pixels show white behind them: what a file keeps below them is arbitrary, often black. 16-bit grey is scaled to 8 bits.

    Args:
        path: the file, or an image in a file of many.
        size: height and width to resize to, bilinear with anti-aliasing, the aspect ratio not kept; None keeps the size.
        channels: 1 or 3.

    Returns:
        Pixels ``(height, width, channels)`` in [0, 255].

    Raises:
        OSError, ValueError, SyntaxError: the file is damaged or not an image.
    """
    from PIL import Image, ImageOps

    pillow()
    with Image.open(readable(path)) as opened:
        if size is not None and opened.format == "JPEG":
            # lets libjpeg decode at a fraction of the size; twice the target keeps the later resize in charge of quality
            opened.draft("L" if channels == 1 else "RGB", (2 * size[1], 2 * size[0]))
        upright = ImageOps.exif_transpose(opened)
        image = _on_white(_eight_bit(upright)).convert("L" if channels == 1 else "RGB")
    if size is not None and image.size != (size[1], size[0]):
        image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(image, np.uint8).reshape(image.height, image.width, channels)


def resize(images: Pixels, size: tuple[int, int]) -> Pixels:
    """Resize decoded images ``(n, height, width, channels)`` to `size` (height, width), bilinear with anti-aliasing; the type is kept."""
    from PIL import Image

    height, width = size
    out = np.empty((len(images), height, width, images.shape[3]), images.dtype)
    for index, image in enumerate(images):
        for channel in range(images.shape[3]):
            plane = Image.fromarray(np.ascontiguousarray(image[..., channel]))
            out[index, ..., channel] = np.asarray(plane.resize((width, height), Image.Resampling.BILINEAR))
    return out


def _on_white(image: Image.Image) -> Image.Image:
    """An image without transparency: what shows through is white."""
    from PIL import Image

    if not image.has_transparency_data:
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit and wider grey to 0..255; Pillow's own conversion would clip it to white."""
    from PIL import Image

    if image.mode.startswith("I"):
        values = np.asarray(image, np.int64).clip(0, 65535)
        return Image.fromarray(np.rint(values / SIXTEEN_TO_EIGHT_BIT).astype(np.uint8))
    if image.mode == "F":  # of a TIFF: fractions, or levels
        levels = np.nan_to_num(np.asarray(image, np.float64))
        return Image.fromarray(np.rint((levels * BRIGHTEST if levels.max() <= 1 else levels).clip(0, BRIGHTEST)).astype(np.uint8))
    return image


_WITHOUT_CHANNELS, _WITH_CHANNELS = 3, 4
_GREY, _GREY_ALPHA, _RGB, _RGBA = 1, 2, 3, 4


def to_pixels(array: npt.NDArray[Any], color: Literal["auto", "grey", "rgb"], size: tuple[int, int] | None) -> Pixels:
    """Scale, convert and resize an array of images.

    uint8 is kept; other whole numbers up to 255 become uint8; 16-bit is scaled to 0..255. Fractions in [0, 1] are scaled to [0, 255];
    fractions in [0, 255] are kept; both stay float32. Transparent pixels show white behind them.

    Args:
        array: ``(n, height, width)`` or ``(n, height, width, 1..4)``.
        color: channels wanted; ``auto`` keeps one or three.
        size: height and width wanted; None keeps the size.

    Raises:
        DataError: another shape, or values that are no pixels.
    """
    if array.ndim == _WITHOUT_CHANNELS:
        array = array[..., None]
    if array.ndim != _WITH_CHANNELS or not _GREY <= array.shape[3] <= _RGBA:
        raise DataError(f"images: expected shape (n, height, width) or (n, height, width, 1 or 3), got {array.shape}")
    pixels = _channels(_scaled(array), color)
    if size is not None and pixels.shape[1:3] != size:
        pixels = resize(pixels, size)
    return cast("Pixels", np.ascontiguousarray(pixels))


def _scaled(array: npt.NDArray[Any]) -> Pixels:
    if array.dtype == np.uint8:
        return cast("Pixels", array)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all() or low < 0:
        raise DataError(
            f"images: values run from {low:g} to {high:g}; expected raw pixels in [0, 255] or [0, 1]. "
            "Standardising is data.preprocessing's work: give the images as they were before it"
        )
    if array.dtype.kind in "iu":
        if high <= BRIGHTEST:
            return array.astype(np.uint8)
        if high <= np.iinfo(np.uint16).max:
            return np.rint(array / (np.iinfo(np.uint16).max / BRIGHTEST)).astype(np.uint8)
    elif high <= BRIGHTEST:
        return array.astype(np.float32) * np.float32(BRIGHTEST if high <= 1 else 1)
    raise DataError(
        f"images: values run from {low:g} to {high:g} ({array.dtype}); expected raw pixels in [0, 255], [0, 1] or 16-bit whole numbers"
    )


def _channels(pixels: Pixels, color: Literal["auto", "grey", "rgb"]) -> Pixels:
    count = int(pixels.shape[3])
    if count in (_GREY_ALPHA, _RGBA):
        share = pixels[..., count - 1 :].astype(np.float32) / np.float32(BRIGHTEST)
        shown = pixels[..., : count - 1] * share + np.float32(BRIGHTEST) * (1 - share)
        pixels = cast("Pixels", np.rint(shown).astype(np.uint8) if pixels.dtype == np.uint8 else shown.astype(np.float32))
        count -= 1
    if color == "rgb" and count == _GREY:
        return cast("Pixels", np.repeat(pixels, _RGB, axis=3))
    if color == "grey" and count == _RGB:
        grey = pixels.astype(np.float32) @ LUMINANCE[:, None]
        return np.rint(grey).astype(np.uint8) if pixels.dtype == np.uint8 else grey
    return pixels


_IMAGES_AT_ONCE = 256
SMALLEST_VARIANCE = 1e-6
"""A channel that never varies is divided by this spread's root instead of zero."""


@dataclass(frozen=True)
class ChannelStatistics:
    """Of the training images, each pixel counting once.

    Attributes:
        mean: per channel, in [0, 255].
        variance: per channel, in squared pixel units, above zero.
    """

    mean: tuple[float, ...]
    variance: tuple[float, ...]


def channel_statistics(images: ImageSet) -> ChannelStatistics:
    """Exact mean and variance of every channel, summed in float64 a few images at a time, so that mapped files are read once."""
    channels = images.images.shape[3]
    total, squares, count = np.zeros(channels), np.zeros(channels), 0
    for start in range(0, len(images), _IMAGES_AT_ONCE):
        pixels = images.images[start : start + _IMAGES_AT_ONCE].reshape(-1, channels).astype(np.float64)
        total += pixels.sum(axis=0)
        squares += (pixels**2).sum(axis=0)
        count += len(pixels)
    mean = total / count
    variance = np.maximum(squares / count - mean**2, SMALLEST_VARIANCE)
    return ChannelStatistics(tuple(mean.tolist()), tuple(variance.tolist()))
