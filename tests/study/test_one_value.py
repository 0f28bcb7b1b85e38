"""A sweep whose configurations all hold the same: all images right, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fast_training
import pytest

from reports.page.drawing import nice_scale, scale_over
from sweeps.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sweeps.observer import StudyOutcome


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("confirm", ["off", "auto"])
def test_it_ends_with_a_report_in_every_format(
    run: Callable[..., StudyOutcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float, confirm: str
) -> None:
    monkeypatch.setattr(fast_training, "curve", lambda _config, _seed, epochs: [value] * epochs)
    assert run(search="{trials: 12}", confirm=confirm).reason == "done"
    storage = ("--storage", f"sqlite:///{tmp_path}/fast.db")
    assert main(["report", "fast", *storage, "--format", "html,json,csv,md", "-o", str(tmp_path / "report.html")]) == 0
    assert main(["status", "fast", *storage]) == 0
    assert "fast" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_a_scale_of_one_value_has_room(value: float) -> None:
    for scale in (scale_over([value] * 3, margin=0.0), scale_over([value]), nice_scale([value, value], 5)):
        assert scale.low < scale.high
        assert scale.ticks(5, "val_accuracy")
