"""Write scikit-learn's handwritten digits as two balanced class folders below the current folder: ``two-classes/even`` and ``two-classes/odd``.

Run it in the folder of the clinic: ``python examples/clinics/s3/prepare.py``.
"""

from __future__ import annotations

from pathlib import Path

EACH = 625
"""Images of either class."""


def prepare(folder: Path) -> None:
    """Write ``two-classes/CLASS/*.png``, 8x8 grey pixels; does nothing where they are."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    if (folder / "two-classes" / "odd").is_dir():
        return
    digits = load_digits()
    generator = np.random.default_rng(0)
    for name, remainder in (("even", 0), ("odd", 1)):
        target = folder / "two-classes" / name
        target.mkdir(parents=True)
        rows = generator.permutation(np.flatnonzero(digits.target % 2 == remainder))[:EACH]
        for row in rows.tolist():
            pixels = (digits.images[row] * (255 / 16)).round().astype(np.uint8)
            Image.fromarray(pixels).save(target / f"{row:04d}.png")


if __name__ == "__main__":
    prepare(Path())
    print(f"two-classes: {EACH} even and {EACH} odd digits")
