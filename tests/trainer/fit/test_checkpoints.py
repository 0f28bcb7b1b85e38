from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from trainer.checkpoints import Checkpoints, CheckpointWarning, superfluous
from trainer.checkpoints.layout import RUN, STATE, WEIGHTS

if TYPE_CHECKING:
    from pathlib import Path

    from trainer.checkpoints import Arrays


def arrays(value: float) -> Arrays:
    return [np.full((2, 3), value, np.float32), np.asarray(value), np.asarray([True])]


def written(folder: Path, epochs: int) -> Checkpoints:
    checkpoints = Checkpoints(folder)
    for epoch in range(1, epochs + 1):
        checkpoints.write(epoch, arrays(epoch), arrays(-epoch), {"epoch": epoch})
    return checkpoints


def test_a_checkpoint_comes_back_as_written(tmp_path: Path) -> None:
    newest = written(tmp_path, 2).newest()
    assert newest is not None
    assert newest.epoch == newest.run["epoch"] == 2
    for one, other in zip(newest.weights + newest.state, arrays(2) + arrays(-2), strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)


@pytest.mark.parametrize("damaged", [WEIGHTS, STATE, RUN])
@pytest.mark.parametrize("how", ["truncated", "flipped", "gone"])
def test_a_damaged_checkpoint_is_found_out_and_the_one_before_is_used(tmp_path: Path, damaged: str, how: str) -> None:
    checkpoints = written(tmp_path, 2)
    file = tmp_path / "epoch-00002" / damaged
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(content if how == "flipped" else content[:-1])
    with pytest.warns(
        CheckpointWarning, match=r"checkpoint of epoch 2 in .* is damaged and was removed: the training goes on after epoch 1"
    ):
        newest = checkpoints.newest()
    assert newest is not None
    assert newest.epoch == 1


def test_a_write_cut_short_leaves_the_last_good_one_and_is_cleared(tmp_path: Path) -> None:
    written(tmp_path, 1)
    (tmp_path / ".partial-00002").mkdir()
    (tmp_path / ".partial-00002" / WEIGHTS).write_bytes(b"half")
    newest = Checkpoints(tmp_path).newest()
    assert newest is not None
    assert newest.epoch == 1
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-00001"]


def test_the_last_two_are_kept_whole_and_candidates_by_their_weights(tmp_path: Path) -> None:
    checkpoints = written(tmp_path, 6)
    checkpoints.retain({2, 4, 6})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["candidate-00002", "candidate-00004", "epoch-00005", "epoch-00006"]
    kept = checkpoints.weights(2)
    assert kept is not None
    assert np.array_equal(kept[0], arrays(2)[0])
    assert not (tmp_path / "candidate-00002" / STATE).exists()
    assert checkpoints.weights(3) is None
    checkpoints.retain({4})
    assert checkpoints.epochs() == (4, 5, 6)


def test_a_damaged_candidate_is_not_exported(tmp_path: Path) -> None:
    checkpoints = written(tmp_path, 4)
    checkpoints.retain({1})
    (tmp_path / "candidate-00001" / WEIGHTS).write_bytes(b"")
    assert checkpoints.weights(1) is None


def test_an_empty_folder_has_none(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "new").newest() is None


def test_a_training_whose_checkpoints_are_gone_says_that_it_starts_over(tmp_path: Path) -> None:
    said: list[str] = []
    assert Checkpoints(tmp_path / "deleted", say=said.append, recorded_epochs=7).newest() is None
    assert said == [f"no checkpoint is left in {tmp_path / 'deleted'}: the training starts over; its epochs on record (7) stand"]
    written(tmp_path / "damaged", 1)
    (tmp_path / "damaged" / "epoch-00001" / STATE).write_bytes(b"")
    said.clear()
    assert Checkpoints(tmp_path / "damaged", say=said.append, recorded_epochs=1).newest() is None
    assert said == [
        f"the checkpoint of epoch 1 in {tmp_path / 'damaged'} is damaged and was removed: the training starts over; its epochs on record (1) stand"
    ]


def test_what_a_finished_training_leaves_is_told_from_what_others_put_there() -> None:
    names = [
        "epoch-00002/weights.npz",
        "epoch-00002/checksums.json",
        "candidate-00001/weights.npz",
        "model.keras",
        "export.json",
        "notes.txt",
        "epoch-00002",
    ]
    assert superfluous(names, keep_model=True) == ["epoch-00002/checksums.json", "candidate-00001/weights.npz", "epoch-00002/weights.npz"]
    assert set(names) - set(superfluous(names, keep_model=False)) == {"notes.txt", "epoch-00002"}
