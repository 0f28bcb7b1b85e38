"""Quiet TensorFlow, started with one inter-op thread, so that trainings repeat themselves; the tiny trainings beside this file can be imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)


@pytest.fixture(scope="session", autouse=True)
def _tensorflow_repeats_itself() -> None:
    from trainer.fit.process import configure_determinism

    configure_determinism(None)
