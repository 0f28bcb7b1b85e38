"""Names, parameters and forms of policies; errors propose what was meant."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from trainer.augmentation import policies, policy_from
from trainer.augmentation.keras_layers import KerasLayers
from trainer.augmentation.simple import Rotate, ShearZoom
from trainer.config import DataConfig
from trainer.errors import ConfigError

if TYPE_CHECKING:
    from trainer.augmentation.named import Setting


def test_every_documented_policy_ships() -> None:
    named = policies()
    assert list(named) == ["none", "flip", "rotate", "shear_zoom", "light", "strong", "color", "randaugment", "mixup", "cutmix"]
    for description, _ in named.values():
        assert description.endswith((".", ").")) or "shear_range" in description
    assert named["rotate"][1]["share"] == 0.5
    assert named["shear_zoom"][1] == {"shear": 0.2, "zoom": 0.2, "flip": 0.0, "fill": "nearest"}


def test_forms_of_the_setting() -> None:
    assert policy_from("rotate") == Rotate()
    assert policy_from({"name": "rotate", "degrees": 5}) == Rotate(degrees=5)
    assert policy_from({"name": "shear_zoom", "zoom": 0}) == ShearZoom(zoom=0)
    expected = KerasLayers((("RandomZoom", {"height_factor": 0.2}), ("RandomFlip", {})))
    assert policy_from([{"name": "RandomZoom", "height_factor": 0.2}, {"RandomFlip": None}]) == expected


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("rotat", "unknown policy 'rotat'; did you mean 'rotate'"),
        ({"name": "rotate", "degree": 5}, "rotate has no parameter 'degree'; did you mean 'degrees'"),
        ({"name": "rotate", "degrees": 500}, "degrees must be a number from 0 to 180, but got 500"),
        ({"name": "rotate", "degrees": "wide"}, "but got 'wide'"),
        ({"name": "rotate", "fill": "mirror"}, "fill must be one of reflect, nearest, constant, wrap"),
        ({"degrees": 5}, "expected a policy as"),
        ([{"degrees": 5}], "expected a layer as"),
    ],
)
def test_mistakes_are_told(setting: Setting, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        policy_from(setting)


def test_a_sweep_file_is_refused_where_it_is_read() -> None:
    with pytest.raises(ValidationError, match="did you mean 'randaugment'"):
        DataConfig(source="digits", augmentation="randaugmnt")


def test_keras_layers_that_do_not_fit_are_named() -> None:
    with pytest.raises(ConfigError, match="use the policy mixup"):
        policy_from([{"name": "MixUp"}]).applier()  # type: ignore[list-item]
    with pytest.raises(ConfigError, match=r"'Dense' is no random image layer of Keras; known: .*RandomRotation"):
        policy_from([{"name": "Dense", "units": 3}]).applier()
    with pytest.raises(ConfigError, match=r"RandomZoom\(.*\) was refused"):
        policy_from([{"name": "RandomZoom", "hight_factor": 3}]).applier()


def test_listing_and_drawing_import_no_tensorflow() -> None:
    program = (
        "import sys, numpy as np\nfrom trainer.augmentation import Draws, policies, policy_from\n"
        "for name in policies(): policy_from(name).draw(Draws.of_epoch(0, 1, np.arange(4)), (8, 8, 3))\n"
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
