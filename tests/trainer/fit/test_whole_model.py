"""What training changed of a model makes, when it is wanted, the model that would have been written at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tiny_trainings import pretrained, settings

from trainer import TrainConfig, TrainResult, train
from trainer.checkpoints.layout import EXPORT, MODEL, TRAINED
from trainer.data import load_data
from trainer.errors import DataError
from trainer.fit.kept import forget_compiled
from trainer.fit.whole import complete

if TYPE_CHECKING:
    from pathlib import Path


def both(config: TrainConfig, tmp_path: Path) -> tuple[Path, Path]:
    """The whole model written at once, and the one that is made afterwards in a process that knows nothing of the training."""
    train(config, checkpoint_dir=tmp_path / "at once")
    result = train(config, checkpoint_dir=tmp_path / "later", whole_model=False)
    assert result.model_path == tmp_path / "later" / TRAINED
    assert not (tmp_path / "later" / MODEL).exists()
    forget_compiled()
    return tmp_path / "at once" / MODEL, complete(tmp_path / "later")


@pytest.mark.parametrize(
    ("loaded", "model", "training", "data"),
    [
        (False, {}, {}, {}),
        (True, {"frozen_layers": "all", "dropout": 0.3}, {}, {"preprocessing": "standardize"}),
        (True, {"frozen_layers": "stage1_block1", "bn_momentum": 0.3}, {"precise_bn": "end"}, {}),
        (False, {"frozen_layers": "all", "frozen_bn": "reestimate", "dense": [6], "head_bn": True}, {"ema": 0.8}, {}),
        (True, {"frozen_layers": "stage1_block1", "frozen_bn": "batch"}, {"precise_bn": "epoch"}, {}),
        (True, {"frozen_layers": "all"}, {"unfreeze_every": 1}, {}),
    ],
)
def test_the_model_made_later_is_the_one_written_at_once(
    tmp_path: Path, *, loaded: bool, model: dict[str, Any], training: dict[str, Any], data: dict[str, Any]
) -> None:
    file = {"weights": pretrained(tmp_path / "tiny.weights.h5")} if loaded else {}
    import keras

    models = [keras.models.load_model(path, compile=False) for path in both(settings(2, {**model, **file}, training, data=data), tmp_path)]
    for one, other in zip(*(each.get_weights() for each in models), strict=True):
        assert np.array_equal(one, other)
    images = load_data(settings().data).validation.images[:8].astype(np.float32)
    assert np.array_equal(*(each(images, training=False).numpy() for each in models))
    config = [[layer.get_config() for layer in each._flatten_layers()] for each in models]
    rates = [[(each.get("momentum"), each.get("rate")) for each in one] for one in config]
    assert rates[0] == rates[1]


def test_only_what_training_changed_is_written(tmp_path: Path) -> None:
    frozen = settings(2, {"weights": pretrained(tmp_path / "tiny.weights.h5"), "frozen_layers": "all"})
    train(frozen, checkpoint_dir=tmp_path / "frozen", whole_model=False)
    with np.load(tmp_path / "frozen" / TRAINED) as archive:
        assert sorted(archive.files) == ["00000", "00001", "recipe"]  # kernel and bias of the output layer
    with np.load(tmp_path / "frozen" / "epoch-00002" / "weights.npz") as archive:
        assert len(archive.files) == 2


def test_a_checkpoint_of_an_earlier_version_holds_all_moving_statistics_and_is_continued(tmp_path: Path) -> None:
    from trainer.checkpoints.layout import checksum, write_arrays
    from trainer.fit.kept import engine_for

    config = settings(3, {"weights": pretrained(tmp_path / "tiny.weights.h5"), "frozen_layers": "all", "dropout": 0.2})
    whole = train(config, checkpoint_dir=tmp_path / "whole")
    train(config, lambda record: record.epoch == 2, checkpoint_dir=tmp_path / "cut")
    engine, _ = engine_for(config, load_data(config.data), keep=True)
    assert len(engine._all_moving) > len(engine.changing)
    folder = tmp_path / "cut" / "epoch-00002"
    write_arrays(folder / "weights.npz", [variable.numpy() for variable in engine._all_moving])
    import json

    sums = json.loads((folder / "checksums.json").read_text())
    (folder / "checksums.json").write_text(json.dumps({**sums, "weights.npz": checksum(folder / "weights.npz")}))
    resumed = train(config, checkpoint_dir=tmp_path / "cut")
    assert resumed.curves["val_loss"] == whole.curves["val_loss"]


def test_a_network_used_by_other_trainings_starts_like_a_new_one(tmp_path: Path) -> None:
    """Only what a training may change is given its initial values again, whatever trainings lie between."""
    file = pretrained(tmp_path / "tiny.weights.h5")

    def run(**model: Any) -> TrainResult:  # noqa: ANN401 - settings
        return train(settings(2, {"weights": file, **model}, seed=model.pop("seed", 1)))

    kinds: list[dict[str, Any]] = [
        {"frozen_layers": "all"},
        {},
        {"frozen_layers": "all", "frozen_bn": "reestimate"},
        {"frozen_layers": "50%"},
    ]
    alone = []
    for kind in kinds:
        forget_compiled()
        alone.append(run(**kind).curves["val_loss"])
    forget_compiled()
    together = [run(**kind).curves["val_loss"] for kind in [*kinds, *reversed(kinds)]]
    assert together == [*alone, *reversed(alone)]


def test_random_frozen_weights_are_drawn_anew_for_another_seed() -> None:
    def run(seed: int) -> tuple[float, ...]:
        return train(settings(1, {"frozen_layers": "all"}, seed=seed)).curves["val_loss"]

    forget_compiled()
    first = run(1), run(2), run(1)
    assert first[0] == first[2] != first[1]


def test_a_damaged_file_and_changed_weights_are_told(tmp_path: Path) -> None:
    file = tmp_path / "tiny.weights.h5"
    config = settings(1, {"weights": pretrained(file), "frozen_layers": "all"})
    train(config, checkpoint_dir=tmp_path / "run", whole_model=False)
    pretrained(file, seed=1)
    with pytest.raises(DataError, match=r"trained\.npz: the whole model cannot be made of it: .*weights\.h5 changed since the training"):
        complete(tmp_path / "run")
    pretrained(file, seed=0)
    content = bytearray((tmp_path / "run" / TRAINED).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "run" / TRAINED).write_bytes(content)
    with pytest.raises(DataError, match=r"trained\.npz is damaged: its checksum"):
        complete(tmp_path / "run")
    assert not (tmp_path / "run" / MODEL).exists()


def test_a_model_made_whole_stands_alone_and_is_made_once(tmp_path: Path) -> None:
    config = settings(1)
    train(config, checkpoint_dir=tmp_path, whole_model=False)
    made = complete(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} >= {MODEL, EXPORT}
    assert not (tmp_path / TRAINED).exists()
    before = made.stat().st_ino
    assert complete(tmp_path) == made
    assert train(config, checkpoint_dir=tmp_path, whole_model=False).model_path == made  # nothing is left to write
    assert made.stat().st_ino == before
    longer = config.model_copy(update={"training": config.training.model_copy(update={"epochs": 2})})
    assert train(longer, checkpoint_dir=tmp_path, whole_model=False).model_path == tmp_path / TRAINED
    assert not made.exists(), "the model of an earlier end is of other weights"


def test_a_backbone_that_a_persons_function_makes_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_backbone.py").write_text(
        "import keras\n\ndef small(input_shape):\n    images = keras.Input(input_shape)\n"
        "    return keras.Model(images, keras.layers.Conv2D(3, 3)(images))\n"
    )
    monkeypatch.chdir(tmp_path)
    config = TrainConfig.model_validate({**settings(1).model_dump(), "model": {"backbone": "my_backbone:small", "frozen_layers": "all"}})
    result = train(config, checkpoint_dir=tmp_path / "run", whole_model=False)
    assert result.model_path == tmp_path / "run" / MODEL
