"""Every check finds what it is for, says how bad it is and what to do."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from trainer.config import DataConfig, ModelConfig, TrainConfig, TrainingConfig
from trainer.data import ImageData, ImageSet
from trainer.preflight import Finding, ModelFacts, preflight

BUILT = ModelFacts(
    has_batchnorm=True,
    max_bn_momentum=0.99,
    output_units=3,
    output_activation="softmax",
    loss="categorical_crossentropy",
    parameters=100,
    trainable_parameters=100,
    backbone_blocks=16,
)


def image_set(labels: np.ndarray, seed: int, names: tuple[str, ...] | None = None) -> ImageSet:
    images = np.random.default_rng(seed).integers(0, 256, (len(labels), 40, 40, 3), dtype=np.uint8)
    return ImageSet(images, labels.astype(np.int32), names, 3)


def photos(train: np.ndarray | None = None, validation: np.ndarray | None = None) -> ImageData:
    return ImageData(
        image_set(np.arange(300) % 3 if train is None else train, 1),
        image_set(np.arange(100) % 3 if validation is None else validation, 2),
        None,
        ("cat", "dog", "horse"),
        "f",
    )


def with_train(data: ImageData, images: ImageSet) -> ImageData:
    return dataclasses.replace(data, train=images)


def find(
    data: ImageData | None = None,
    facts: ModelFacts | None = None,
    *,
    model: dict[str, object] | None = None,
    training: dict[str, object] | None = None,
    **settings: object,
) -> dict[str, Finding]:
    config = TrainConfig(
        data=DataConfig(source="photos", **settings),  # type: ignore[arg-type]
        model=ModelConfig(**({"backbone": "resnet50", "weights": "imagenet"} | (model or {}))),
        training=TrainingConfig(**(training or {})),
    )
    found = preflight(config, data or photos(), facts)
    assert all(finding.remedy and finding.message for finding in found)
    return {finding.name: finding for finding in found}


@pytest.mark.parametrize("preprocessing", ["rescale", "none", "standardize"])
def test_inputs_scaled_otherwise_than_the_weights_expect(preprocessing: str) -> None:
    found = find(preprocessing=preprocessing)
    assert list(found) == ["input_scaling"]
    assert found["input_scaling"].severity == "error"
    assert "BGR" in found["input_scaling"].message


def test_a_backbone_that_scales_inside_is_not_scaled_twice() -> None:
    assert find(model={"backbone": "efficientnetb0"}, preprocessing="rescale")["input_scaling"].severity == "error"
    assert find(model={"backbone": "efficientnetb0"}, preprocessing="none") == {}


def test_random_weights_take_any_scale_of_order_one() -> None:
    assert find(model={"weights": None}, preprocessing="rescale") == {}
    assert find(model={"weights": None}, preprocessing="none")["input_scaling"].severity == "warning"


def test_the_whole_input_path_of_the_first_reference_system_is_caught() -> None:
    facts = dataclasses.replace(BUILT, loss="binary_crossentropy")
    found = find(
        photos(),
        facts,
        preprocessing="per_image_max",
        sampling="with_replacement",
        validation_windows="floor_batches",
        training={"batch_size": 32},
    )
    assert set(found) == {"input_scaling", "per_image_max", "loss_output", "validation_coverage", "sampling_with_replacement"}
    assert all(finding.severity == "error" for finding in found.values())
    assert found["validation_coverage"].evidence["seen"] == 96


def test_a_loss_that_does_not_fit_is_known_from_the_settings_alone() -> None:
    found = find(training={"loss": "binary_crossentropy"})["loss_output"]
    assert found.severity == "error"
    assert "3-way softmax" in found.message
    assert find(training={"loss": "binary_crossentropy"}, model={"output": "sigmoid"})["loss_output"].message.startswith("one output unit")
    two = photos(np.arange(300) % 2, np.arange(100) % 2)
    pair = dataclasses.replace(two, class_names=("cat", "dog"))
    harmless = find(pair, training={"loss": "binary_crossentropy"})["loss_output"]
    assert harmless.severity == "warning", "on two outputs it equals the categorical loss"
    assert "loss_output" not in find(pair, training={"loss": "binary_crossentropy"}, model={"output": "sigmoid"})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"output_units": 2}, "2 outputs for 3 classes"),
        ({"output_units": 1, "output_activation": "sigmoid", "loss": "binary_crossentropy"}, "tells two classes apart"),
        ({"output_activation": "sigmoid"}, "needs a softmax"),
        ({"output_activation": "linear"}, "takes probabilities"),
        ({"loss_from_logits": True}, "applies it too"),
    ],
)
def test_loss_and_output_that_do_not_belong_together(changes: dict[str, object], words: str) -> None:
    assert words in find(facts=dataclasses.replace(BUILT, **changes))["loss_output"].message


def test_windows_that_happen_to_cover_everything_are_no_finding() -> None:
    assert find(validation_windows="floor_batches", training={"batch_size": 50}) == {}


@pytest.mark.parametrize(("sampling", "share"), [("alternating_halves", "one half"), ("leftover_batch", "12 images")])
def test_epochs_that_show_a_part_of_the_images(sampling: str, share: str) -> None:
    assert share in find(sampling=sampling)["partial_epochs"].message


def test_the_same_pixels_in_two_parts_under_another_label() -> None:
    data = photos()
    images, labels = data.train.images.copy(), data.train.labels.copy()
    images[7] = data.validation.images[3]
    labels[7] = 2
    found = find(with_train(data, ImageSet(images, labels, None, 3)))
    assert found["shared_images"].severity == "error"
    assert found["shared_images"].evidence["images"] == 1
    assert found["shared_images"].evidence["with_another_label"] == 1
    assert found["shared_images"].evidence["examples"] == ("image 7 = image 3",)


def test_images_of_one_colour() -> None:
    data = photos()
    images = data.train.images.copy()
    images[4:6] = [[[10, 200, 30]]]
    found = find(with_train(data, ImageSet(images, data.train.labels, None, 3)))
    assert found["near_constant_images"].evidence["examples"] == ("train image 4", "train image 5")


def test_pixels_stored_in_zero_to_one_as_whole_numbers_are_serious() -> None:
    data = photos()
    found = find(with_train(data, ImageSet(data.train.images // 128, data.train.labels, None, 3)))
    assert found["near_constant_images"].severity == "error"


def test_a_class_that_a_part_lacks() -> None:
    assert find(photos(train=np.arange(300) % 2))["missing_class"].severity == "error"
    found = find(photos(validation=np.arange(100) % 2))["missing_class"]
    assert found.severity == "warning"
    assert found.evidence["classes"] == ("horse",)


def test_imbalance_unless_it_is_countered() -> None:
    data = photos(train=np.repeat([0, 1, 2], [200, 60, 40]))
    assert find(data)["imbalance"].evidence["majority_share"] == pytest.approx(2 / 3)
    assert find(data, imbalance="class_weight") == {}
    assert find(photos(train=np.repeat([0, 1, 2], [150, 90, 60]))) == {}


def test_a_file_name_that_contradicts_its_label() -> None:
    words = ("cat", "dog", "horse")
    labels = np.arange(300) % 3
    names = [f"flat/{words[label]}.{index}.jpg" for index, label in enumerate(labels)]
    names[3] = "flat/DOG_0003.jpg"
    names[4] = "flat/category-1.jpg"
    found = find(with_train(photos(), image_set(labels, 1, tuple(names))))
    assert found["contradicting_names"].evidence["files"] == 1
    assert "flat/DOG_0003.jpg: named dog, labelled cat" in found["contradicting_names"].evidence["examples"]


def test_file_names_that_never_tell_the_class_prove_nothing() -> None:
    names = tuple(f"flat/cat camera {index}.jpg" for index in range(300))
    assert find(with_train(photos(), image_set(np.arange(300) % 2 + 1, 1, names))).keys() == {"missing_class"}


def test_too_few_updates_for_the_momentum() -> None:
    scratch = {"weights": None}
    found = find(facts=BUILT, model=scratch, training={"epochs": 5, "batch_size": 300})
    assert found["bn_updates"].severity == "error"
    assert found["bn_updates"].evidence["updates"] == 5
    assert found["bn_updates"].evidence["initial_share_left"] == pytest.approx(0.951, abs=1e-3)
    assert find(facts=BUILT, model=scratch, training={"epochs": 20, "batch_size": 30})["bn_updates"].severity == "warning"
    assert find(facts=BUILT, model=scratch, training={"epochs": 20, "batch_size": 10}) == {}
    assert find(facts=BUILT, model=scratch, training={"epochs": 5, "batch_size": 300, "precise_bn": "end"}) == {}
    assert "bn_updates" in find(model={"head_bn": True}, training={"epochs": 5, "batch_size": 300})


def test_batches_of_one_image() -> None:
    assert find(facts=BUILT, training={"batch_size": 1})["single_image_batches"].severity == "error"
    assert find(model={"head_bn": True}, training={"batch_size": 23, "epochs": 40})["single_image_batches"].severity == "warning"
    assert find(facts=dataclasses.replace(BUILT, has_batchnorm=False), training={"batch_size": 1}) == {}


def test_images_below_the_backbones_minimum() -> None:
    assert find(model={"backbone": "xception"})["image_size"].evidence["minimum"] == 71
    assert find(facts=dataclasses.replace(BUILT, min_image_size=41))["image_size"].severity == "error"


def test_freezing_more_than_there_is() -> None:
    assert "has 16" in find(facts=BUILT, model={"frozen_layers": "17 blocks"})["frozen_layers"].message
    assert find(facts=BUILT, model={"frozen_layers": "16 blocks"}) == {}
    unresolved = dataclasses.replace(BUILT, frozen_problem="no layer is called conv9")
    assert find(facts=unresolved)["frozen_layers"].message == "no layer is called conv9"
    assert "frozen_random_weights" in find(model={"weights": None, "frozen_layers": "all"})


def test_frozen_batchnorm_that_trains_by_its_batch() -> None:
    frozen = {"frozen_layers": "all", "frozen_bn": "batch"}
    assert find(facts=BUILT, model=frozen)["frozen_batch_statistics"].severity == "warning"
    assert find(facts=dataclasses.replace(BUILT, has_batchnorm=False), model=frozen) == {}
    assert find(facts=BUILT, model={**frozen, "frozen_layers": "none"}).keys() == {"without_effect"}
    assert find(facts=BUILT, model={**frozen, "frozen_bn": "reestimate"}) == {}


@pytest.mark.parametrize(
    ("model", "augmentation", "words"),
    [
        ({"frozen_layers": "none"}, "none", "nothing is frozen"),
        ({"frozen_layers": "all", "frozen_bn": "batch"}, "none", "images beside it"),
        ({"frozen_layers": "all"}, "flip", "random augmentation"),
    ],
)
def test_features_that_differ_between_epochs_are_not_precomputed(model: dict[str, object], augmentation: str, words: str) -> None:
    found = find(model=model, augmentation=augmentation, training={"frozen_features": "precomputed"})["precomputed_features"]
    assert found.severity == "error"
    assert words in found.message
    assert "precomputed_features" not in find(model={"frozen_layers": "all"}, training={"frozen_features": "precomputed"})


def test_a_step_beyond_the_device() -> None:
    facts = dataclasses.replace(BUILT, estimated_memory_bytes=9 * 10**9, device_memory_bytes=8 * 10**9)
    assert find(facts=facts)["memory"].evidence["device_gb"] == 8.0


def test_skipped_files_are_told() -> None:
    data = dataclasses.replace(photos(), skipped=("a.png: damaged",))
    assert find(data)["skipped_files"].severity == "info"
