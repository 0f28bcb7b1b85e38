"""``steadysweep export``: a configuration's model, its config, a model card."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.cli.command import Command, storage_argument, storage_url, trust_argument
from sweeps.errors import SweepError, SweepInputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    import keras

    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord, TrialRecord
    from sweeps.sweep_file import SweepFile
    from trainer import TrainConfig
    from trainer.places import Folder


CARD = "README.md"
VALIDATION_LIST, VALIDATION_ARRAYS = "validation.csv", "validation.npz"
MOST_NAMED = 12
"""IDs that an error names at most."""


def export(  # noqa: PLR0913 - each is an argument of the command
    study: str,
    *,
    storage: str | None,
    wanted: int | None,
    configuration: str | None,
    formats: str,
    output: str,
    retrain: bool = False,
    trust: bool = False,
) -> int:
    """Write the model with its resizing, ``labels.json``, ``config.yaml``, the validation images' list and ``README.md`` into a new folder.

    A file that was never measured on the test images is measured now, once: exporting it is the choice.

    Args:
        study: its name.
        storage: URL, or None for the default.
        wanted: rank of the configuration in the report, counted from 1.
        configuration: its ID, or the beginning that `status` and the report show. Without either: the one to take for now.
        formats: names from `trainer.exported_model.FORMATS`, separated by commas; ``keras`` is always written.
        output: a folder that does not exist yet.
        retrain: train the configuration again where its model was removed.
        trust: the study's own file may do what `sweeps.trust` asks about, and the Python code in its model file is run.

    Raises:
        SweepInputError: the folder exists, no configuration has this rank or ID, none of its models is there, or there is no such format.
        FormatError: a format cannot be written.
        SweepError: a model is there and cannot be read, or is damaged.
    """
    from sweeps.launch.runtime import beside_sweep_file
    from sweeps.record import read_study
    from sweeps.study.running import SWEEP_FOLDER
    from sweeps.sweep_file import sweep_from_text
    from sweeps.trust import check_trusted

    names = _formats(formats)
    target = Path(output)
    if target.exists():
        raise SweepInputError(f"export: {target} exists and is not overwritten; give a new folder with -o DIR.")
    record = read_study(storage_url(storage, study), study)
    sweep = sweep_from_text(record.sweep_file, f"study {study}")
    check_trusted(record.sweep_file, sweep, (), study=study, trust=trust)
    chosen = _by_rank(record, wanted) if configuration is None else _by_id(record, configuration)
    try:
        with beside_sweep_file(record.facts.get(SWEEP_FOLDER, "")):
            trial, source = _best_model(record, chosen, sweep, retrain=retrain)
            _write(record, chosen, (trial, source), target, sweep, names, trust=trust)
    except OSError as error:
        raise SweepError(f"export: {error}") from error
    print(target, flush=True)
    print(
        f"next: steadysweep predict {shlex.quote(str(target))} IMAGES..., or the lines for Keras alone in {target / CARD}", file=sys.stderr
    )
    return 0


def _formats(text: str) -> tuple[str, ...]:
    """Formats from the command line, ``keras`` first.

    Raises:
        SweepInputError: one is not known.
        FormatError: one needs a package that is not installed.
    """
    from search_spaces.errors import meant
    from trainer.exported_model import FORMATS, require_packages

    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in FORMATS:
            known = f"expected some of {', '.join(FORMATS)}, separated by commas"
            raise SweepInputError(f"export --format: no format {name!r}; {meant(name, FORMATS, known)}")
    chosen = tuple(name for name in FORMATS if name in {"keras", *names})
    require_packages(chosen)
    return chosen


def _write(
    record: StudyRecord,
    chosen: RankedConfiguration,
    best: tuple[TrialRecord, Folder],
    target: Path,
    sweep: SweepFile,
    formats: tuple[str, ...],
    *,
    trust: bool,
) -> None:
    """Fetch the model, measure it if nobody has, and write the folder; it appears when complete."""
    import yaml

    from sweeps.cli.model_card import Delivery, model_card
    from sweeps.launch.whole_models import exported_config
    from trainer import TrainConfig
    from trainer.checkpoints.layout import MODEL, TEST
    from trainer.data.pixels import HEIC
    from trainer.exported_model import LABELS, SETTINGS, load_model, own_layers, with_resizing, write_formats

    trial, source = best
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
        folder = Path(scratch) / "export"
        folder.mkdir()
        fetched = _fetched(source, Path(scratch) / "fetched")
        config = exported_config(record, sweep, trial)
        trained = TrainConfig(**config)
        (folder / SETTINGS).write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
        model = load_model(fetched / MODEL, trained.model.backbone, trust=trust)
        changed = _has_other_images(record, trial, trained)
        if changed:
            print("the images here are not those of the study: nothing is measured on them, and the card names none", file=sys.stderr)
        test_accuracy = _test_accuracy(trial, fetched, None if changed else config, model)
        delivered = with_resizing(model, by_own_maximum=trained.data.preprocessing == "per_image_max")
        labels, validation = ([], "") if changed else _validation_images(trained, folder)
        labels = labels or [name.strip() for name in trial.facts.get("class_names", "").split(",") if name.strip()]
        (folder / LABELS).write_text(json.dumps(labels, ensure_ascii=False, indent=1), encoding="utf-8")
        write_formats(delivered, formats, folder)
        height, width, channels = model.inputs[0].shape[1:]
        delivery = Delivery(
            validation,
            own_layers(model),
            (int(height), int(width), int(channels)),
            formats,
            sigmoid=int(model.outputs[0].shape[-1]) == 1,
            heic=validation == VALIDATION_LIST and any(ending in (folder / VALIDATION_LIST).read_text("utf-8").lower() for ending in HEIC),
        )
        (folder / CARD).write_text(model_card(record, chosen, trial, test_accuracy, delivery), encoding="utf-8")
        if (fetched / TEST).is_file():
            with contextlib.suppress(OSError):  # beside the model, where it can be written, so that it is not measured again
                source.write(TEST, (fetched / TEST).read_bytes())
        folder.rename(target)


def _has_other_images(record: StudyRecord, trial: TrialRecord, config: TrainConfig) -> bool:
    """Whether the images that are here now are others than the study's, or divided otherwise; images that cannot be loaded are told where they are needed."""
    from trainer.data import load_data
    from trainer.errors import TrainerInputError

    known = record.facts.get("data_fingerprint")
    if not known or trial.validation_seed is not None:  # drawn anew for this trial
        return False
    try:
        return load_data(config.data.of_fold(None)).fingerprint != known  # a fold has a fingerprint of its own
    except TrainerInputError:
        return False


