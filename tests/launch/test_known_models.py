"""A model that was looked at is looked at again only where something could have changed the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sweeps.launch import known_models, model_probe
from sweeps.launch.known_models import keep_answer, known_answer

if TYPE_CHECKING:
    from pathlib import Path

ANSWER = {"facts": {}, "boundaries": {"a:none": "none"}, "rehearsal": None, "frozen": [], "networks": {}, "memory": [], "errors": []}


def question(**model: object) -> dict[str, Any]:
    return {"config": {"model": {"backbone": "plain_cnn", "weights": None, **model}}, "labels": {"plain_cnn": ["none"]}, "rehearse": False}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


def test_the_same_question_is_answered_without_a_process() -> None:
    assert known_answer(question()) is None
    keep_answer(question(), ANSWER)
    assert known_answer(question()) == ANSWER
    assert known_answer(question(backbone="small_resnet")) is None


def test_other_weights_code_versions_or_files_of_keras_ask_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "backbone.weights.h5"
    weights.write_bytes(b"1")
    asked = question(weights=str(weights))
    keep_answer(asked, ANSWER)
    assert known_answer(asked) == ANSWER
    weights.write_bytes(b"22")
    assert known_answer(asked) is None
    keep_answer(asked, ANSWER)
    (tmp_path / "keras" / "models").mkdir(parents=True)
    (tmp_path / "keras" / "models" / "resnet50.h5").write_bytes(b"")
    assert known_answer(asked) is None
    keep_answer(asked, ANSWER)
    monkeypatch.setattr(known_models, "version", lambda _: "9.9")
    assert known_answer(asked) is None
    keep_answer(asked, ANSWER)
    monkeypatch.setattr(known_models, "ROOT", tmp_path)
    (tmp_path / "trainer").mkdir()
    assert known_answer(asked) is None


@pytest.mark.parametrize("changed", [{"backbone": "nets:tiny"}, {"options": {"norm": "my_layers.norms:Own"}}])
def test_a_persons_own_code_is_asked_each_time(changed: dict[str, Any]) -> None:
    keep_answer(question(**changed), ANSWER)
    assert known_answer(question(**changed)) is None


def test_errors_rehearsals_and_damaged_files_are_not_believed(tmp_path: Path) -> None:
    keep_answer(question(), {**ANSWER, "errors": ["no"]})
    assert known_answer(question()) is None
    keep_answer({**question(), "rehearse": True}, ANSWER)
    assert known_answer({**question(), "rehearse": True}) is None
    keep_answer(question(), ANSWER)
    (file,) = (tmp_path / "cache" / "steadysweep" / "models").iterdir()
    for content in (b"", b"[]", b"{}", b"{", b"\xff"):
        file.write_bytes(content)
        assert known_answer(question()) is None


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    keep_answer(question(), ANSWER)
    assert known_answer(question()) is None


def test_the_probe_starts_no_process_for_a_known_model(monkeypatch: pytest.MonkeyPatch) -> None:
    from sweeps.launch.preflight import Look, look_at_images, look_at_model
    from sweeps.sweep_file import sweep_from_text

    sweep = sweep_from_text(
        "study: s\ndata: {source: digits}\nmodel: {backbone: plain_cnn, options: {filters: [4], kernel: 3, dropout: 0.0}}\n"
        "training: {epochs: 1}\nspace: {learning_rate: {float: [0.001, 0.1]}}\n"
    )
    first, second = Look(), Look()
    look_at_images(first, sweep)
    look_at_model(first, sweep)
    monkeypatch.setattr(model_probe, "_asked", lambda _: pytest.fail("a process was started"))
    look_at_images(second, sweep)
    look_at_model(second, sweep)
    assert first.probe is not None
    assert second.probe == first.probe
