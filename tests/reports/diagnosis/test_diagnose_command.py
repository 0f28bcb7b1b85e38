"""The command from end to end: the two reference logs, formats, exit codes."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reports.errors import ReportInputError
from sweeps.cli.diagnose import diagnose
from sweeps.errors import SweepInputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAVY = ("tensorflow", "keras", "ray", "optuna", "pandas", "sklearn", "plotly", "pyarrow", "sqlalchemy")


def test_s3_alternates_and_is_ranked_by_what_it_holds(alternating_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diagnose([str(alternating_log)], output=None, output_format="json", num_val=10401) == 0

    (run,) = json.loads(capsys.readouterr().out)["runs"]
    oscillating = next(flag for flag in run["flags"] if flag["name"] == "oscillating")
    assert oscillating["severity"] == "high"
    assert oscillating["evidence"]["period"] == 2
    assert oscillating["evidence"]["amplitude"] == pytest.approx(0.2, abs=0.03)
    assert oscillating["evidence"]["epochs"][1] == 39
    figures = run["val_accuracy"]
    assert (figures["best"], figures["best_epoch"]) == (0.9877, 23)
    assert figures["level"] == pytest.approx(0.88, abs=0.04)
    assert figures["stable"] < 0.8
    assert run["phases"]["high"] == pytest.approx(0.984, abs=0.003)
    assert {cause["tested"] for cause in run["causes"]} == {False}


def test_s0_never_leaves_chance(frozen_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diagnose([str(frozen_log)], output=None, output_format="json", num_val=None) == 0

    (run,) = json.loads(capsys.readouterr().out)["runs"]
    names = [flag["name"] for flag in run["flags"]]
    assert "collapsed" in names
    assert "oscillating" not in names
    collapsed = run["flags"][names.index("collapsed")]
    assert "saturated" in collapsed["summary"]
    assert "frozen_layers" in collapsed["advice"]


def test_the_document_has_the_agreed_fields_and_no_nan(
    alternating_log: Path, figures_log: Callable[[str, list[float]], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    failed = figures_log("failed.csv", [0.5, 0.6, math.nan, math.inf, 0.7, math.nan])

    assert diagnose([str(alternating_log), str(failed)], output=None, output_format="json", num_val=None) == 0

    text = capsys.readouterr().out
    document = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} in the document"))
    assert document["schema"] == "steadysweep.diagnosis/1"
    for run in document["runs"]:
        assert {"source", "name", "epochs", "num_val", "val_accuracy", "flags"} <= run.keys()
        assert {"best", "best_epoch", "last", "level", "spread", "stable"} <= run["val_accuracy"].keys()
    assert document["runs"][1]["val_accuracy"]["last"] is None
    assert document["runs"][0]["num_val"] is None


def test_the_text_names_figures_finding_advice_and_what_was_not_tested(alternating_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diagnose([str(alternating_log)], output=None, output_format="text", num_val=10401) == 0

    text = " ".join(capsys.readouterr().out.split())
    for part in (
        "Best 98.8 % at epoch 23",
        "last 98.6 %",
        "10,401 validation images",
        "oscillating (high)",
        "Try: ",
        "odd epochs average 98.6 %",
        "No cause can be tested",
    ):
        assert part in text


def test_several_runs_get_an_aligned_table_first(
    alternating_log: Path, frozen_log: Path, steady_log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert diagnose([str(alternating_log), str(frozen_log), str(steady_log)], output=None, output_format="text", num_val=None) == 0

    table = capsys.readouterr().out.split("\n\n")[0].splitlines()
    assert len(table) == 4
    column = table[0].index("flags")
    assert [line[column:].split(",")[0] for line in table[1:]] == ["oscillating", "collapsed", "none"]


def test_a_narrow_terminal(alternating_log: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")

    diagnose([str(alternating_log)], output=None, output_format="text", num_val=None)

    assert max(len(line) for line in capsys.readouterr().out.splitlines()[1:]) <= 60


def test_html_beside_text_and_html_alone(
    alternating_log: Path, steady_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report.html"

    assert diagnose([str(alternating_log), str(steady_log)], output=str(path), output_format="text", num_val=None) == 0
    printed = capsys.readouterr()
    html = path.read_text(encoding="utf-8")
    assert html.lstrip().lower().startswith("<!doctype html>")
    assert "alternating_plain_cnn.csv" in html
    assert "oscillating" in html
    assert str(path) in printed.err
    assert "steady.log" in printed.out

    assert diagnose([str(alternating_log)], output=None, output_format="html", num_val=None) == 0
    assert capsys.readouterr().out.lstrip().lower().startswith("<!doctype html>")


def test_a_log_that_cannot_be_read_beside_one_that_can(alternating_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "letter.txt").write_text("Dear reader,\n")

    assert diagnose([str(tmp_path / "letter.txt"), str(alternating_log)], output=None, output_format="json", num_val=None) == 2

    printed = capsys.readouterr()
    assert len(json.loads(printed.out)["runs"]) == 1
    assert "Looked for" in printed.err
    assert "'Dear reader,'" in printed.err


def test_nothing_readable_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear reader,\n")

    with pytest.raises(ReportInputError, match="Looked for"):
        diagnose([str(tmp_path / "letter.txt")], output=None, output_format="text", num_val=None)


@pytest.mark.parametrize(("logs", "num_val", "reason"), [(["-", "-"], None, "once"), (["x.log"], 0, "positive number")])
def test_bad_arguments(logs: list[str], num_val: int | None, reason: str) -> None:
    with pytest.raises(SweepInputError, match=reason):
        diagnose(logs, output=None, output_format="text", num_val=num_val)


def test_the_command_line_reads_standard_input_and_loads_nothing_heavy(alternating_log: Path) -> None:
    script = "import sys; from sweeps.cli.main import main; code = main(['diagnose', '-', '--format', 'json']); print(*sys.modules, file=sys.stderr); sys.exit(code)"
    done = subprocess.run(
        [sys.executable, "-c", script], stdin=alternating_log.open("rb"), capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["runs"][0]["source"] == "-"
    assert not set(HEAVY) & set(done.stderr.split())


def test_exit_code_of_unreadable_input() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from sweeps.cli.main import main; sys.exit(main(['diagnose', '-']))"],
        input="nothing of interest\n", capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "Looked for a Keras console log" in done.stderr
    assert "'nothing of interest'" in done.stderr
    assert done.stdout == ""
