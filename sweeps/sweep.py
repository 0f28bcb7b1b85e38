"""A sweep from Python: ``Sweep.from_yaml("sweep.yaml").run()``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sweeps.sweep_file import SweepFile, load_sweep_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord
    from sweeps.launch import LaunchOptions, LaunchResult
    from sweeps.notebook import Report


class Sweep:
    """A sweep file, ready to run, and the study that its runs make: what is read of that is read anew each time, also while it runs elsewhere.

    Attributes:
        settings: the resolved file; the same dataclasses may be built by hand.
        folder: of the file, where modules of one's own may lie beside it; empty for one that was built by hand.
    """

    def __init__(self, settings: SweepFile, folder: str = "") -> None:
        self.settings = settings
        self.folder = folder

    @classmethod
    def from_yaml(cls, path: str | Path, overrides: Sequence[str] = ()) -> Self:
        """Read a sweep file.

        Args:
            path: of the YAML file.
            overrides: ``KEY=VALUE`` texts, as after ``--set``.

        Raises:
            sweeps.errors.SweepInputError: with every problem found, each with file, line and key.
        """
        return cls(load_sweep_file(path, overrides), str(Path(path).resolve().parent))

    def run(self, options: LaunchOptions | None = None) -> LaunchResult:
        """Run the study, or continue it, and write its report; see `sweeps.launch.launch`."""
        from sweeps.launch import LaunchOptions, launch

        chosen = options or LaunchOptions()
        return launch(self.settings, chosen if chosen.folder else replace(chosen, folder=self.folder))

    @property
    def record(self) -> StudyRecord:
        """The study as it stands in its storage.

        Raises:
            sweeps.record.errors.StudyNotFoundError: it was not run yet.
        """
        from sweeps.record import read_study
        from sweeps.study.running import storage_of

        return read_study(storage_of(self.settings), self.settings.study)

    @property
    def best(self) -> RankedConfiguration | None:
        """The configuration to take for now; None where no usable one is finished. Raises as `record` does."""
        from reports.ranking import rank
        from sweeps.notebook import recommended

        return recommended(rank(self.record))

    def to_frame(self, *, epochs: bool = False) -> pd.DataFrame:
        """The trials as a table of pandas, a row a trial or, with `epochs`, an epoch; see `reports.records.StudyRecord.to_frame`. Raises as `record` does."""
        return self.record.to_frame(epochs=epochs)

    def report(self, path: str | Path | None = None) -> Report:
        """Write the study's report, which a notebook shows inline. Raises as `record` does.

        Args:
            path: of the HTML file; None: the sweep file's ``report.path``, else ``STUDY.html``.
        """
        from reports.exports import write_atomically
        from reports.page import render_report
        from reports.verdict import build_report_data
        from sweeps.notebook import Report
        from sweeps.thumbnails import report_pictures

        data = build_report_data(self.record)
        place = Path(path or self.settings.report.path or f"{self.settings.study}.html").resolve()
        write_atomically(place, render_report(data, thumbnails=report_pictures(data)))
        return Report(place)

    def __repr__(self) -> str:
        """A few words, without a look at the storage."""
        varied = ", ".join(self.settings.space.parameters) or "nothing"
        return f"<sweep {self.settings.study!r}: {self.settings.search.trials} trials of {self.settings.training.epochs} epochs, varies {varied}>"

    def _repr_html_(self) -> str:
        """The study's leaders where it was run, else what would be run."""
        from html import escape

        from reports.ranking import rank
        from sweeps.notebook import study_html
        from sweeps.record.errors import SchemaError, StudyNotFoundError

        try:
            study = self.record
        except (StudyNotFoundError, SchemaError):
            return f"<p>{escape(repr(self).strip('<>'))}; not run yet</p>"
        return study_html(study, rank(study))
