"""A model that was removed, trained again: the same settings and seeds, in its trial's own folder, so from its newest checkpoint where one is left."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.errors import SweepError, SweepInputError
from sweeps.launch.runtime import beside_sweep_file, check_still_there, resolve_runtime
from sweeps.launch.whole_models import exported_config
from sweeps.storage_path import checkpoint_root, trial_folder
from sweeps.study.running import SWEEP_FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord, TrialRecord
    from sweeps.sweep_file import SweepFile
    from trainer.records import EpochRecord


@dataclass(frozen=True)
class Price:
    """What training a model again takes.

    Attributes:
        epochs: at most; fewer where a checkpoint is left, or where training stops early.
        seconds: by what an epoch of the study took, or None while nothing is known of it.
    """

    epochs: int
    seconds: float | None

    def __str__(self) -> str:
        from reports.wording import count, duration

        time = "" if self.seconds is None else f", about {duration(self.seconds)} by what the study's epochs took"
        return f"at most {count(self.epochs, 'epoch')}{time}"


def price_of(record: StudyRecord, trial: TrialRecord) -> Price:
    """What training a complete trial again takes.

    Args:
        record: its study.
        trial: one of its trials.
    """
    trained = [each for each in record.trials if each.role != "sibling" and each.num_epochs]
    spans = [(run.started, run.ended or run.seen) for each in trained for run in each.attempts if run.worker]
    seconds = sum((end - start).total_seconds() for start, end in spans if start is not None and end is not None)
    epochs = sum(each.num_epochs for each in trained)
    return Price(trial.num_epochs, seconds / epochs * trial.num_epochs if epochs and seconds else None)


def trial_to_repeat(record: StudyRecord, chosen: RankedConfiguration) -> TrialRecord | None:
    """The complete training of a configuration whose exported file validated best; of a confirmed one a fresh training. None where none was completed."""
    from reports.ranking.ranked import by_exported_file

    trials = by_exported_file(chosen.trials, record.metric, maximize=record.maximize)
    return trials[0] if trials else None


def retrain(record: StudyRecord, sweep: SweepFile, trial: TrialRecord, say: Callable[[str], object]) -> None:
    """Train a trial again, in this process, and leave its model where it was.

    Args:
        record: its study.
        sweep: its file.
        trial: a complete one, with what its training held.
        say: told each epoch, and whether the model scores what the first one did.

    Raises:
        SweepInputError: the data is not what it was trained on.
        SweepError: the training ended without a model.
        TrainerInputError: the data, the backbone or the folder cannot be used.
    """
    from reports.logs.sweep_lines import epoch_text
    from reports.wording import plain_score
    from trainer.fit.process import import_tensorflow_quietly

    folder = record.facts.get(SWEEP_FOLDER, "")
    with beside_sweep_file(folder), resolve_runtime(sweep, Path.cwd(), os.environ).in_this_process():
        check_still_there(sweep, folder)
        import_tensorflow_quietly()
        from trainer import TrainConfig, train
        from trainer.data import load_data

        config = TrainConfig(**exported_config(record, sweep, trial))
        data = load_data(config.data)
        known = record.facts.get("data_fingerprint")
        if trial.validation_seed is None and known and known != data.fingerprint:
            raise SweepInputError(
                f"export --retrain: the data is not the study's (fingerprint {data.fingerprint}, expected {known}): "
                "it would be another model. Restore the images and their split."
            )

        def tell(epoch: EpochRecord) -> None:
            if not epoch.replayed:
                say(epoch_text(epoch.epoch, config.training.epochs, epoch.figures, record.metric))

        result = train(config, tell, checkpoint_dir=trial_folder(checkpoint_root(sweep), trial.number), data=data)
    if result.model_path is None:
        raise SweepError(f"export --retrain: the training ended without a model ({result.stopped}); run the command again.")
    name = f"exported_{record.metric}"
    before, now = trial.figures.get(name), result.figures.get(name)
    if before is None or now is None:
        return
    same = plain_score(now, record.metric) == plain_score(before, record.metric)
    rest = (
        "as the removed one did"
        if same
        else f"the removed one {plain_score(before, record.metric)}: other hardware or package versions round differently"
    )
    say(f"the model of trial {trial.number} is back: its {record.metric} is {plain_score(now, record.metric)}, {rest}")
