"""A sweep run in a real notebook kernel shows its progress below the cell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbclient import NotebookClient

if TYPE_CHECKING:
    import pytest

HERE = Path(__file__).parent
CELL = """
import sys
sys.path.insert(0, {folder!r})
from killable import sweep_in
from sweeps.executor.inline import InlineExecutor
from sweeps.progress import progress_display
from sweeps.study.running import run_study
from sweeps.sweep_file import SweepFile, sweep_from_text
from pathlib import Path
sweep = sweep_from_text(sweep_in(Path({work!r}), search="{{trials: 2, pruner: none}}"))
with progress_display("val_accuracy", quiet=False) as progress:
    progress.message("checking the data")
    run_study(sweep, InlineExecutor(), trainable="fast_training:train", observers=[progress])
"""

SHOWN = ("Sweep(sweep)", "Sweep(sweep).best", "Sweep(sweep).record", "Sweep(sweep).to_frame()", "Sweep(sweep).report('page.html')")


def test_a_notebook_shows_the_display_in_one_place_and_keeps_its_last_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE.parents[1]), str(HERE.parent / "study")]))
    cell = nbformat.v4.new_code_cell(CELL.format(folder=str(HERE.parent / "study"), work=str(tmp_path)))
    own = [nbformat.v4.new_code_cell(f"from sweeps import Sweep\n{line}") for line in SHOWN]
    notebook = nbformat.v4.new_notebook(cells=[cell, *own])
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = notebook.cells[0].outputs
    said = "".join(output.text for output in outputs if output.output_type == "stream")
    shown = [output.data for output in outputs if output.output_type == "display_data"]
    assert said.strip() == "checking the data"
    assert len(shown) == 1
    assert "2/2 trials" in shown[0]["text/html"]
    for words in ("leaders, val_accuracy", "stable", "level", "best", "learning_rate=", "dropout="):
        assert words in shown[0]["text/html"]

    sweep, best, record, frame, report = (cell.outputs[-1].data for cell in notebook.cells[1:])
    assert "(take)" in sweep["text/html"]
    assert "<caption>configuration " in best["text/html"]
    assert best["text/plain"].startswith("<configuration ")
    assert len(best["text/plain"]) < 400, "no curves in between"
    assert record["text/plain"] == "<study 'fast', ranked by val_accuracy: 2 complete>"
    assert "params_learning_rate" in frame["text/html"]
    assert report["text/html"].startswith("<iframe sandbox")
