"""A sweep from Python: ``Sweep.from_yaml("sweep.yaml").run()``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sweeps.sweep_file import SweepFile, load_sweep_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sweeps.launch import LaunchOptions, LaunchResult


class Sweep:
    """A sweep file, ready to run.

    Attributes:
        settings: the resolved file; the same dataclasses may be built by hand.
    """

    def __init__(self, settings: SweepFile) -> None:
        self.settings = settings

    @classmethod
    def from_yaml(cls, path: str | Path, overrides: Sequence[str] = ()) -> Self:
        """Read a sweep file.

        Args:
            path: of the YAML file.
            overrides: ``KEY=VALUE`` texts, as after ``--set``.

        Raises:
            sweeps.errors.SweepInputError: with every problem found, each with file, line and key.
        """
        return cls(load_sweep_file(path, overrides))

    def run(self, options: LaunchOptions | None = None) -> LaunchResult:
        """Run the study, or continue it, and write its report; see `sweeps.launch.launch`."""
        from sweeps.launch import launch

        return launch(self.settings, options)
