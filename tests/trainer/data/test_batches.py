"""Pipelines: every image once, soft targets, weights, one trace, windows, raw pixels."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from trainer.augmentation import policies
from trainer.config import DataConfig, TrainConfig, TrainingConfig
from trainer.data import ImageData, ImageSet, load_data, pipelines, validation_window
from trainer.data.batches import evaluation_batches, training_epoch


def images_of(count: int, channels: int = 3, side: int = 8) -> ImageSet:
    """Images whose first pixel tells their index."""
    pixels = np.random.default_rng(count).integers(0, 256, (count, side, side, channels), dtype=np.uint8)
    pixels[:, 0, 0, 0] = np.arange(count) % 256
    return ImageSet(pixels, (np.arange(count) % 3).astype(np.int32), None, 3)


@pytest.fixture(scope="module")
def data() -> ImageData:
    return ImageData(images_of(50), images_of(23), None, ("a", "b", "c"), "f")


def config(batch_size: int = 16, seed: int = 0, **settings: object) -> TrainConfig:
    return TrainConfig(data=DataConfig(source="digits", **settings), training=TrainingConfig(batch_size=batch_size), seed=seed)  # type: ignore[arg-type]


def gathered(dataset: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    parts = [tuple(np.asarray(tensor) for tensor in batch) for batch in dataset]
    images, targets, weights = (np.concatenate(column) for column in zip(*parts, strict=True))
    return images, targets, weights


def test_an_epoch_shows_every_image_once_in_another_order_each_time(data: ImageData) -> None:
    orders = []
    for epoch in (1, 2, 1):
        images, targets, weights = gathered(training_epoch(data, config(), epoch))
        order = images[:, 0, 0, 0].astype(int)
        assert sorted(order) == list(range(50))
        assert np.array_equal(images, data.train.images[order])
        assert np.array_equal(targets.argmax(axis=1), data.train.labels[order])
        assert targets.dtype == weights.dtype == images.dtype == np.float32
        assert (weights == 1).all()
        orders.append(list(order))
    assert orders[0] == orders[2] != orders[1]


def test_evaluation_keeps_order_and_the_last_partial_batch(data: ImageData) -> None:
    dataset = evaluation_batches(data.validation, config())
    assert [len(batch[0]) for batch in dataset] == [16, 7]
    for _ in range(2):
        images, targets, _ = gathered(dataset)
        assert np.array_equal(images, data.validation.images)
        assert np.array_equal(targets, np.eye(3)[data.validation.labels])


def test_validation_is_never_augmented(data: ImageData) -> None:
    images, _, _ = gathered(evaluation_batches(data.validation, config(augmentation="strong")))
    assert np.array_equal(images, data.validation.images)


def test_a_step_traced_for_one_epoch_serves_all(data: ImageData) -> None:
    specs = {str(training_epoch(data, config(augmentation="light"), epoch).element_spec) for epoch in (1, 2, 3)}
    assert len(specs) == 1
    traces = []

    @tf.function
    def step(iterator: object) -> None:
        traces.append(1)
        next(iterator)  # type: ignore[call-overload]

    for epoch in (1, 2, 3):
        iterator = iter(training_epoch(data, config(augmentation="light"), epoch))
        for _ in range(4):
            step(iterator)
    assert len(traces) == 1


def test_batches_that_divide_the_images_have_a_static_shape(data: ImageData) -> None:
    assert training_epoch(data, config(batch_size=25), 1).element_spec[0].shape == (25, 8, 8, 3)


def test_mixup_weighs_images_and_targets_alike(data: ImageData) -> None:
    images, targets, _ = gathered(training_epoch(data, config(augmentation={"name": "mixup", "alpha": 1.0}), 1))
    assert np.allclose(targets.sum(axis=1), 1)
    assert ((targets > 0.05).sum(axis=1) == 2).sum() > 10
    assert images.min() >= 0
    assert images.max() <= 255
    # an image that mixes two labels lies between images of these labels: its variance is below that of plain ones
    mixed = targets.max(axis=1) < 0.7
    assert images[mixed].var(axis=(1, 2, 3)).mean() < 0.8 * data.train.images.var()


def test_cutmix_pastes_the_area_that_the_target_says(data: ImageData) -> None:
    images, targets, _ = gathered(training_epoch(data, config(augmentation="cutmix"), 1))
    tall = data.train.images.astype(np.float32)
    for image, target in zip(images, targets, strict=True):
        own = (image[None] == tall).all(axis=3).mean(axis=(1, 2))
        best, second = np.sort(own)[::-1][:2]
        assert best + second >= 0.999
        by_class = np.bincount(data.train.labels[np.argsort(own)[::-1][:2]], weights=[best, second], minlength=3)
        assert np.allclose(by_class / by_class.sum(), target, atol=0.06)


def test_class_weights_and_resampling(data: ImageData) -> None:
    skewed = ImageData(
        ImageSet(data.train.images, np.repeat([0, 1, 2], [40, 8, 2]).astype(np.int32), None, 3), data.validation, None, ("a", "b", "c"), "f"
    )
    _, targets, weights = gathered(training_epoch(skewed, config(imbalance="class_weight"), 1))
    assert (weights @ targets).round(3).tolist() == pytest.approx([50 / 3] * 3, abs=0.01)
    _, targets, weights = gathered(training_epoch(skewed, config(imbalance="resample"), 1))
    assert np.abs(targets.sum(axis=0) - 50 / 3).max() < 1
    assert (weights == 1).all()


def test_repeats_of_an_image_in_one_epoch_are_varied_apart(data: ImageData) -> None:
    images, _, _ = gathered(training_epoch(data, config(sampling="with_replacement", augmentation="strong"), 1))
    assert len({image.tobytes() for image in images}) == 50


def test_per_image_maximum_and_raw_pixels(data: ImageData) -> None:
    images, _, _ = gathered(training_epoch(data, config(preprocessing="per_image_max"), 1))
    assert images.max(axis=(1, 2, 3)).tolist() == [1.0] * 50
    images, _, _ = gathered(training_epoch(data, config(preprocessing="standardize"), 1))
    assert images.max() == 255
    black = ImageSet(np.zeros((2, 4, 4, 1), np.uint8), np.zeros(2, np.int32), None, 3)
    images, _, _ = gathered(evaluation_batches(black, config(preprocessing="per_image_max")))
    assert (images == 0).all()


def test_validation_windows_differ_by_epoch(data: ImageData) -> None:
    windows = [validation_window(data, config(validation_windows="floor_batches"), epoch) for epoch in (1, 2, 3)]
    assert [len(window) for window in windows] == [16, 7, 16]
    assert np.array_equal(windows[0].images, windows[2].images)
    assert (np.diff(windows[0].labels) >= 0).all()
    assert validation_window(data, config(), 2) is data.validation
    assert sum(len(batch[0]) for batch in evaluation_batches(windows[1], config())) == 7


def test_mapped_and_fractional_images_come_out_the_same(data: ImageData, tmp_path: object) -> None:
    path = f"{tmp_path}/a.npy"
    np.save(path, data.train.images)
    mapped = ImageSet(np.load(path, mmap_mode="r"), data.train.labels, None, 3)
    floats = ImageSet(data.train.images.astype(np.float32), data.train.labels, None, 3)
    expected, _, _ = gathered(training_epoch(data, config(augmentation="strong"), 4))
    for images in (mapped, floats):
        other, _, _ = gathered(
            training_epoch(ImageData(images, data.validation, None, ("a", "b", "c"), "f"), config(augmentation="strong"), 4)
        )
        assert np.array_equal(other, expected)


@pytest.fixture(params=["at once", "streamed"])
def _either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "streamed":
        monkeypatch.setattr(pipelines, "SMALL_EPOCH_BYTES", 0)


@pytest.mark.parametrize("augmentation", [*policies(), ({"name": "RandomZoom", "height_factor": 0.2},)], ids=str)
def test_an_epoch_made_at_once_equals_a_streamed_one(data: ImageData, monkeypatch: pytest.MonkeyPatch, augmentation: object) -> None:
    settings = config(augmentation=augmentation, imbalance="class_weight")
    at_once = training_epoch(data, settings, 2)
    monkeypatch.setattr(pipelines, "SMALL_EPOCH_BYTES", 0)
    streamed = training_epoch(data, settings, 2)
    assert at_once.element_spec == streamed.element_spec
    assert int(at_once.cardinality()) == int(streamed.cardinality()) == 4
    for one, other in zip(gathered(at_once), gathered(streamed), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.usefixtures("_either_way")
def test_data_sets_of_one_shape_share_a_pipeline(data: ImageData) -> None:
    gathered(training_epoch(data, config(), 1))
    traced = len(pipelines._KEPT)
    for count in (41, 42, 43):
        own = images_of(count)
        images, _, _ = gathered(training_epoch(ImageData(own, own, None, ("a", "b", "c"), "f"), config(seed=count), 2))
        assert sorted(images[:, 0, 0, 0].astype(int)) == list(range(count))
    assert len(pipelines._KEPT) == traced


@pytest.mark.usefixtures("_either_way")
def test_no_pixels_stay_behind_when_images_are_dropped(data: ImageData) -> None:
    settings = config(validation_windows="floor_batches", augmentation="strong")
    references = []
    for epoch in range(1, 4):
        window = validation_window(data, settings, epoch)
        references.append(weakref.ref(window.images))
        for _ in evaluation_batches(window, settings):
            pass
        own = images_of(40)
        references.append(weakref.ref(own.images))
        for _ in training_epoch(ImageData(own, own, None, ("a", "b", "c"), "f"), settings, epoch):
            pass
        del window, own
    gc.collect()
    assert [reference() is None for reference in references] == [True] * 6


@pytest.mark.usefixtures("_either_way")
def test_a_data_set_keeps_its_own_images_alive(data: ImageData) -> None:
    dataset = evaluation_batches(validation_window(data, config(validation_windows="floor_batches"), 2), config())
    gc.collect()
    assert sum(len(batch[0]) for batch in dataset.map(lambda images, *_: (images,))) == 7


def test_the_data_seed_alone_decides_order_and_augmentation() -> None:
    def images(**seeds: int) -> list[np.ndarray]:
        config = TrainConfig.model_validate(
            {"data": {"source": "digits", "augmentation": "light", "split": {"train": 40, "validation": 10, "test": 0}}, **seeds}
        )
        return [batch.numpy() for batch, *_ in training_epoch(load_data(config.data), config, 2)]

    same = images(seed=1, data_seed=7), images(seed=2, data_seed=7), images(seed=7)
    assert all(np.array_equal(one, other) for one, other in zip(same[0], same[1], strict=True))
    assert all(np.array_equal(one, other) for one, other in zip(same[0], same[2], strict=True)), "without one it is the training's seed"
    assert not np.array_equal(same[0][0], images(seed=1)[0])
