"""What a network costs: measured without changing what is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tiny_trainings import settings

from reports.costs import COSTS
from trainer import train
from trainer.network.build import build_model
from trainer.network.costs import BATCHES, latency_figures, size_figures
from trainer.network.weights import export_model

if TYPE_CHECKING:
    from pathlib import Path


def test_sizes_are_those_of_the_exported_file_and_latencies_have_their_quartiles(tmp_path: Path) -> None:
    model = build_model(settings(), (8, 8, 1), 5).model
    export_model(model, tmp_path / "model.keras")
    figures = {**size_figures(model), **latency_figures(model)}
    assert figures["parameters"] == model.count_params()
    assert figures["file_mb"] == pytest.approx((tmp_path / "model.keras").stat().st_size / 1e6, rel=0.01)
    for name in BATCHES:
        assert 0 < figures[f"{name}_low"] <= figures[name] <= figures[f"{name}_high"]
    assert 0 <= figures["latency_others"] <= 1
    assert set(COSTS) <= figures.keys()


def test_measuring_changes_nothing_in_a_training() -> None:
    config = settings(2, model={"dropout": 0.3})
    plain = train(config, keep_compiled=False)
    seen: list[object] = []
    measured = train(config, keep_compiled=False, on_built=lambda model: seen.extend([size_figures(model), latency_figures(model)]))
    assert len(seen) == 2
    assert np.asarray(measured.curves["val_loss"]).tolist() == np.asarray(plain.curves["val_loss"]).tolist()
