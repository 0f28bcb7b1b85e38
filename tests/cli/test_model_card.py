"""What a model card says of the file beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_images

from reports.ranking import rank
from sweeps.cli.model_card import Delivery, model_card
from tests.reports.synthetic_studies import flowers
from trainer.data.pixels import decode

if TYPE_CHECKING:
    from pathlib import Path

    from reports.ranking import RankedConfiguration
    from reports.records import StudyRecord, TrialRecord


BESIDE = Delivery("validation.csv", (), (64, 64, 3))


def parts() -> tuple[StudyRecord, RankedConfiguration, TrialRecord]:
    study = flowers()
    best = rank(study).configurations[0]
    return study, best, next(trial for trial in best.trials if trial.state == "COMPLETE")


def test_accuracy_is_that_of_the_file_also_where_statistics_were_recomputed_after_training() -> None:
    study, best, trial = parts()
    figures = {**trial.figures, "exported_val_accuracy": 0.5, "precise_bn_val_accuracy": 0.875}
    card = model_card(study, best, replace(trial, figures=figures), 0.8125, BESIDE)
    assert "| validation accuracy of this file | 87.5 % |" in card
    assert "| test accuracy of this file | 81.2 % |" in card


def test_outputs_are_named_in_their_order() -> None:
    study, best, trial = parts()
    told = replace(trial, facts={"class_names": "daisy, rose"})
    assert "Its outputs are the probabilities of daisy, rose." in model_card(study, best, told, "not measured", BESIDE)
    card = model_card(study, best, told, "not measured", replace(BESIDE, sigmoid=True))
    assert "Its one output is the probability of the second of daisy, rose." in card
    assert "argmax" not in card


def test_curve_flags_and_confidence_are_told() -> None:
    study, best, trial = parts()
    card = model_card(study, best, trial, "not measured: there is no test split", BESIDE)
    assert "## Curve\n\n`" in card
    assert all(f"- {flag.name} ({flag.severity}): " in card for flag in best.flags)
    low, high = best.stable_interval or (0.0, 0.0)
    assert (f"| {100 * low:.1f} to {100 * high:.1f} %" in card) == (best.stable_interval is not None)
    unsure = replace(best, stable_interval=None)
    assert "| a new training, 95 % | " in model_card(study, replace(unsure, seeds=1), trial, "", BESIDE)
    assert "one seed: this run only" in model_card(study, replace(unsure, seeds=1), trial, "", BESIDE)
    assert f"not known from {best.epochs} epochs" in model_card(study, replace(unsure, seeds=3), trial, "", BESIDE)
    assert "Nothing was varied" in model_card(study, replace(best, params={}), trial, "", BESIDE)


def test_the_lines_are_five_at_most_and_parse_whatever_lies_beside_the_card() -> None:
    study, best, trial = parts()
    for delivery in (
        BESIDE,
        replace(BESIDE, sigmoid=True, image_shape=(28, 28, 1)),
        replace(BESIDE, validation="validation.npz", own_layers=("my_net.Squash",)),
        replace(BESIDE, validation=""),
    ):
        code = model_card(study, best, trial, "", delivery).split("```python\n")[1].split("```")[0]
        compile(code, "card", "exec")
        assert len(code.splitlines()) <= 5
        assert "trainer" not in code
        assert "yaml" not in code
        assert ("custom_objects" in code) == bool(delivery.own_layers)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_lines_decode_photographs_as_the_trainer_does_also_rotated_transparent_and_16_bit_ones(tmp_path: Path, channels: int) -> None:
    study, best, trial = parts()
    code = model_card(study, best, trial, "", replace(BESIDE, image_shape=(48, 64, channels))).split("```python\n")[1].split("```")[0]
    seen: list[np.ndarray] = []

    def model(batch: np.ndarray) -> np.ndarray:
        seen.append(batch[0])
        return np.array([[0.2, 0.8]])

    names: dict[str, Any] = {"Image": Image, "ImageOps": ImageOps, "np": np, "model": model, "labels": ["a", "b"]}
    exec("\n".join(code.splitlines()[2:4]), names)  # noqa: S102 - what a person would run
    photo = Image.fromarray(load_sample_images().images[0])
    rotated, clear, grey = Image.Exif(), photo.copy(), photo.convert("L")
    rotated[0x0112] = 6
    clear.putalpha(Image.linear_gradient("L").resize(photo.size))
    photo.save(tmp_path / "rotated.jpg", exif=rotated)
    photo.convert("CMYK").save(tmp_path / "cmyk.jpg")
    grey.save(tmp_path / "grey.jpg")
    clear.save(tmp_path / "clear.png")
    clear.quantize(32).save(tmp_path / "palette.png")
    clear.convert("LA").save(tmp_path / "grey-clear.png")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 250 + 77)
    deep.save(tmp_path / "deep.png")
    deep.save(tmp_path / "deep.tif")
    for path in sorted(tmp_path.iterdir()):
        assert names["label"](path) == "b"
        pixels = seen[-1].astype(np.uint8)
        resized = Image.fromarray(pixels[..., 0] if channels == 1 else pixels).resize((64, 48), Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(np.asarray(resized).reshape(48, 64, channels), decode(path, (48, 64), channels), path.name)


def test_heic_is_opened_where_it_is_among_the_validation_images() -> None:
    study, best, trial = parts()
    assert "pillow_heif" not in model_card(study, best, trial, "", BESIDE)
    code = model_card(study, best, trial, "", replace(BESIDE, heic=True)).split("```python\n")[1].split("```")[0]
    compile(code, "card", "exec")
    assert "pillow_heif.register_heif_opener()" in code.splitlines()[0]


def test_own_layers_and_formats_of_one_size_are_told() -> None:
    study, best, trial = parts()
    card = model_card(study, best, trial, "", replace(BESIDE, own_layers=("my_net.Squash",), formats=("keras", "onnx")))
    assert "layers of your own (my_net.Squash): the code of my_net must be importable" in card
    assert "In onnx the model takes images that are 64x64 already" in card
