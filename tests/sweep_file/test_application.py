from collections.abc import Callable

import pytest

from sweeps.errors import SweepInputError
from sweeps.sweep_file import SweepFile
from sweeps.sweep_file.configuration import point_settings, train_config


def test_a_point_becomes_a_training(full: SweepFile) -> None:
    point = {
        "learning_rate": 3e-4, "dropout": 0.30000000000000004, "batch_size": 32, "frozen_layers": "50%", "bn_momentum": "low", "training.momentum": "0.8",
    }  # fmt: skip
    config = train_config(full, point, 11)
    assert config.training.learning_rate == 3e-4
    assert config.model.dropout == 0.3, "steps come without their rounding"
    assert (config.training.batch_size, type(config.training.batch_size)) == (32, int)
    assert (config.model.frozen_layers, config.model.bn_momentum, config.training.momentum) == ("50%", 0.5, 0.8)
    assert config.training.epochs == full.training.epochs
    assert config.data == full.data
    assert (config.metric, config.seed, config.allow) == ("val_loss", 11, ("small_validation",))


def test_inactive_parameters_and_missing_ones_keep_the_files_setting(full: SweepFile) -> None:
    config = train_config(full, {"frozen_layers": "all", "bn_momentum": "low"}, 0)
    assert config.model.bn_momentum is None
    assert config.training.learning_rate == full.training.learning_rate
    assert ("model", "bn_momentum") not in point_settings(full, {"frozen_layers": "all", "bn_momentum": "low"})


def test_values_of_all_kinds_reach_their_setting(load: Callable[..., SweepFile]) -> None:
    sweep = load(
        "study: s\ndata: {source: digits}\nspace:\n  dense: {choice: [[], [64, 32]]}\n  head_bn: {choice: [true, false]}\n"
        "  augmentation: {choice: {turn: {name: rotate, degrees: 30}, none: none}}\n  gradient_clip: {choice: [null, 1, 1.5]}\n"
    )
    config = train_config(sweep, {"dense": "[64, 32]", "head_bn": "true", "augmentation": "turn", "gradient_clip": "1"}, 0)
    assert config.model.dense == (64, 32)
    assert config.model.head_bn is True
    assert config.data.augmentation == {"name": "rotate", "degrees": 30}
    assert config.training.gradient_clip == 1.0
    assert train_config(sweep, {"gradient_clip": "null"}, 0).training.gradient_clip is None


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"nothing": 1}, "nothing: not in the space, which has learning_rate"),
        ({"frozen_layers": "25%"}, "no label '25%', expected one of none, 50%, all"),
    ],
)
def test_points_of_another_space_are_refused(point: dict, message: str, full: SweepFile) -> None:
    with pytest.raises(SweepInputError, match=message):
        train_config(full, point, 0)
