"""``steadysweep export``: a configuration's model, its config, a model card."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.cli.command import Command, storage_argument, storage_url, trust_argument
from sweeps.errors import SweepError, SweepInputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord, TrialRecord
    from sweeps.sweep_file import SweepFile
    from trainer.places import Folder


CONFIG, CARD = "config.yaml", "README.md"


def export(study: str, *, storage: str | None, wanted: int, output: str, trust: bool = False) -> int:
    """Write ``model.keras`` (stock Keras layers), ``config.yaml`` and ``README.md`` into a new folder.

    A file that was never measured on the test images is measured now, once: exporting it is the choice.

    Args:
        study: its name.
        storage: URL, or None for the default.
        wanted: rank of the configuration in the report, counted from 1.
        output: a folder that does not exist yet.
        trust: the study's own file may do what `sweeps.trust` asks about.

    Raises:
        SweepInputError: the folder exists, no configuration has this rank, or none of its models is there.
        SweepError: a model is there and cannot be read, or is damaged.
    """
    from sweeps.record import read_study
    from sweeps.sweep_file import sweep_from_text
    from sweeps.trust import check_trusted

    target = Path(output)
    if target.exists():
        raise SweepInputError(f"export: {target} exists and is not overwritten; give a new folder with -o DIR.")
    record = read_study(storage_url(storage, study), study)
    sweep = sweep_from_text(record.sweep_file, f"study {study}")
    check_trusted(record.sweep_file, sweep, (), study=study, trust=trust)
    chosen = _configuration(record, wanted)
    try:
        trial, source = _best_model(record, chosen, sweep)
        _write(record, chosen, (trial, source), target, sweep)
    except OSError as error:
        raise SweepError(f"export: {error}") from error
    print(target)
    return 0


def _write(record: StudyRecord, chosen: RankedConfiguration, best: tuple[TrialRecord, Folder], target: Path, sweep: SweepFile) -> None:
    """Fetch the model, measure it if nobody has, and write the folder; it appears when complete."""
    import yaml

    from sweeps.cli.model_card import model_card
    from sweeps.seeds import STREAMS, data_seed
    from sweeps.sweep_file.configuration import absolute_config, train_config
    from trainer.checkpoints.layout import MODEL, TEST

    trial, source = best
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
        folder = Path(scratch) / "export"
        folder.mkdir()
        fetched = _fetched(source, Path(scratch) / "fetched")
        point = {name: value for name, value in trial.params.items() if value is not None}
        stream = data_seed(sweep.search.seed, trial.role, trial.replicate, record.facts.get(STREAMS))
        trained = train_config(sweep, point, trial.seed, data_seed=stream, validation_seed=trial.validation_seed)
        config = absolute_config(trained.model_dump(mode="json"), Path.cwd())
        (folder / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
        (folder / CARD).write_text(model_card(record, chosen, trial, _test_accuracy(trial, fetched, config)), encoding="utf-8")
        if (fetched / TEST).is_file():
            with contextlib.suppress(OSError):  # beside the model, where it can be written, so that it is not measured again
                source.write(TEST, (fetched / TEST).read_bytes())
        (fetched / MODEL).rename(folder / MODEL)
        folder.rename(target)


def _fetched(source: Folder, folder: Path) -> Path:
    """The model, whole, and the notes beside it, in a folder here; refused where the file is not what was written."""
    from trainer.checkpoints.layout import EXPORT, TEST, TRAINED, checksum, exported_name
    from trainer.checkpoints.local import Checkpoints
    from trainer.errors import DataError

    folder.mkdir()
    for name in (EXPORT, TEST):
        with contextlib.suppress(FileNotFoundError):
            source.download(name, folder / name)
    note = Checkpoints(folder).read_note(EXPORT)
    name = exported_name(note)
    source.download(name, folder / name)
    if note.get("sha256") not in (None, checksum(folder / name)):
        raise SweepError(
            f"export: {source.place}/{name} is damaged: its checksum is not the one in {EXPORT}. "
            "Restore the file, choose another --rank, or train the configuration again with `steadysweep train`."
        )
    if name == TRAINED:
        from trainer.fit.process import import_tensorflow_quietly

        import_tensorflow_quietly()
        from trainer.fit.whole import complete

        try:
            complete(folder)
        except DataError as error:
            raise SweepError(f"export: {str(error).replace(str(folder), source.place)}") from error
    return folder


def _configuration(record: StudyRecord, wanted: int) -> RankedConfiguration:
    from reports.ranking import rank

    ranked = rank(record).configurations
    if not 1 <= wanted <= len(ranked):
        raise SweepInputError(f"export --rank: expected 1 to {len(ranked)} for study {record.name!r}, got {wanted}.")
    return ranked[wanted - 1]


def _best_model(record: StudyRecord, chosen: RankedConfiguration, sweep: SweepFile) -> tuple[TrialRecord, Folder]:
    """The trial of a configuration whose exported checkpoint validated best, and its folder; of a confirmed one a fresh training's."""
    from reports.ranking.ranked import by_exported_file
    from sweeps.launch.whole_models import exported_trial
    from sweeps.storage_path import checkpoint_root, trial_folder
    from trainer.checkpoints.layout import MODEL

    root = checkpoint_root(sweep)
    present = exported_trial(record, chosen, root)
    if present is None:
        trials = by_exported_file(chosen.trials, record.metric, maximize=record.maximize)
        places = ", ".join(f"{trial_folder(root, trial.number)}/{MODEL}" for trial in trials)
        why = f"none of {places} is there" if places else f"it is {chosen.state}: no training was completed"
        raise SweepInputError(
            f"export: configuration {chosen.configuration} (rank {chosen.rank}) has no model: {why}. "
            "Run the command where the sweep ran, choose another --rank, or train it again with `steadysweep train`."
        )
    return present


def _test_accuracy(trial: TrialRecord, folder: Path, config: Mapping[str, Any]) -> float | str:
    """Accuracy of the file on the test images, or why there is none."""
    if "test_accuracy" in trial.figures:
        return trial.figures["test_accuracy"]
    from trainer import TrainConfig
    from trainer.checkpoints.layout import MODEL
    from trainer.errors import TrainerInputError
    from trainer.fit.scores import measure_exported

    try:
        figures = measure_exported(folder / MODEL, TrainConfig(**config))
    except TrainerInputError as error:
        return f"not measured: {error}"
    return figures.get("test_accuracy", "not measured: there is no test split")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="STUDY", help="its name in the storage")
    storage_argument(parser)
    parser.add_argument(
        "--rank", type=int, default=1, metavar="N", dest="wanted", help="rank of the configuration in the report (default: %(default)s)"
    )
    trust_argument(parser)
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="a new folder")


COMMAND = Command(
    name="export",
    summary="a configuration's model, its config and a model card",
    description="Writes model.keras (stock Keras layers), config.yaml and a model card with curve, flags and confidence.",
    examples=(
        ("steadysweep export flowers --rank 1 -o flowers-model", "the best configuration's model"),
        ("steadysweep export flowers --rank 3 -o cheaper-model", "the third's"),
    ),
    add_arguments=_add_arguments,
    run=export,
)
