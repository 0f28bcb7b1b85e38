"""``steadysweep export``: a configuration's model, its config, a model card."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.ranking import rank
from reports.ranking.exported import by_exported_file
from sweeps.commands.model_card import model_card
from sweeps.commands.storage_argument import storage_argument
from sweeps.errors import SweepInputError
from sweeps.paths import absolute_config, absolute_place
from sweeps.record import read_study
from sweeps.sweep_file import SweepFile, train_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord, TrialRecord

MODEL, CONFIG, CARD = "model.keras", "config.yaml", "README.md"


def export(study: str, *, storage: str | None, wanted: int, output: str) -> int:
    """Write ``model.keras`` (stock Keras layers), ``config.yaml`` and ``README.md`` into a new folder.

    A file that was never measured on the test images is measured now, once: exporting it is the choice.

    Args:
        study: its name.
        storage: URL, or None for the default.
        wanted: rank of the configuration in the report, counted from 1.
        output: a folder that does not exist yet.

    Raises:
        SweepInputError: the folder exists, no configuration has this rank, or none of its models is there.
    """
    target = Path(output)
    if target.exists():
        raise SweepInputError(f"export: {target} exists and is not overwritten; give a new folder with -o DIR.")
    record = read_study(storage_argument(storage, study), study)
    sweep = SweepFile.from_text(record.sweep_file, f"study {study}")
    chosen = _configuration(record, wanted)
    trial, model = _best_model(record, chosen, sweep)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
        folder = Path(scratch) / "export"
        folder.mkdir()
        shutil.copy2(model, folder / MODEL)
        config = absolute_config(train_config(sweep, _point(trial), trial.seed).model_dump(mode="json"), Path.cwd())
        (folder / CONFIG).write_text(_yaml(config), encoding="utf-8")
        (folder / CARD).write_text(model_card(record, chosen, trial, _test_accuracy(trial, model, config)), encoding="utf-8")
        folder.rename(target)
    print(target)
    return 0


def _configuration(record: StudyRecord, wanted: int) -> RankedConfiguration:
    ranked = rank(record).configurations
    if not 1 <= wanted <= len(ranked):
        raise SweepInputError(f"export --rank: expected 1 to {len(ranked)} for study {record.name!r}, got {wanted}.")
    return ranked[wanted - 1]


def _best_model(record: StudyRecord, chosen: RankedConfiguration, sweep: SweepFile) -> tuple[TrialRecord, Path]:
    """The trial of a configuration whose exported checkpoint validated best, and its file; of a confirmed one a fresh training's."""
    root = Path(absolute_place(sweep.storage_path or f"runs/{sweep.study}", Path.cwd()))
    trials = by_exported_file(chosen.trials, record.metric, maximize=record.maximize)
    found = [(trial, root / f"{trial.number:05d}" / MODEL) for trial in trials]
    present = [(trial, path) for trial, path in found if path.is_file()]
    if not present:
        why = (
            f"none of {', '.join(str(path) for _, path in found)} is there" if found else f"it is {chosen.state}: no training was completed"
        )
        raise SweepInputError(
            f"export: configuration {chosen.configuration} (rank {chosen.rank}) has no model: {why}. "
            "Run the command where the sweep ran, choose another --rank, or train it again with `steadysweep train`."
        )
    return present[0]


def _test_accuracy(trial: TrialRecord, model: Path, config: Mapping[str, Any]) -> float | str:
    """Accuracy of the file on the test images, or why there is none."""
    if "test_accuracy" in trial.figures:
        return trial.figures["test_accuracy"]
    from trainer import TrainConfig
    from trainer.errors import TrainerInputError
    from trainer.fit.held_out import measure_exported

    try:
        figures = measure_exported(model, TrainConfig(**config))
    except TrainerInputError as error:
        return f"not measured: {error}"
    return figures.get("test_accuracy", "not measured: there is no test split")


def _point(trial: TrialRecord) -> dict[str, float | int | str]:
    return {name: value for name, value in trial.params.items() if value is not None}


def _yaml(settings: object) -> str:
    import yaml

    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
