"""Small sweeps of a trainable without TensorFlow, with everything that goes along with a run."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

STUDY_TESTS = str(Path(__file__).parents[1] / "study")
if STUDY_TESTS not in sys.path:
    sys.path.insert(0, STUDY_TESTS)

from killable import sweep_in  # noqa: E402 - its folder was just added

from sweeps.executor.inline import InlineExecutor  # noqa: E402
from sweeps.launch.companions import companions  # noqa: E402
from sweeps.study import SweepAbortedError, run_study  # noqa: E402
from sweeps.sweep_file import sweep_from_text  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def run_with_companions(tmp_path: Path) -> Callable[..., list[str]]:
    """Run a sweep in `tmp_path` with top-level keys as given; returns what was said to the person watching."""

    def run(trainable: str = "fast_training:train", **keys: str) -> list[str]:
        sweep = sweep_from_text(sweep_in(tmp_path, **{"search": "{trials: 2, pruner: none}", **keys}))
        said: list[str] = []
        with suppress(SweepAbortedError), companions(sweep, tmp_path / "report.html", said.append) as beside:
            outcome = run_study(sweep, InlineExecutor(), trainable=trainable, observers=beside.observers)
            beside.on_end(outcome)
        return said

    return run
