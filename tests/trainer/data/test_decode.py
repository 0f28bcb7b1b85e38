"""Formats and modes all end as upright 8-bit pixels; damaged files are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from trainer.data.pixels import decode, read_header

if TYPE_CHECKING:
    from pathlib import Path

PICTURE = np.zeros((16, 24, 3), np.uint8)
PICTURE[:8, :, 0] = 200
PICTURE[8:, :, 2] = 120
PICTURE[:, 12:, 1] = 60


@pytest.mark.parametrize(("suffix", "tolerance"), [(".png", 0), (".bmp", 0), (".gif", 0), (".webp", 6), (".jpg", 6), (".JPEG", 6)])
def test_formats(tmp_path: Path, suffix: str, tolerance: int) -> None:
    path = tmp_path / f"picture{suffix}"
    Image.fromarray(PICTURE).save(path)
    pixels = decode(path, None, 3)
    assert pixels.shape == (16, 24, 3)
    assert np.abs(pixels.astype(int) - PICTURE).mean() <= tolerance
    assert (read_header(path).height, read_header(path).width) == (16, 24)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_modes_as_grey_and_as_colour(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "picture.png"
    grey = np.zeros((10, 10), np.uint8)
    grey[:, 5:] = 255
    if mode == "I;16":
        Image.fromarray(grey.astype(np.uint16) * 257).save(path)
    else:
        Image.fromarray(grey).convert(mode).save(path)
    assert np.array_equal(decode(path, None, 1)[..., 0], grey)
    assert np.array_equal(decode(path, None, 3), np.repeat(grey[..., None], 3, axis=2))
    assert read_header(path).grey == (mode not in {"P", "RGB", "RGBA"})


def test_sixteen_bit_keeps_its_steps(tmp_path: Path) -> None:
    ramp = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    assert len(np.unique(decode(tmp_path / "ramp.png", None, 1))) == 256


def test_cmyk_jpeg(tmp_path: Path) -> None:
    Image.fromarray(PICTURE).convert("CMYK").save(tmp_path / "a.jpg")
    assert decode(tmp_path / "a.jpg", (8, 8), 3).shape == (8, 8, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(tmp_path: Path, orientation: int) -> None:
    upright = Image.fromarray(PICTURE)
    # how a camera that is held so stores the upright scene
    stored_by = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = upright if stored_by is None else upright.transpose(stored_by)
    stored.save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(decode(tmp_path / "a.png", None, 3), PICTURE)
    assert (read_header(tmp_path / "a.png").height, read_header(tmp_path / "a.png").width) == (16, 24)


def test_resizing_down_averages_instead_of_picking(tmp_path: Path) -> None:
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    Image.fromarray(board).save(tmp_path / "board.png")
    pixels = decode(tmp_path / "board.png", (8, 8), 1)
    assert np.abs(pixels.astype(int) - 127).max() <= 2


def test_a_large_jpeg_is_close_to_the_full_decode(tmp_path: Path) -> None:
    smooth = np.add.outer(np.linspace(0, 200, 400), np.linspace(0, 55, 600)).astype(np.uint8)
    Image.fromarray(smooth).convert("RGB").save(tmp_path / "a.jpg", quality=95)
    small = decode(tmp_path / "a.jpg", (40, 60), 3).astype(int)
    exact = np.asarray(Image.fromarray(smooth).resize((60, 40), Image.Resampling.BILINEAR)).astype(int)[..., None]
    assert np.abs(small - exact).max() <= 6
