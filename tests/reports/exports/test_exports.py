"""JSON, CSV and Markdown say the same as the report and read back whole."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import synthetic_studies as synthetic

from reports.exports import inert, to_csv, to_json, to_markdown
from reports.verdict import ReportData, build_report_data

NASTY = "a|b<i>\n# `c` [d](e) </script> \U0001f600"


@pytest.fixture(scope="module")
def data() -> ReportData:
    return build_report_data(synthetic.flowers())


def test_only_complete_trainings_have_a_stable_figure_and_a_rank(data: ReportData) -> None:
    others = [row for row in data.configurations if row.trial_state != "COMPLETE" and row.level is not None]
    assert {row.trial_state for row in others} == {"PRUNED", "RUNNING", "FAIL"}
    entries = {entry["configuration"]: entry for entry in json.loads(to_json(data))["ranking"]}
    cells = {row["configuration"]: row for row in csv.DictReader(io.StringIO(to_csv(data).configurations))}
    markdown = to_markdown(data)
    for row in others:
        entry, cell = entries[row.configuration], cells[row.configuration]
        assert [entry[name] for name in ("rank", "stable", "stable_interval", "spread")] == [None] * 4
        assert (entry["level"], entry["epochs"], entry["planned_epochs"]) == (row.level, row.epochs, 30)
        assert [cell[name] for name in ("rank", "stable", "spread")] == [""] * 3
        line = next(line for line in markdown.splitlines() if row.short in line and line.startswith("|"))
        assert f"at epoch {row.epochs} of 30" in line


def test_json_has_the_schema_the_ranking_and_exact_curves(data: ReportData) -> None:
    document = json.loads(to_json(data))
    assert document["schema"] == "steadysweep.report/1"
    assert document["study"]["name"] == "flowers-transfer"
    assert [entry["configuration"] for entry in document["ranking"]] == [row.configuration for row in data.configurations]
    first = document["ranking"][0]
    assert {
        "rank",
        "params",
        "stable",
        "stable_interval",
        "level",
        "best",
        "last",
        "tied_with",
        "confirmed",
        "flags",
        "trials",
    } <= first.keys()
    assert first["confirmed"] is True
    assert first["stable_interval"][0] < first["stable_interval"][1]
    trial = data.configurations[0].trials[0]
    assert np.array_equal(np.float32(first["trials"][0]["curves"]["val_accuracy"]), trial.curves["val_accuracy"])
    assert document["states"] == {"COMPLETE": 24, "PRUNED": 4, "FAIL": 1, "RUNNING": 1}


def test_json_turns_what_is_not_finite_into_null() -> None:
    curve = np.array([0.5, np.nan, np.inf, 0.6, 0.61, 0.62, 0.63], dtype=np.float32)
    text = to_json(synthetic.single(curve))
    assert "NaN" not in text
    assert "Infinity" not in text
    assert json.loads(text)["ranking"][0]["trials"][0]["curves"]["val_accuracy"][1:3] == [None, None]


def test_csv_has_one_row_a_configuration_and_one_an_epoch(data: ReportData) -> None:
    tables = to_csv(data)
    configurations = list(csv.DictReader(io.StringIO(tables.configurations)))
    assert [row["configuration"] for row in configurations] == [row.configuration for row in data.configurations]
    assert float(configurations[0]["stable"]) == pytest.approx(data.configurations[0].stable)
    assert configurations[0]["param:frozen_layers"] == data.configurations[0].params["frozen_layers"]
    assert any(row["param:bn_momentum"] == "" for row in configurations)
    epochs = list(csv.DictReader(io.StringIO(tables.epochs)))
    assert len(epochs) == sum(trial.num_epochs for trial in data.study.trials)
    assert float(epochs[0]["val_accuracy"]) == float(str(data.study.trials[0].curves["val_accuracy"][0]))


def test_csv_names_cannot_become_formulas() -> None:
    study = synthetic.flowers()
    trials = tuple(replace(trial, params={**trial.params, "augmentation": '=HYPERLINK("http://x")'}) for trial in study.trials)
    table = list(csv.DictReader(io.StringIO(to_csv(replace(study, trials=trials)).configurations)))
    assert {row["param:augmentation"] for row in table} == {'\'=HYPERLINK("http://x")'}


@pytest.mark.parametrize("name", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx", "\n=1", " =1+1", "\uff1d1+1", "-", "-inf"])
def test_texts_that_begin_a_formula_are_inert(name: str) -> None:
    assert inert(name) == f"'{name}"


@pytest.mark.parametrize("name", ["-1", "+.5", "-1.5e-3", "1e5", "a=b", "flip", "-0", "", "x-y", "日本"])
def test_numbers_and_plain_names_stay_as_they_are(name: str) -> None:
    assert inert(name) == name


def test_markdown_has_verdict_and_table_and_escapes_names(data: ReportData) -> None:
    text = to_markdown(data)
    assert text.startswith("# flowers-transfer\n\n**")
    assert data.verdict.steadiness in text
    table = [line for line in text.splitlines() if line.startswith("| ")]
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    hostile = to_markdown(replace(data.study, name=NASTY))
    assert hostile.startswith("# a\\|b\\<i\\>")
    assert "<i>" not in hostile
    assert len(hostile.splitlines()[0]) > len(NASTY)


@pytest.mark.parametrize("trials", [(), synthetic.flowers().trials[:1]])
def test_small_studies_export(trials: tuple) -> None:
    study = replace(synthetic.flowers(), trials=trials)
    assert len(json.loads(to_json(study))["ranking"]) == len(trials)
    assert len(to_csv(study).configurations.splitlines()) == 1 + len(trials)
    assert to_markdown(study).startswith("# ")
