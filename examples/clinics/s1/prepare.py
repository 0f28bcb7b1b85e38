"""Cut three grey pictures of 197x197 pixels, one a class, from scikit-learn's two sample photographs into ``three-images/`` below the current folder.

python examples/clinics/s1/prepare.py
"""

from __future__ import annotations

from pathlib import Path

SIZE = 197
CROPS = {"temple": ("china.jpg", 60, 120), "garden": ("china.jpg", 225, 400), "dahlia": ("flower.jpg", 110, 220)}
"""Class to photograph, top and left of the crop in pixels."""


def prepare(folder: Path) -> None:
    """Write ``three-images/CLASS/0.png`` below `folder`; does nothing where they are."""
    from PIL import Image
    from sklearn.datasets import load_sample_image

    for name, (photograph, top, left) in CROPS.items():
        path = folder / "three-images" / name / "0.png"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        grey = Image.fromarray(load_sample_image(photograph)).convert("L")
        grey.crop((left, top, left + SIZE, top + SIZE)).save(path)


if __name__ == "__main__":
    prepare(Path())
    print("three-images: three grey pictures, one a class")
