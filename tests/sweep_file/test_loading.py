from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from search_spaces.parsing import load_space
from sweeps.errors import SweepInputError
from sweeps.sweep_file import SweepFile, load_sweep_file
from trainer.config import DataConfig, ModelConfig

HEAD = "study: s\ndata: {source: digits}\n"
Refused = Callable[..., str]
Load = Callable[..., SweepFile]


def test_defaults_shipped_space_file_and_options_win_in_this_order(load: Load) -> None:
    plain = load(HEAD + "space: transfer\n")
    assert plain.training.epochs == 20
    assert plain.space == load_space("transfer")
    fixed = load(HEAD + "space: transfer\nmodel: {dropout: 0.5}\ntraining: {epochs: 5}\n")
    assert fixed.model.dropout == 0.5
    assert "dropout" not in fixed.space.parameters
    assert "dropout" not in fixed.space.starting_points[0]
    over = load(
        HEAD + "space: transfer\nmodel: {dropout: 0.5}\ntraining: {epochs: 5}\n", "training.epochs=3", "space.dropout={float: [0, 0.2]}"
    )
    assert over.training.epochs == 3
    assert over.space.parameters["dropout"].high == 0.2  # type: ignore[union-attr]
    assert over.model.dropout == 0.0
    last = load(HEAD + "space: {dropout: {float: [0, 0.2]}, learning_rate: {float: [0.1, 1]}}\n", "dropout=0.1", "model.dropout=0.3")
    assert last.model.dropout == 0.3
    assert list(last.space.parameters) == ["learning_rate"]


def test_fixing_a_setting_decides_conditions(load: Load) -> None:
    frozen = load(HEAD + "space: transfer\nmodel: {frozen_layers: all}\n")
    assert {"frozen_layers", "backbone_learning_rate_factor", "bn_momentum"}.isdisjoint(frozen.space.parameters)
    half = load(HEAD + "space: transfer\n", "frozen_layers=50%")
    assert half.space.parameters["bn_momentum"].when is None