LARGEST_ARRAYS = 500e6
"""Bytes of validation images that are copied beside a model, where they come from an array and not from files."""


def _validation_images(config: TrainConfig, folder: Path) -> tuple[list[str], str]:
    """Write which images the model was validated on, so that its accuracy can be measured again without this program.

    Returns:
        Class names in the order of the outputs, and the name of the file that was written; empty where the data is not here, or is too large to be copied.
    """
    import csv

    import numpy as np

    from trainer.data import load_data
    from trainer.errors import TrainerInputError

    try:
        data = load_data(config.data)
    except TrainerInputError:
        return [], ""
    names, images = list(data.class_names), data.validation
    if images.names is not None and all(Path(name).is_file() for name in images.names):  # not rows of a Parquet or TFRecord file
        with (folder / VALIDATION_LIST).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("path", "label"))
            writer.writerows((str(Path(name).absolute()), names[label]) for name, label in zip(images.names, images.labels, strict=True))
        return names, VALIDATION_LIST
    if images.images.nbytes > LARGEST_ARRAYS:
        return names, ""
    np.savez_compressed(folder / VALIDATION_ARRAYS, images=images.images, labels=images.labels)
    return names, VALIDATION_ARRAYS


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
            "Restore the file, choose another --configuration, or train this one again with `steadysweep train`."
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


def _by_id(record: StudyRecord, configuration: str) -> RankedConfiguration:
    from reports.ranking import rank

    ranked = rank(record).configurations
    found = [row for row in ranked if row.configuration.startswith(configuration)] if configuration else []
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(row.configuration for row in found)
        raise SweepInputError(f"export --configuration: {configuration} begins several configurations: {names}; write more of its ID.")
    there = ", ".join(row.short for row in ranked[:MOST_NAMED]) or "none yet"
    more = f" and {len(ranked) - MOST_NAMED} more (steadysweep status {record.name})" if len(ranked) > MOST_NAMED else ""
    raise SweepInputError(f"export --configuration: study {record.name!r} has no configuration {configuration!r}; it has {there}{more}.")


