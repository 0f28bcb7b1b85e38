"""History as JSON in the shapes that people write, and logs inside other documents."""

from __future__ import annotations

import json

import printed_logs as printed
import pytest

from reports.errors import ReportInputError
from reports.logs import read_text

HISTORY = {"loss": [0.5, 0.4, 0.35], "acc": [0.7, 0.8, 0.85], "val_loss": [0.6, 0.5, 0.7], "val_acc": [0.65, 0.75, 0.7]}
RECORDS = [{"epoch": k, **{name: values[k] for name, values in HISTORY.items()}} for k in range(3)]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(HISTORY),
        json.dumps(HISTORY, indent=2),
        json.dumps({"history": HISTORY, "params": {"epochs": 10, "steps": 3}, "epoch": [0, 1, 2]}),
        json.dumps({name: {str(k): value for k, value in enumerate(values)} for name, values in HISTORY.items()}),
        json.dumps({name: [[value] for value in values] for name, values in HISTORY.items()}),
        json.dumps({name: [str(value) for value in values] for name, values in HISTORY.items()}),
        json.dumps(RECORDS),
        "\n".join(json.dumps(record) for record in RECORDS),
        "\n".join(json.dumps(record) for record in RECORDS) + '\n{"epoch": 3, "lo',
        str(HISTORY),
        str(HISTORY).replace("0.5,", "np.float32(0.5),"),
        "{'loss': array([0.5, 0.4, 0.35]), 'acc': [0.7, 0.8, 0.85], 'val_loss': [0.6, 0.5, 0.7], 'val_acc': [0.65, 0.75, 0.7]}",
    ],
    ids=["plain", "indented", "whole object", "by index", "nested", "strings", "records", "lines", "cut lines", "python", "numpy", "array"],
)
def test_every_shape(text: str) -> None:
    (run,) = read_text(text)

    for ours, name in (("loss", "loss"), ("accuracy", "acc"), ("val_loss", "val_loss"), ("val_accuracy", "val_acc")):
        assert run.curves[ours].tolist() == HISTORY[name]
    assert run.format == "JSON history"


def test_planned_epochs_of_a_whole_history_object() -> None:
    (run,) = read_text(json.dumps({"history": HISTORY, "params": {"epochs": 10}}))

    assert run.planned_epochs == 10


def test_several_models_in_one_file() -> None:
    runs = read_text(json.dumps({"small": HISTORY, "large": {"history": HISTORY}}))

    assert [run.name for run in runs] == ["small", "large"]


def test_json_without_a_history() -> None:
    with pytest.raises(ReportInputError, match="no training found"):
        read_text('{"learning_rate": 0.1, "layers": [64, 64]}')


def test_numbers_that_json_does_not_have() -> None:
    (run,) = read_text('{"loss": [0.5, NaN, Infinity], "val_acc": [0.5, null, 0.75]}')

    assert run.printed["loss"] == ("0.5", "NaN", "Infinity")
    assert run.printed["val_accuracy"] == ("0.5", "", "0.75")


def test_a_notebook_of_several_cells() -> None:
    first, second = printed.keras2_terminal(printed.curve(1.0, 4), 9), printed.keras3_ansi(printed.curve(2.0, 3), 3) * 2
    sizes = "Found 3670 files belonging to 5 classes.\nUsing 2936 files for training.\nUsing 734 files for validation.\n"
    cells = [
        {"cell_type": "code", "outputs": [{"output_type": "stream", "name": "stdout", "text": sizes}]},
        {
            "cell_type": "code",
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": first[:700]},
                {"output_type": "stream", "name": "stderr", "text": "WARNING:absl:You are saving your model as an HDF5 file\n"},
                {"output_type": "stream", "name": "stdout", "text": first[700:]},
                {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo="}},
            ],
        },
        {"cell_type": "code", "outputs": [{"output_type": "stream", "name": "stderr", "text": second.splitlines(keepends=True)}]},
        {"cell_type": "code", "outputs": [{"output_type": "execute_result", "data": {"text/plain": ["0.93"]}}]},
    ]

    runs = read_text(json.dumps({"cells": cells, "nbformat": 4}))

    assert [(run.name, run.num_epochs) for run in runs] == [("cell 2", 4), ("cell 3, fit 1", 3), ("cell 3, fit 2", 3)]
    assert runs[0].num_val == 64  # "Train on ..., validate on 64 samples" speaks of this fit
    assert runs[0].format == "Jupyter notebook"


def test_a_notebook_of_format_3() -> None:
    outputs = [{"output_type": "stream", "stream": "stdout", "text": [printed.keras1_verbose2(printed.curve(1.0, 4), 9)]}]

    (run,) = read_text(json.dumps({"worksheets": [{"cells": [{"cell_type": "code", "outputs": outputs}]}], "nbformat": 3}))

    assert run.num_epochs == 4


def test_captured_streams_of_a_hosted_notebook() -> None:
    lines = printed.keras3_ansi(printed.curve(1.0, 4), 4).splitlines(keepends=True)

    (run,) = read_text(json.dumps([{"stream_name": "stdout", "time": 1.5, "data": line} for line in lines]))

    assert run.num_epochs == 4