def test_a_value_and_a_search_for_the_same_setting_contradict_each_other(refused: Refused) -> None:
    text = HEAD + "training:\n  learning_rate: 1e-3\nspace:\n  learning_rate: {float: [1e-4, 1e-2]}\n"
    assert refused(text) == (
        "sweep.yaml:4: training.learning_rate: is given a value here and is searched too (sweep.yaml:6: space.learning_rate); remove one of the two"
    )
    both = refused(HEAD + "space: transfer\n", "dropout=0.1", "space.dropout={float: [0, 0.2]}")
    assert both.startswith("--set dropout: model.dropout: is given a value here and is searched too (--set space.dropout: space.dropout)")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epoch=3", "--set training.epoch: unknown key; did you mean 'epochs'?"),
        ("epochs=3", "--set epochs: unknown key; did you mean 'training.epochs'?"),
        ("learning_rat=3", "--set learning_rat: unknown key; did you mean 'learning_rate'?"),
        ("seed=3", "--set seed: unknown key; did you mean 'data.split.seed' or 'search.seed'?"),
        ("training.epochs", "--set training.epochs: expected KEY=VALUE; write e.g. --set training.epochs=30"),
        ("=3", "--set : expected KEY=VALUE"),
        ("training.epochs=[1", "--set training.epochs: not valid YAML"),
        (
            "training.epochs=3.5",
            "--set training.epochs: expected a whole number >= 1, got 3.5 (number): Epochs of a complete training.",
        ),
        ("training.epochs.x=3", "--set training.epochs.x: training.epochs is not a mapping in the file; set it as a whole"),
        ("frozen_layers=20", "--set frozen_layers: model.frozen_layers: a bare number means different things in different backbones"),
        ("space.frozen_layers={ordinal: [none, 20]}", "--set space.frozen_layers: space.frozen_layers.ordinal[1]: a bare number means"),
        ("space.epochs={int: [1, 5]}", "--set space.epochs: epochs is a setting that is never searched"),
        ("space.data.source={choice: [a, b]}", "--set space.data.source: source is a setting that is never searched"),
        ("space.data.split.seed={int: [1, 5]}", "space.data.split.seed: no such setting"),
        ("search.sampler=grid", "space.learning_rate: the grid sampler needs finitely many values"),
        ("space.training.dropout={int: [0, 1]}", "no such setting; did you mean"),
    ],
)
def test_wrong_options_are_named(override: str, message: str, refused: Refused) -> None:
    found = refused(HEAD + "training: {epochs: 4}\nspace: quick\n", override)
    assert message in found


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (
            "dropout: {float: [0.0, 1.0]}",
            "sweep.yaml:4: space.dropout.float[1]: expected a number >= 0 and < 1, or a list of numbers >= 0 and < 1",
        ),
        (
            "batch_size: {float: [16, 64]}",
            "space.batch_size.float[0]: expected a whole number >= 1 (the setting training.batch_size), got 16.0",
        ),
        (
            "batch_size: {int: [16, 48]}\ntraining: {accumulate: 8}",
            "space.batch_size: reaches 17, which 8 micro-batches (training.accumulate) do not divide; give a step that is a multiple of 8, or a choice",
        ),
        (
            "batch_size: {choice: [16, 20]}\ntraining: {accumulate: 8}",
            "space.batch_size.choice[1]: 8 micro-batches do not divide training.batch_size: 20",
        ),
        ("batch_size: {int: [0, 64]}", "space.batch_size.int[0]: expected a whole number >= 1"),
        ("optimizer: {choice: [adam, sdg]}", "space.optimizer.choice[1]: expected one of adam, adamw, sgd, rmsprop, lion"),
        ("frozen_layers: {int: [0, 10]}", "space.frozen_layers.int[0]: a bare number means different things"),
        (
            "frozen_layers: {choice: {few: 4 blocks, many: 175%}}",
            "space.frozen_layers.choice.many: expected a share from 0% to 100%, got '175%'",
        ),
        ("bn_momentum: {choice: [null, 0.9, off]}", "space.bn_momentum.choice[2]: expected a number >= 0 and < 1, or null"),
        ("head_bn: {choice: [yes, no]}", "space.head_bn.choice[0]: expected true or false (the setting model.head_bn), got 'yes' (text)"),
        ("dense: {choice: [[], [64], [64, x]]}", "space.dense.choice[2]: expected a list of whole numbers"),
        ("augmentation: {choice: [none, flp]}", "space.augmentation.choice[1]: unknown policy 'flp'"),
        ("learning_rate: {float: [0, 1]}", "space.learning_rate.float[0]: expected a number > 0"),
        ("x: {float: [0, 1]}", "space.x: no such setting; a space may vary preprocessing, augmentation"),
        (
            "training.learning_rate: {float: [0.1, 1]}\n  learning_rate: {float: [0.1, 1]}",
            "sweep.yaml:5: space.learning_rate: sets training.learning_rate, which",
        ),
    ],
)
def test_values_of_a_space_are_checked_against_their_settings(space: str, message: str, refused: Refused) -> None:
    assert message in refused(HEAD + f"space:\n  {space}\n")


