"""Files as people have them: TIFF, AVIF, JPEG 2000, transparency, folders that systems make."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from sweeps.first_look.observations import observations
from trainer.data.inspect import inspect_folder
from trainer.data.pixels import CONVERTIBLE, KINDS_READ, SUFFIXES, decode, to_pixels
from trainer.data.sources.files import collect_folders

if TYPE_CHECKING:
    from pathlib import Path


def photo(size: int = 40, seed: int = 0) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC)


@pytest.mark.parametrize(("name", "off"), [("a.tif", 0), ("a.tiff", 0), ("a.jp2", 25), ("a.avif", 25)])
def test_tiff_jpeg_2000_and_avif_are_images(tmp_path: Path, name: str, off: int) -> None:
    photo().save(tmp_path / name)
    pixels = decode(tmp_path / name, None, 3)
    assert np.abs(pixels.astype(int) - np.asarray(photo()).astype(int)).max() <= off
    assert (tmp_path / name).suffix in SUFFIXES


def test_a_float_tiff_and_a_16_bit_one_show_what_they_hold(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "float.tif")
    Image.fromarray(np.rint(ramp * 65535).astype(np.uint16)).save(tmp_path / "sixteen.tif")
    wanted = np.rint(ramp * 255).astype(int)
    for name in ("float.tif", "sixteen.tif"):
        assert np.abs(decode(tmp_path / name, None, 1)[..., 0].astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_transparent_pixels_are_white_and_not_what_lies_below(tmp_path: Path, channels: int) -> None:
    array = np.zeros((8, 8, 4), np.uint8)
    array[:4] = (255, 0, 0, 255)
    array[4:6] = (0, 0, 0, 128)
    Image.fromarray(array).save(tmp_path / "a.png")
    pixels = decode(tmp_path / "a.png", None, channels)
    assert (pixels[6:] == 255).all()
    assert np.abs(pixels[4:6].astype(int) - 127).max() <= 1
    if channels == 3:
        assert (pixels[:4] == (255, 0, 0)).all()
        assert np.abs(to_pixels(array[None], "rgb", None)[0].astype(int) - pixels).max() <= 1


def test_a_palette_with_a_transparent_colour_is_composited_too(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.putpixel((0, 0), 1)
    image.save(tmp_path / "a.png", transparency=0)
    pixels = decode(tmp_path / "a.png", None, 3)
    assert tuple(pixels[0, 0]) == (10, 20, 30)
    assert (pixels[1:] == 255).all()


def test_folders_of_systems_are_no_classes_and_hold_no_images(tmp_path: Path) -> None:
    for label, seed in (("daisy", 0), ("rose", 10)):
        (tmp_path / label).mkdir()
        for number in range(3):
            photo(seed=seed + number).save(tmp_path / label / f"{number}.png")
    for system in (
        "@eaDir",
        "#recycle",
        "$RECYCLE.BIN",
        "__MACOSX",
        "lost+found",
        "System Volume Information",
        "daisy/@eaDir/0.png",
        ".thumbs",
    ):
        (tmp_path / system).mkdir(parents=True)
        photo(seed=99).save(tmp_path / system / "thumb.jpg")
    assert inspect_folder(tmp_path).counts == {"daisy": 3, "rose": 3}
    collected = collect_folders(tmp_path)
    assert collected.class_names == ("daisy", "rose")
    assert len(collected) == 6


def test_images_that_are_not_read_are_told_class_by_class(tmp_path: Path) -> None:
    for label in ("daisy", "rose"):
        (tmp_path / label).mkdir()
        for number in range(4):
            photo(seed=number).save(tmp_path / label / f"{label}{number}.png")
    for number in range(40):
        shutil.copy(tmp_path / "rose" / "rose0.png", tmp_path / "rose" / f"raw{number}.cr2")
    assert ".cr2" in CONVERTIBLE
    for decode_images in (True, False):
        lines = list(observations(inspect_folder(tmp_path, decode_images=decode_images), 64))
        assert any(line.startswith("40 of 44 images of rose are not read (.cr2)") for line in lines)


def test_several_classes_with_images_that_are_not_read_are_told_in_one_line(tmp_path: Path) -> None:
    for label, unread in (("daisy", 1), ("rose", 3), ("lily", 0)):
        (tmp_path / label).mkdir()
        for number in range(3):
            photo(seed=number).save(tmp_path / label / f"{label}{number}.png")
        for number in range(unread):
            (tmp_path / label / f"raw{number}.{'NEF' if number else 'cr2'}").write_bytes(b"II*")
    (tmp_path / "daisy" / "film.mp4").write_bytes(b"x")
    lines = [line for line in observations(inspect_folder(tmp_path), 64) if "read" in line or "ignored" in line]
    assert lines == [
        "1 file ignored, outside the classes or not " + KINDS_READ + " (.mp4): daisy/film.mp4",
        "4 images are not read (.cr2 2, .nef 2): convert them, else the classes are judged without them: 3 of 6 images of rose, 1 of 4 images of daisy",
    ]


@pytest.mark.parametrize("suffix", [".jfif", ".JPE", ".mpo"])
def test_jpeg_under_the_names_of_browsers_and_phones_is_read(tmp_path: Path, suffix: str) -> None:
    first, second = photo(seed=1), photo(seed=2)
    if suffix == ".mpo":  # two pictures of a stereo camera, or a preview behind the picture
        first.save(tmp_path / f"a{suffix}", "MPO", save_all=True, append_images=[second], quality=95)
    else:
        first.save(tmp_path / f"a{suffix}", "JPEG", quality=95)
    first.save(tmp_path / "same.jpg", quality=95)
    assert suffix.lower() in SUFFIXES
    np.testing.assert_array_equal(decode(tmp_path / f"a{suffix}", None, 3), decode(tmp_path / "same.jpg", None, 3))
