"""The resolved file, the JSON Schema, the reference, durations, and what importing costs."""

import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from search_spaces import load_yaml, load_yaml_file, shipped_names
from sweeps.sweep_file import SweepFile, duration_text, load_sweep_file, parse_duration, sweep_from_text
from sweeps.sweep_file.reference import json_schema, reference_markdown
from sweeps.sweep_file.settings import yaml_text
from trainer.config import DataConfig, ModelConfig, TrainingConfig

ROOT = Path(__file__).parents[2]
FULL = ROOT / "tests" / "data" / "sweep_file" / "full.yaml"
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8),
)
WORDS = st.sampled_from(
    ["no", "on", "1e-5", "1", "1.0", "true", "null", "~", "", "0x1f", "12:30", "- a", "a: b", "#x", "50%", "${A}", "'", '"', "off", "1_0"]
)


def test_the_resolved_file_reads_back_to_an_equal_sweep(full: SweepFile) -> None:
    text = full.to_yaml()
    assert sweep_from_text(text) == full
    assert sweep_from_text(text).to_yaml() == text
    assert "dropout" not in load_yaml(text, "x").value["model"], "a searched setting has no value of its own"
    assert load_yaml(text, "x").value["training"]["deterministic"] is True


@pytest.mark.parametrize(
    "override", ["learning_rate=1e-3", "frozen_layers=50%", "frozen_layers=all", "schedule=plateau", "precise_bn=epoch", "optimizer=lion"]
)
@pytest.mark.parametrize("space", shipped_names())
def test_the_resolved_file_needs_no_shipped_space(space: str, override: str) -> None:
    sweep = sweep_from_text(f"study: s\ndata: {{source: digits}}\nspace: {space}\n", overrides=[override])
    assert sweep_from_text(sweep.to_yaml()) == sweep
    assert sweep.space.name == space


def test_a_sweep_survives_pydantics_own_dump(full: SweepFile) -> None:
    for sweep in (full, sweep_from_text("study: s\ndata: {source: digits}\nspace: {}\n")):
        assert SweepFile.model_validate(sweep.model_dump()) == sweep
        assert SweepFile.model_validate_json(sweep.model_dump_json()) == sweep


@given(st.recursive(SCALARS | WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=8))
@example("a\x85b\u2028c\n d\t")
@settings(max_examples=100, deadline=None)
def test_yaml_that_is_written_reads_back_unchanged(value: object) -> None:
    found = load_yaml(yaml_text({"x": value}), "x").value["x"]
    assert repr(found) == repr(value)


def test_the_schema_accepts_what_the_loader_accepts() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(validator.schema)
    for file in (FULL, *ROOT.glob("examples/**/sweep*.yaml")):
        validator.validate(load_yaml_file(file).value)


@pytest.mark.parametrize(
    "change",
    [
        {"study": 5},
        {"epochs": 5},
        {"space": 5},
        {"space": "quik"},
        {"space": {"dropout": {"float": [0]}}},
        {"space": {"dropout": {"float": [0, 1], "uniform": True}}},
        {"space": {"epochs": {"int": [0, 1]}}},
        {"space": {"dropout": {"choice": []}}},
        {"training": {"batch_size": 0}},
        {"training": {"optimizer": "sdg"}},
        {"budget": {"time": "8 hours"}},
        {"storage": "mysql://x"},
        {"data": {}},
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(change: dict) -> None:
    document = {"study": "s", "data": {"source": "digits"}, "space": "quick", **change}
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(document)


def test_the_reference_is_current() -> None:
    page = reference_markdown()
    assert (ROOT / "docs" / "sweep-file.md").read_text(encoding="utf-8") == page, (
        "run: python -m sweeps.sweep_file.reference docs/sweep-file.md"
    )
    for settings_class in (SweepFile, DataConfig, ModelConfig, TrainingConfig):
        for name, field in settings_class.model_fields.items():
            assert f"| `{name}` |" in page
            assert field.description, f"{name} is documented"


def test_the_examples_of_the_reference_are_true() -> None:
    page = reference_markdown()
    for block in page.split("```yaml\n")[1:]:
        sweep_from_text("study: s\ndata: {source: digits}\n" + block.split("```")[0])


@pytest.mark.parametrize(
    ("text", "seconds"), [("8h", 28_800), ("30m", 1_800), ("90s", 90), ("1h30m", 5_400), ("2d", 172_800), ("1.5h", 5_400), ("1h 5s", 3_605)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    assert parse_duration(duration_text(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "8", "h", "8 hours", "30m1h", "-5m", "1e3s"])
def test_texts_that_are_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration such as"):
        parse_duration(text)


def test_loading_imports_no_framework_and_little_else() -> None:
    program = (
        "import sys, time; import pydantic, yaml; from pydantic import BaseModel; start = time.process_time();"
        "from sweeps.sweep_file import load_sweep_file; own = time.process_time() - start;"
        f"load_sweep_file({str(FULL)!r});"
        "print(own, [name for name in ('tensorflow', 'keras', 'ray', 'optuna', 'pandas', 'sklearn', 'scipy') if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT).stdout
    own, _, heavy = output.strip().partition(" ")
    assert heavy == "[]"
    assert float(own) < 1.0, "CPU seconds beyond pydantic and yaml; .15 on an idle core with byte code"


def test_the_demo_loads() -> None:
    assert load_sweep_file(ROOT / "examples" / "demo" / "sweep.yaml").study == "digits-transfer"
