"""What the page gives to paste: the sweep file's reader takes it, and reads the same settings back."""

from __future__ import annotations

import shlex

import pytest
import synthetic_studies as synthetic
import yaml

from reports.commands import set_options, settings_yaml, sweep_file_name, train_command, yaml_value
from sweeps.cli.parser import build_parser
from sweeps.sweep_file.loading import sweep_from_text


@pytest.mark.parametrize(
    "value", [1e-05, 2.5e-7, 0.1, 3, "75%", "none", "no", "on", "1e-3", "flip, then crop", "a: b", "", None, True, [1, 2], {"a": "b"}]
)
def test_values_are_read_back_as_they_were(value: object) -> None:
    assert yaml.safe_load(f"key: {yaml_value(value)}") == {"key": value}


def test_the_train_command_is_accepted_and_fixes_every_setting() -> None:
    study = synthetic.flowers()
    params = study.trials[3].params
    words = shlex.split(train_command(study, params))
    assert words[:3] == ["steadysweep", "train", "flowers.yaml"]
    assert build_parser().parse_args(words[1:]).overrides == words[4::2]
    sweep = sweep_from_text(study.sweep_file, "flowers.yaml", words[4::2])
    assert sweep.training.learning_rate == params["learning_rate"]
    assert sweep.model.frozen_layers == params["frozen_layers"]
    assert not set(params) & set(sweep.space.parameters)


def test_yaml_holds_values_and_not_labels() -> None:
    study = synthetic.flowers()
    params = {"bn_momentum": "0.9", "frozen_layers": "75%"}
    assert yaml.safe_load(settings_yaml(study, params)) == {"bn_momentum": 0.9, "frozen_layers": "75%"}
    assert set_options(study, params) == "--set bn_momentum=0.9 --set frozen_layers=75%"


def test_the_sweep_file_is_called_as_the_command_called_it() -> None:
    assert sweep_file_name(synthetic.flowers()) == "flowers.yaml"
    assert sweep_file_name(synthetic.alike(2)) == "sweep.yaml"