def test_all_problems_of_a_file_come_together_in_the_order_of_the_file(refused: Refused) -> None:
    found = refused(
        "study: s\ntraining:\n  epoch: 3\n  batch_size: many\nspace:\n  dropout: {float: [0, 2]}\n  optimiser: {choice: [adam]}\nmodle: {}\n",
        "x=1",
    ).splitlines()
    assert [line.split(": ")[0] for line in found] == [f"sweep.yaml:{line}" for line in (1, 3, 4, 6, 7, 8)] + ["--set x"]
    assert found[0] == "sweep.yaml:1: data: missing; expected a mapping: Images, split, preparation, augmentation."
    assert found[1] == "sweep.yaml:3: training.epoch: unknown key; did you mean 'epochs'?"
    assert found[2] == "sweep.yaml:4: training.batch_size: expected a whole number >= 1, got 'many' (text): Images per optimiser step."
    assert found[5] == "sweep.yaml:8: modle: unknown key; did you mean 'model'?"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a mapping with study, data and space, got nothing"),
        ("- a", "sweep.yaml:1: expected a mapping with study, data and space, got"),
        ("study: s\nstudy: t", "sweep.yaml:2: study: duplicate key"),
        ("study: s\n\tdata: {}", "sweep.yaml:2: "),
        (HEAD + "space: quick\nbudget: {time: 8 hours}", "sweep.yaml:4: budget.time: expected a duration such as 8h, 30m, 90s or 1h30m"),
        (
            HEAD + "space: quick\nbudget: {time: 0s}",
            "budget.time: expected a duration such as 8h, 30m or 90s, or seconds, or null, got '0s'",
        ),
        (HEAD + "space: quick\nbudget:", "sweep.yaml:4: budget: expected a mapping, got nothing"),
        (
            "study: my study\ndata: {source: digits}\nspace: quick",
            "sweep.yaml:1: study: expected text, got 'my study' (text): Name of the study",
        ),
        (HEAD + "space: quick\ntraining: {batch_size: true}", "expected a whole number >= 1, got true (true or false)"),
        (HEAD + "space: quick\ntraining: {batch_size: 32.0}", "expected a whole number >= 1, got 32.0 (number)"),
        (HEAD + "space: quick\ntraining: {learning_rate: .inf}", "expected a number > 0, got Infinity"),
        (
            HEAD + "space: quick\nsearch:\n  pruner: asha\n  pruner_options: {grcae: 3}",
            "sweep.yaml:6: search.pruner_options: asha has no option 'grcae'",
        ),
        (
            HEAD + "space: quick\nsearch: {pruner: asha, pruner_options: {grace: 0}}",
            "sweep.yaml:4: search.pruner_options: grace must be a whole number of at least 1",
        ),
        (
            "study: s\nspace: quick\ndata:\n  source: x\n  split: {train: 1.5}",
            "sweep.yaml:5: data.split.train: expected a number > 0 and <= 1, or a whole number >= 1",
        ),
        (HEAD + "space: quick\nepochs: 3", "sweep.yaml:4: epochs: unknown key; did you mean 'training.epochs'?"),
        (HEAD + "space: quick\nmodel: {batch_size: 3}", "sweep.yaml:4: model.batch_size: unknown key; did you mean 'training.batch_size'?"),
    ],
)
def test_wrong_files(text: str, message: str, refused: Refused) -> None:
    assert message in refused(text)


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(SweepInputError, match="no such file"):
        load_sweep_file(tmp_path / "missing.yaml")


def test_space_files_are_relative_to_the_sweep_file(load: Load, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "spaces").mkdir()
    (tmp_path / "spaces" / "mine.yaml").write_text("extends: more/base.yaml\nhead_bn: {choice: [true, false]}\n")
    (tmp_path / "spaces" / "more").mkdir()
    (tmp_path / "spaces" / "more" / "base.yaml").write_text("dropout: {float: [0, 0.5]}\n")
    assert list(load(HEAD + "space: spaces/mine.yaml\n").space.parameters) == ["dropout", "head_bn"]
    assert "no space file" in refused(HEAD + "space: mine.yaml\n")


def test_durations_and_an_empty_space(load: Load) -> None:
    sweep = load(HEAD + "space: {}\nbudget: {time: 1h30m}\nreport: {every: 90s}\n", "budget.gpu_hours=2")
    assert (sweep.budget.time, sweep.report.every, sweep.budget.gpu_hours) == (5400.0, 90.0, 2.0)
    assert dict(sweep.space.parameters) == {}


def test_a_sweep_built_by_hand_is_checked_too() -> None:
    sweep = SweepFile(study="s", data=DataConfig(source="digits"), model=ModelConfig(dense=(64,)), space="quick")  # type: ignore[arg-type]
    assert sweep.space == load_space("quick")
    space = {"dropout": {"float": [0, 2]}, "epochs": {"int": [1, 5]}}
    with pytest.raises(
        ValidationError, match=r"space\.epochs: epochs is a setting that is never searched[^\0]*space\.dropout\.float\[1\]: expected"
    ):
        SweepFile(study="s", data=DataConfig(source="digits"), space=space)  # type: ignore[arg-type]
