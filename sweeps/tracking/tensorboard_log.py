"""TensorBoard: a folder of event files for each trial, written by tensorboardX (no TensorFlow in the driver)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from search_spaces import PointValue
    from sweeps.study import FinishedTrial, TrialProgress


class TensorBoardLog:
    """Writes ``FOLDER/STUDY/trial-00012/``: each epoch's figures, then parameters with the final figures (the HPARAMS tab), state and flags.

    Args:
        folder: that ``tensorboard --logdir`` is given.
        study: the study's name.
    """

    def __init__(self, folder: str, study: str) -> None:
        self._folder = Path(folder).expanduser() / study
        self._writers: dict[int, Any] = {}

    def started(self, trial: TrialProgress) -> None:
        """Open its event file."""
        self._writer(trial.number)

    def epoch(self, trial: TrialProgress, figures: Mapping[str, float]) -> None:
        """One point of every curve; epochs count from 1."""
        writer = self._writer(trial.number)
        for name, value in figures.items():
            if math.isfinite(value):
                writer.add_scalar(name, value, trial.epoch)
        writer.flush()

    def finished(self, trial: FinishedTrial) -> None:
        """Final figures beside the parameters."""
        from tensorboardX.summary import hparams

        writer = self._writer(trial.number)
        scores = {
            f"final/{name}": value
            for name, value in (("stable", trial.stable), ("level", trial.level), ("best", trial.best), ("last", trial.last))
            if value is not None and math.isfinite(value)
        }
        for name, value in scores.items():
            writer.add_scalar(name, value, trial.epochs)
        for summary in hparams(_plain(trial.params), scores):
            writer.file_writer.add_summary(summary)
        writer.add_text(
            "trial", f"{trial.role} of configuration {trial.configuration}: {trial.state} {trial.cause or ''}".rstrip(), trial.epochs
        )
        writer.add_text("flags", ", ".join(trial.flags) or "none", trial.epochs)
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


def _plain(params: Mapping[str, PointValue]) -> dict[str, Any]:
    return dict(params)
