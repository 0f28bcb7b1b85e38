"""Quiet TensorFlow, started with one inter-op thread before any test uses it, so that trainings repeat themselves."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session", autouse=True)
def _tensorflow_repeats_itself() -> None:
    from trainer.fit.process import configure_determinism

    configure_determinism(None)
