"""Files that could not be read and were left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.preflight.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.preflight.findings import Setup

FINDINGS = {"skipped_files": "Unreadable files were left out, as data.on_unreadable: skip says."}
MANY = 0.05
SHOWN = 5


def find(setup: Setup) -> Iterator[Finding]:
    """Count them."""
    skipped = setup.data.skipped
    if not skipped:
        return
    share = len(skipped) / (len(skipped) + sum(len(images) for _, images in setup.data.parts()))
    yield Finding(
        "skipped_files",
        "warning" if share > MANY else "info",
        f"{len(skipped)} files could not be read and were left out",
        {"files": len(skipped), "share": share, "examples": skipped[:SHOWN]},
        "repair or remove them",
    )
