from __future__ import annotations

import subprocess
import sys

import pytest

from trainer.backbones import available, backbone_info
from trainer.config import TrainConfig
from trainer.errors import ConfigError
from trainer.network.compile_key import compile_key

NAMES_WITHOUT_TENSORFLOW = """
import sys
import trainer, trainer.backbones, trainer.network.compile_key
from trainer.config import TrainConfig
trainer.backbones.available()
trainer.network.compile_key.compile_key(TrainConfig.model_validate({"data": {"source": "digits"}}))
assert "tensorflow" not in sys.modules and "keras" not in sys.modules, "heavy import"
"""


def test_names_and_compile_keys_need_no_tensorflow() -> None:
    done = subprocess.run([sys.executable, "-c", NAMES_WITHOUT_TENSORFLOW], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_backbone_that_ships_has_a_description() -> None:
    names = available()
    assert {"simple_cnn", "plain_cnn", "small_resnet", "resnet50", "vgg19", "efficientnetb0", "convnexttiny", "mobilenetv3small"} <= set(
        names
    )
    assert all(names.values())


def test_every_keras_backbone_names_a_builder_that_exists() -> None:
    import keras

    from trainer.backbones import BACKBONES

    builders = [backbone.builder.partition(":")[2] for backbone in BACKBONES.values() if backbone.family]
    assert len(builders) > 30
    assert not [builder for builder in builders if not hasattr(keras.applications, builder)]


@pytest.mark.parametrize("name", ["small_resnet", "mobilenetv2", "efficientnetv2b0", "plain_cnn"])
def test_the_momentum_of_a_backbone_is_that_of_its_layers(name: str) -> None:
    """A configuration that names it is the one that leaves it out (`sweeps.sweep_file.configuration`)."""
    from trainer.network.inspect import model_facts

    info = backbone_info(name)
    side = max(info.min_side, 32) if info else 32
    facts = model_facts(config(model={"backbone": name, "weights": None}), (side, side, 3), 2)
    assert facts.max_bn_momentum == (info.momentum if info else None)


@pytest.mark.parametrize(("wrong", "proposed"), [("resnet", "resnet50"), ("ResNet_50", "resnet50"), ("efficientnet_b0", "efficientnetb0")])
def test_an_unknown_backbone_proposes_the_nearest(wrong: str, proposed: str) -> None:
    with pytest.raises(ConfigError, match=proposed):
        backbone_info(wrong)


def config(**changes: dict[str, object]) -> TrainConfig:
    base: dict[str, dict[str, object]] = {"data": {"source": "digits"}, "model": {}, "training": {}}
    return TrainConfig.model_validate({part: {**values, **changes.get(part, {})} for part, values in base.items()})


@pytest.mark.parametrize(
    "changes",
    [
        {"model": {"dropout": 0.4}},
        {"model": {"bn_momentum": 0.5}},
        {"training": {"learning_rate": 0.1, "weight_decay": 0.01, "label_smoothing": 0.1, "gradient_clip": 1.0}},
        {"data": {"augmentation": "flip"}},
    ],
)
def test_variables_of_the_compiled_step_do_not_change_the_compile_key(changes: dict[str, dict[str, object]]) -> None:
    assert compile_key(config(**changes)) == compile_key(config())


@pytest.mark.parametrize(
    "changes",
    [
        {"model": {"frozen_layers": "all"}},
        {"model": {"dense": [8]}},
        {"training": {"optimizer": "lion"}},
        {"training": {"batch_size": 8}},
        {"training": {"mixed_precision": True}},
        {"data": {"image_size": 16}},
    ],
)
def test_what_is_traced_changes_the_compile_key(changes: dict[str, dict[str, object]]) -> None:
    assert compile_key(config(**changes)) != compile_key(config())
