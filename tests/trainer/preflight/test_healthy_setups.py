"""A set-up that nothing is wrong with gets no finding, whatever the backbone; `allow` silences by name."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.backbones import BACKBONES
from trainer.config import DataConfig, ModelConfig, TrainConfig, TrainingConfig
from trainer.data import ImageData, ImageSet, load_data
from trainer.errors import ConfigError
from trainer.preflight import ModelFacts, finding_names, preflight

BUILDERS = [backbone.builder.partition(":")[2] for backbone in BACKBONES.values() if backbone.pretrained]


def photos(side: int, counts: tuple[int, int, int] = (96, 24, 24)) -> ImageData:
    generator = np.random.default_rng(0)
    parts = [
        ImageSet(
            generator.integers(0, 256, (count, side, side, 3), dtype=np.uint8),
            np.arange(count, dtype=np.int32) % 3,
            tuple(f"photos/{part}/{index}.jpg" for index in range(count)),
            3,
        )
        for part, count in zip(("train", "validation", "test"), counts, strict=True)
    ]
    return ImageData(*parts, class_names=("cat", "dog", "horse"), fingerprint="f")


def facts(**changes: object) -> ModelFacts:
    healthy: dict[str, object] = {
        "has_batchnorm": True,
        "max_bn_momentum": 0.999,
        "output_units": 3,
        "output_activation": "softmax",
        "loss": "categorical_crossentropy",
        "parameters": 100,
        "trainable_parameters": 100,
        "backbone_blocks": 16,
        "estimated_memory_bytes": 10**9,
        "device_memory_bytes": 8 * 10**9,
    }
    return ModelFacts(**(healthy | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("builder", BUILDERS)
def test_every_keras_family_with_defaults_has_no_finding(builder: str) -> None:
    config = TrainConfig(data=DataConfig(source="photos"), model=ModelConfig(backbone=builder.lower(), weights="imagenet"))
    assert preflight(config, photos(80), facts()) == ()


def test_digits_with_the_default_model_have_no_finding() -> None:
    config = TrainConfig(data=DataConfig(source="digits"))
    assert preflight(config, load_data(config.data), facts(output_units=10, max_bn_momentum=0.9)) == ()


def test_every_family_of_keras_applications_is_in_the_table() -> None:
    import keras

    offered = {name for name in dir(keras.applications) if name[0].isupper()}
    assert offered == set(BUILDERS)


def test_a_finding_is_silenced_by_its_name_alone() -> None:
    data = DataConfig(source="digits", split={"validation": "train"}, sampling="with_replacement")
    config = TrainConfig(data=data)
    names = [finding.name for finding in preflight(config, load_data(data))]
    assert names == ["sampling_with_replacement", "validation_is_train"]
    allowed = TrainConfig(data=data, allow=("validation_is_train",))
    assert [finding.name for finding in preflight(allowed, load_data(data))] == ["sampling_with_replacement"]


def test_allowing_an_unknown_finding_proposes_the_nearest() -> None:
    config = TrainConfig(data=DataConfig(source="digits"), allow=("validaton_is_train",))
    with pytest.raises(ConfigError, match="did you mean 'validation_is_train'"):
        preflight(config, photos(32))


def test_every_finding_says_what_it_is_about() -> None:
    names = finding_names()
    assert len(names) >= 16
    assert all(text.endswith(".") and len(text) > 30 for text in names.values())


def test_a_facts_check_is_silent_without_facts() -> None:
    config = TrainConfig(data=DataConfig(source="photos"), model=ModelConfig(backbone="resnet50"), training=TrainingConfig(batch_size=1))
    assert preflight(config, photos(40)) == ()
