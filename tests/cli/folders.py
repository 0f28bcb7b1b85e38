"""Folders of images as people have them: scikit-learn's digits and sample photographs, with what goes wrong in practice."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

if TYPE_CHECKING:
    from pathlib import Path


def digit_folders(root: Path, classes: tuple[str, ...] = ("0", "1", "2"), each: int = 40, start: int = 0) -> Path:
    """One folder a class with `each` digits of 8x8 pixels, from the `start`-th of each class on; class number i holds the digit i."""
    digits = load_digits()
    for digit, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for number, row in enumerate(np.flatnonzero(digits.target == digit)[start : start + each]):
            Image.fromarray((digits.images[row] * 255 / 16).astype(np.uint8)).save(root / name / f"{number:03d}.png")
    return root


def messy_photos(root: Path) -> Path:
    """Crops of two photographs in grey, RGB and RGBA; huge, tiny, damaged, empty, duplicate, hidden and linked files; a lonely and an empty class."""
    draws = np.random.default_rng(0)
    for name, photo in zip(("china", "flower"), load_sample_images().images, strict=True):
        folder = root / name
        folder.mkdir(parents=True)
        for number in range(12):
            y, x = draws.integers(0, 300), draws.integers(0, 500)
            crop = Image.fromarray(photo[y : y + 120, x : x + 120]).convert(("RGB", "L", "RGBA")[number % 3])
            crop.save(folder / f"{number}.{'png' if number % 2 or number % 3 == 2 else 'jpg'}")
    china, flower = root / "china", root / "flower"
    Image.new("RGB", (3000, 2000), (200, 30, 30)).save(china / "huge.jpg")
    Image.new("RGB", (1, 1)).save(china / "tiny.png")
    (flower / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
    (flower / "truncated.jpg").write_bytes((flower / "0.jpg").read_bytes()[:500])
    (flower / "empty.png").write_bytes(b"")
    (flower / "labels.csv").write_text("x")
    (root / "notes.txt").write_text("x")
    (root / "lonely").mkdir()
    shutil.copy(flower / "3.png", root / "lonely" / "one.png")
    Image.new("RGB", (90, 90), (0, 80, 0)).save(root / "lonely" / "one.png")
    (root / "nothing").mkdir()
    shutil.copy(china / "1.png", flower / "copy of china.png")
    shutil.copy(china / "3.png", china / "copy.png")
    (china / "more").mkdir()
    shutil.copy(china / "5.png", china / "more" / "5.png")
    (root / ".cache").mkdir()
    (root / ".cache" / "thumbnail.png").write_bytes(b"x")
    (china / ".hidden.png").write_bytes(b"x")
    (china / "link.png").symlink_to(china / "7.png")
    (china / "dangling.png").symlink_to(root / "gone.png")
    return root


def dirty_photos(root: Path) -> Path:
    """Crops of two photographs as cameras, phones, browsers and network storage leave them, and a class of three images.

    Turned by EXIF, transparent, with a palette, CMYK, 16-bit, TIFF, WebP, `.jfif`; a copy, a picture under two labels, damaged and empty files and text; names in several
    scripts, nested and system folders, an empty class.
    """
    draws = np.random.default_rng(1)
    crops: dict[str, list[Image.Image]] = {}
    for name, photo in zip(("Tempel ☕", "Blüte 花"), load_sample_images().images, strict=True):
        places = ((draws.integers(0, 250), draws.integers(0, 450)) for _ in range(40))
        crops[name] = [Image.fromarray(photo[y : y + 150, x : x + 180]) for y, x in places]
        folder = root / name / "2024 Urlaub"
        folder.mkdir(parents=True)
        for number, crop in enumerate(crops[name]):
            _save_somehow(crop, (folder if number % 5 == 0 else root / name) / f"Foto {number:02d} ü", number)
    temple, flower = (root / name for name in crops)
    (root / "selten").mkdir()
    for number in range(3):
        crops["Blüte 花"][number].transpose(Image.Transpose.ROTATE_180).save(root / "selten" / f"{number}.png")
    (root / "leer").mkdir()
    first = next(path for path in sorted(temple.iterdir()) if path.suffix == ".jpg")
    shutil.copy(first, temple / "Kopie.jpg")
    shutil.copy(first, flower / "auch Tempel.jpg")
    (temple / "halb.jpg").write_bytes(first.read_bytes()[:900])
    (temple / "null.JPG").write_bytes(b"")
    (flower / "Notiz.jpg").write_text("no picture")
    (flower / "RAW.CR2").write_bytes(b"II*")
    for system in (root / "@eaDir", temple / "@eaDir" / first.name, root / "__MACOSX"):
        system.mkdir(parents=True)
        shutil.copy(first, system / "SYNOPHOTO_THUMB_M.jpg")
    for name in (".DS_Store", "Thumbs.db", "._Foto.jpg"):
        (temple / name).write_bytes(b"x")
    return root


def _save_somehow(image: Image.Image, stem: Path, number: int) -> None:
    """One of ten kinds of files, by `number`."""
    clear, turned = image.copy(), Image.Exif()
    clear.putalpha(Image.linear_gradient("L").resize(image.size))
    turned[0x0112] = 6
    ending, content, options = (
        (".jpg", image, {"exif": turned}),
        (".JPG", image, {}),
        (".png", clear, {}),
        (".jpeg", image.convert("CMYK"), {}),
        (".tif", Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257), {}),
        (".png", clear.quantize(64), {}),
        (".webp", image, {}),
        (".jfif", image, {"format": "JPEG"}),
        (".PNG", image.convert("L"), {}),
        (".jpg", image.resize((1440, 1200)), {}),
    )[number % 10]
    content.save(stem.with_name(stem.name + ending), **options)
