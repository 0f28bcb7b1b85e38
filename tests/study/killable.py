"""A driver in a process that a test may kill."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from sweeps.executor.factory import ExecutorRequest, make_executor
from sweeps.record.errors import StorageTimes
from sweeps.record.study_record import HistorySource
from sweeps.study.kill_points import VARIABLE
from sweeps.study.plan import StudyOptions
from sweeps.study.running import run_study
from sweeps.sweep_file import sweep_from_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WARM_UP = """
study: warm-up
storage: sqlite:///{folder}/warm-up.db
storage_path: {folder}/runs
data: {{source: digits}}
training: {{epochs: 1}}
space: {{learning_rate: {{float: [1.0e-5, 1.0e-1], log: true}}, dropout: {{float: [0.0, 0.6]}}}}
search: {{trials: 3, sampler_options: {{n_startup_trials: 1}}}}
"""


TEXT = """
study: fast
storage: sqlite:///{folder}/fast.db
storage_path: {folder}/runs
data: {{source: digits}}
training: {{epochs: 5}}
space: {{learning_rate: {{float: [1.0e-5, 1.0e-1], log: true}}, dropout: {{float: [0.0, 0.6], step: 0.05}}}}
confirm: off
"""


def sweep_in(folder: Path, **keys: str) -> str:
    """Text of a sweep that keeps everything in `folder`, its top-level keys as given."""
    lines = TEXT.format(folder=folder).splitlines()
    kept = [line for line in lines if line.partition(":")[0] not in keys]
    return "\n".join([*kept, *(f"{key}: {value}" for key, value in keys.items()), ""])


def run_driver(
    text: str,
    kill_at: str,
    trainable: str,
    environment: Mapping[str, str],
    source: tuple[str, str] | None = None,
    times: StorageTimes | None = None,
    executor: str = "inline",
) -> None:
    """Run the sweep `text` to its end, or to the kill point; `source` is the study and the storage of its history."""
    os.environ.update({**environment, VARIABLE: kill_at})
    options = StudyOptions(history=None if source is None else HistorySource(*source), times=times or StorageTimes())
    sweep = sweep_from_text(text)
    run_study(sweep, make_executor(ExecutorRequest(sweep.resources), executor), trainable=trainable, options=options)


def warm_up() -> None:
    """Run a tiny study, so that processes forked from this one need not import and compile everything again."""
    with tempfile.TemporaryDirectory() as folder:
        run_driver(WARM_UP.format(folder=folder), "", "fast_training:train", {})


if os.environ.get("STEADYSWEEP_WARM_UP"):  # imported by the process that others are forked from
    warm_up()