def _by_rank(record: StudyRecord, wanted: int | None) -> RankedConfiguration:
    """The configuration of a rank; None: the one to take for now, else the first."""
    from reports.ranking import rank

    ranking = rank(record)
    ranked = ranking.configurations
    if wanted is None:
        wanted = next((row.rank for row in ranked if row.configuration == ranking.recommended), 1)
    if not 1 <= wanted <= len(ranked):
        raise SweepInputError(f"export --rank: expected 1 to {len(ranked)} for study {record.name!r}, got {wanted}.")
    return ranked[wanted - 1]


def _best_model(record: StudyRecord, chosen: RankedConfiguration, sweep: SweepFile, *, retrain: bool = False) -> tuple[TrialRecord, Folder]:
    """The trial of a configuration whose exported checkpoint validated best, and its folder; of a confirmed one a fresh training's."""
    from reports.ranking.ranked import by_exported_file
    from reports.wording import harmless
    from sweeps.launch.retraining import price_of, trial_to_repeat
    from sweeps.launch.retraining import retrain as train_again
    from sweeps.launch.whole_models import exported_trial
    from sweeps.storage_path import checkpoint_root, trial_folder
    from trainer.checkpoints.layout import MODEL

    def say(text: str) -> None:
        print(harmless(text), file=sys.stderr, flush=True)

    root = checkpoint_root(sweep)
    present = exported_trial(record, chosen, root)
    repeated = trial_to_repeat(record, chosen) if present is None else None
    if repeated is not None and retrain:
        say(f"configuration {chosen.short} has no model any more; training trial {repeated.number} again: {price_of(record, repeated)}")
        train_again(record, sweep, repeated, say)
        present = exported_trial(record, chosen, root)
    if present is None:
        trials = by_exported_file(chosen.trials, record.metric, maximize=record.maximize)
        places = ", ".join(f"{trial_folder(root, trial.number)}/{MODEL}" for trial in trials)
        why = f"none of {places} is there" if places else f"it is {chosen.state}: no training was completed"
        remedy = (
            f"run `steadysweep confirm {record.name} --configuration {chosen.short}`, which trains it to the end"
            if repeated is None
            else f"add --retrain, which trains it again with its recorded seed ({price_of(record, repeated)})"
        )
        raise SweepInputError(
            f"export: configuration {chosen.configuration} (rank {chosen.rank}) has no model: {why}. "
            f"Run the command where the sweep ran, choose another --configuration, or {remedy}."
        )
    return present


def _test_accuracy(trial: TrialRecord, folder: Path, config: Mapping[str, Any] | None, model: keras.Model) -> float | str:
    """Accuracy of the file on the test images, or why there is none; `config` is None where the images are not the study's."""
    if "test_accuracy" in trial.figures:
        return trial.figures["test_accuracy"]
    from trainer import TrainConfig
    from trainer.errors import TrainerInputError
    from trainer.fit.scores import known_figures, measure_exported

    try:
        figures = known_figures(folder) if config is None else measure_exported(folder, TrainConfig(**config), model)
        if figures is None:
            return "not measured: the images that were here were not the study's"
    except TrainerInputError as error:
        return f"not measured: {error}"
    return figures.get("test_accuracy", "not measured: there is no test split")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("study", metavar="STUDY", help="its name in the storage")
    storage_argument(parser)
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--configuration", metavar="ID", help="its ID in the report and in status; the beginning is enough")
    chosen.add_argument("--rank", type=int, metavar="N", dest="wanted", help="its rank in the report; default: the one to take for now")
    parser.add_argument(
        "--format", default="keras", dest="formats", metavar="NAMES",
        help="keras, savedmodel, onnx, tflite, separated by commas; keras is always written (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--retrain", action="store_true",
        help="where the model was removed: train the configuration again with its recorded seed, from its checkpoint if one is left; says first what that takes",
    )  # fmt: skip
    trust_argument(parser)
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="a new folder")


COMMAND = Command(
    name="export",
    summary="a configuration's model, its config and a model card",
    description="Writes model.keras, which takes raw images of any size, labels.json, config.yaml, the list of validation images, and a model card with\n"
    "curve, flags, confidence and lines that load it with Keras alone. Each further --format is run on images before the folder appears.",
    examples=(
        ("steadysweep export flowers --rank 1 -o best-model", "the best configuration's model"),
        ("steadysweep export flowers --configuration e11d86 -o cheaper-model", "that of the one with this ID"),
        ("steadysweep export flowers --rank 7 --retrain -o seventh", "of one whose model was not kept"),
        ("steadysweep export flowers --format tflite,onnx -o for-phones", "in further formats too"),
    ),
    add_arguments=_add_arguments,
    run=export,
)
