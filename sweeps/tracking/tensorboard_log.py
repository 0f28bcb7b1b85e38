"""TensorBoard: a folder of event files for each trial, written by tensorboardX (no TensorFlow in the driver)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.tracking.tracker import FINAL_FIGURES, Log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.records import TrialRecord


class TensorBoardLog(Log):
    """Writes ``FOLDER/STUDY/trial-00012/``: each epoch's figures, then parameters with the final figures (the HPARAMS tab), state and flags.

    Args:
        folder: that ``tensorboard --logdir`` is given.
        study: the study's name.
    """

    def __init__(self, folder: str, study: str) -> None:
        self._folder = Path(folder).expanduser() / study
        self._writers: dict[int, Any] = {}

    def on_started(self, trial: TrialRecord) -> None:
        """Open its event file."""
        self._writer(trial.number)

    def on_epoch(self, trial: TrialRecord, figures: Mapping[str, float]) -> None:
        """One point of every curve; epochs count from 1."""
        writer = self._writer(trial.number)
        for name, value in figures.items():
            if math.isfinite(value):
                writer.add_scalar(name, value, trial.num_epochs)
        writer.flush()

    def on_finished(self, trial: TrialRecord) -> None:
        """Final figures beside the parameters."""
        from tensorboardX.summary import hparams

        writer = self._writer(trial.number)
        scores = {f"final/{name}": trial.score[name] for name in FINAL_FIGURES if name in trial.score}
        for name, value in scores.items():
            writer.add_scalar(name, value, trial.num_epochs)
        for summary in hparams(dict(trial.params), scores):
            writer.file_writer.add_summary(summary)
        writer.add_text(
            "trial", f"{trial.role} of configuration {trial.configuration}: {trial.state} {trial.cause or ''}".rstrip(), trial.num_epochs
        )
        writer.add_text("flags", ", ".join(trial.flags) or "none", trial.num_epochs)
        writer.close()
        del self._writers[trial.number]

    def close(self) -> None:
        """Close what is open."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _writer(self, number: int) -> Any:  # noqa: ANN401 - tensorboardX has no types
        if number not in self._writers:
            from tensorboardX import SummaryWriter

            self._writers[number] = SummaryWriter(logdir=str(self._folder / f"trial-{number:05d}"))
        return self._writers[number]
