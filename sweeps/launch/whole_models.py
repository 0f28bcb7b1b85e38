"""The models of a study's leaders, made whole once it is over: its trials leave what training changed of them (`trainer.fit.whole`), which takes milliseconds.

As a program it reads ``{"root": storage_path, "trials": [number, ...], "look": LookOrder or null}`` from stdin and writes what could not be done to stderr: making a
model needs TensorFlow, and the driver does without it. The same process then looks at the study's images (`sweeps.launch.closer_look`).
"""

from __future__ import annotations

import contextlib
import gc
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.import_order import child_command
from sweeps.launch.closer_look import LookOrder, look_at
from sweeps.seeds import STREAMS, data_seed
from sweeps.storage_path import checkpoint_root, trial_folder
from sweeps.sweep_file.configuration import absolute_config, train_config
from trainer.checkpoints.layout import EXPORT, MODEL, TRAINED
from trainer.errors import TrainerInputError
from trainer.places import is_address, open_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord, TrialRecord
    from reports.verdict import ReportData
    from sweeps.sweep_file import SweepFile
    from trainer.places import Folder


def exported_trial(record: StudyRecord, chosen: RankedConfiguration, root: str) -> tuple[TrialRecord, Folder] | None:
    """The trial of a configuration whose exported checkpoint validated best, and its folder; of a confirmed one a fresh training's. None where no model is left.

    Args:
        record: the study.
        chosen: one of its configurations.
        root: the study's storage_path.
    """
    from reports.ranking.ranked import by_exported_file

    trials = by_exported_file(chosen.trials, record.metric, maximize=record.maximize)
    found = ((trial, open_folder(trial_folder(root, trial.number), "storage_path")) for trial in trials)
    return next(((trial, folder) for trial, folder in found if {MODEL, TRAINED} & folder.files().keys()), None)


def exported_config(record: StudyRecord, sweep: SweepFile, trial: TrialRecord) -> dict[str, Any]:
    """The settings of a trial's training as plain data; its local paths are absolute.

    Args:
        record: the study.
        sweep: its file.
        trial: one of its trials.
    """
    point = {name: value for name, value in trial.params.items() if value is not None}
    stream = data_seed(sweep.search.seed, trial.role, trial.replicate, record.facts.get(STREAMS))
    trained = train_config(sweep, point, trial.seed, data_seed=stream, validation_seed=trial.validation_seed)
    return absolute_config(trained.model_dump(mode="json"), Path.cwd())


def complete_leaders(data: ReportData, sweep: SweepFile, say: Callable[[str], object]) -> None:
    """Make the model whole that `steadysweep export` gives of each configuration of which models are kept, and look at the images with the recommended one.

    What cannot be made now, `export` makes.

    Args:
        data: the study, over, with its ranking.
        sweep: its file.
        say: told how many are made, and what could not be.
    """
    root = checkpoint_root(sweep)
    try:
        present = {name.partition("/")[0] for name in open_folder(root, "storage_path").files() if name.endswith(f"/{TRAINED}")}
        wanted = [
            found[0].number
            for chosen in data.configurations
            if any(f"{trial.number:05d}" in present for trial in chosen.trials) and (found := exported_trial(data.study, chosen, root))
        ]
        look = _look_order(data, sweep, root)
    except (OSError, TrainerInputError) as error:
        say(f"the leaders' models are made whole when they are exported: {error}")
        return
    if wanted:
        say(f"making the model files of the {'leader' if len(wanted) == 1 else f'{len(wanted)} leaders'} whole ...")
    elif look is None:
        return
    done = subprocess.run(  # noqa: S603 - our own command
        child_command("sweeps.launch.whole_models"),
        input=json.dumps({"root": root, "trials": wanted, "look": None if look is None else asdict(look)}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and wanted:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        say(f"not all models could be made whole now ({last[0]}); `steadysweep export` tries again")


def _look_order(data: ReportData, sweep: SweepFile, root: str) -> LookOrder | None:
    """What to look at of a study; None where it has no recommended model, its images are not to be shown, or the report could not read what was found."""
    from reports.verdict.mistakes import shown_configuration

    if is_address(root):
        return None

    chosen = shown_configuration(data.ranking)
    found = None if chosen is None or not sweep.report.images else exported_trial(data.study, chosen, root)
    if chosen is None or found is None:
        return None
    trial = found[0]
    config = exported_config(data.study, sweep, trial)
    missed = [] if data.mistakes is None else [image.place for image in data.mistakes.missed]
    return LookOrder(data.study.name, data.study.facts.get("data_fingerprint", ""), chosen.configuration, trial.number, config, missed)


def complete_at(folder: Folder) -> None:
    """Make the model of a trial whole where it lies, on a disk or on an object store.

    Raises:
        DataError: what is there is damaged, or the backbone's weights are no longer what they were.
        TrainerInputError: the backbone's weights cannot be had.
        OSError: the folder cannot be read or written.
    """
    from trainer.fit.whole import complete

    with tempfile.TemporaryDirectory() as scratch:
        here = Path(scratch)
        for name in (EXPORT, TRAINED):
            folder.download(name, here / name)
        model = complete(here)
        folder.upload(model, MODEL)
        folder.write(EXPORT, (here / EXPORT).read_bytes())  # from now on the whole model counts
        folder.remove([TRAINED])


def _main() -> int:
    from trainer.fit.process import import_tensorflow_quietly

    asked, failed = json.load(sys.stdin), 0
    import_tensorflow_quietly()
    import keras

    for number in asked["trials"]:
        folder = open_folder(trial_folder(asked["root"], number), "storage_path")
        try:
            if TRAINED in folder.files():
                complete_at(folder)
        except (OSError, TrainerInputError) as error:
            failed = 1
            sys.stderr.write(f"{error}\n")
        keras.backend.clear_session()
        gc.collect()
    if asked["look"] is not None:
        with contextlib.suppress(OSError, TrainerInputError):  # the report does without
            look_at(LookOrder(**asked["look"]), asked["root"])
    return failed


if __name__ == "__main__":
    sys.exit(_main())
