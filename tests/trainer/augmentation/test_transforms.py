"""What policies do to pixels, against other implementations."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
import tensorflow as tf
from keras.src.legacy.preprocessing.image import apply_affine_transform

from trainer.augmentation import Draws, policy_from
from trainer.augmentation.color import ColorMaps, recolor
from trainer.augmentation.geometry import Geometry, coefficients, mirror, rotation, scaling, shear, translation, warp

GENERATOR = np.random.default_rng(0)
IMAGE = GENERATOR.integers(0, 256, (1, 16, 20, 3)).astype(np.float32)
SMOOTH = np.stack([np.add.outer(np.linspace(0, 200, 31), np.linspace(0, 55, 31))] * 3, axis=2)[None].astype(np.float32)


def warped(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    height, width = image.shape[1:3]
    return np.asarray(warp(tf.constant(image), tf.constant(coefficients(matrix, height, width)), "nearest"))


def one(value: float) -> np.ndarray:
    return np.array([value])


@pytest.mark.parametrize(("theta", "shear_degrees", "zx", "zy"), [(20, 0, 1, 1), (0, 25, 1, 1), (0, 0, 0.8, 1.2), (-13, 7, 1.1, 0.9)])
def test_the_fused_transform_equals_image_data_generators(theta: float, shear_degrees: float, zx: float, zy: float) -> None:
    expected = apply_affine_transform(
        SMOOTH[0], theta=theta, shear=shear_degrees, zx=zx, zy=zy, row_axis=0, col_axis=1, channel_axis=2, fill_mode="nearest", order=1
    )
    matrix = rotation(np.radians(one(theta))) @ shear(np.radians(one(shear_degrees))) @ scaling(one(zx), one(zy))
    got = warped(SMOOTH, matrix)
    assert np.abs(got[0] - expected).max() < 0.05


def test_translation_moves_whole_pixels_exactly() -> None:
    got = warped(IMAGE, translation(one(3), one(-2)))
    assert np.array_equal(got[0, 2:, :-3], IMAGE[0, :-2, 3:])


def test_mirrors_are_exact_fused_or_not() -> None:
    assert np.array_equal(np.asarray(mirror(tf.constant(IMAGE), tf.constant([True]), tf.constant([False]))), IMAGE[:, :, ::-1])
    assert np.allclose(warped(IMAGE, scaling(one(-1), one(-1))), IMAGE[:, ::-1, ::-1], atol=1e-3)


def test_rotate_leaves_half_of_the_images_alone() -> None:
    policy = policy_from("rotate")
    drawn = policy.draw(Draws.of_epoch(0, 1, np.arange(4000)), (16, 20, 3))
    untouched = ~drawn["warped"]
    assert untouched.mean() == pytest.approx(0.5, abs=0.03)
    few = {name: tf.constant(value[:8]) for name, value in drawn.items()}
    got = np.asarray(policy.apply(tf.repeat(tf.constant(IMAGE), 8, axis=0), few))
    assert [bool(np.array_equal(image, IMAGE[0])) for image in got] == untouched[:8].tolist()


@pytest.mark.parametrize(("name", "share"), [("flip", 0.5), ("light", 0.5)])
def test_flips_come_as_often_as_asked(name: str, share: float) -> None:
    draws = Draws.of_epoch(0, 1, np.arange(4000))
    across, _ = Geometry(flip=share).flips(draws)
    assert across.mean() == pytest.approx(share, abs=0.03)
    drawn = policy_from(name).draw(draws, (8, 8, 1))
    if "transform" in drawn:
        assert np.array_equal(drawn["transform"][:, 0] < 0, across)


def recolored(maps: ColorMaps, image: np.ndarray = IMAGE) -> np.ndarray:
    numbers = {name.removeprefix("color_"): tf.constant(value) for name, value in maps.numbers().items()}
    return np.asarray(recolor(tf.constant(image), **numbers))


def test_brightness_contrast_and_saturation_against_tf_image() -> None:
    plain = ColorMaps.identity(1, 3)
    assert np.allclose(recolored(plain), IMAGE, atol=1e-3)
    assert np.allclose(recolored(plain.brightened(one(0.1))), IMAGE + 25.5, atol=1e-3)
    assert np.allclose(recolored(plain.contrasted(one(1.7))), tf.image.adjust_contrast(IMAGE, 1.7), atol=1e-2)
    grey = tf.image.rgb_to_grayscale(IMAGE)
    assert np.allclose(recolored(plain.saturated(one(0.0))), tf.repeat(grey, 3, axis=3), atol=0.1)


def test_composition_is_one_after_the_other() -> None:
    plain = ColorMaps.identity(1, 3)
    first = recolored(plain.brightened(one(0.1)).saturated(one(0.4)))
    both = recolored(plain.brightened(one(0.1)).saturated(one(0.4)).contrasted(one(1.5)).turned(one(0.2)))
    second = recolored(plain.contrasted(one(1.5)).turned(one(0.2)), first)
    assert np.allclose(both, second, atol=0.1)


def test_hue_turns_the_circle_and_keeps_luminance() -> None:
    red = np.full((1, 2, 2, 3), [180.0, 60.0, 60.0], np.float32)
    plain = ColorMaps.identity(1, 3)
    assert np.allclose(recolored(plain.turned(one(1.0)), red), red, atol=1e-2)
    third = recolored(plain.turned(one(1 / 3)), red)[0, 0, 0]
    assert third @ [0.299, 0.587, 0.114] == pytest.approx(red[0, 0, 0] @ [0.299, 0.587, 0.114], abs=0.1)
    hue = colorsys.rgb_to_hsv(*(third / 255))[0]
    assert min(abs(hue - 1 / 3), abs(hue - 2 / 3)) < 0.1


def test_grey_images_pass_through_every_policy() -> None:
    grey = tf.constant(IMAGE[..., :1])
    for name in ("strong", "color", "randaugment"):
        policy = policy_from(name)
        drawn = {key: tf.constant(value) for key, value in policy.draw(Draws.of_epoch(0, 1, np.arange(1)), (16, 20, 1)).items()}
        assert policy.apply(grey, drawn).shape == grey.shape


def test_randaugment_grows_with_its_magnitude() -> None:
    images = tf.constant(np.repeat(SMOOTH, 64, axis=0))
    change = []
    for magnitude in (0.0, 0.3, 1.0):
        policy = policy_from({"name": "randaugment", "magnitude": magnitude, "flip": 0})
        drawn = {key: tf.constant(value) for key, value in policy.draw(Draws.of_epoch(0, 1, np.arange(64)), (31, 31, 3)).items()}
        change.append(float(tf.reduce_mean(tf.abs(policy.apply(images, drawn) - images))))
    assert change[0] < change[1] < change[2]
