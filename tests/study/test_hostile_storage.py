"""A stranger's storage through every command: nothing outside the current folder is written, nothing runs, nothing steers the terminal or the page."""

from __future__ import annotations

import importlib
import json
import pickle
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reports.exports import file_stem
from sweeps.cli import main
from sweeps.errors import SweepError
from sweeps.executor.inline import InlineExecutor
from sweeps.search.samplers.cma_state import STATE, check_state
from sweeps.study.running import run_study
from sweeps.sweep_file import sweep_from_text
from sweeps.trust import note_known

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
ESCAPES = "\x1b]0;owned\x07\x1b[2J\x1b[31m"
NAMES = ["../../../../outside/evil", "..", "/outside/evil", SCRIPT, ESCAPES, "日本語の研究" * 33, "a" * 200, "=cmd|' /C calc'!A0", "x\x00y"]


@pytest.fixture
def storage(sweep_text: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished study in a folder of its own, which is the current one; `outside` lies beside it."""
    here = tmp_path / "here"
    here.mkdir()
    (tmp_path / "outside").mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    text = sweep_text(search="{trials: 3, pruner: none}", storage=f"sqlite:///{here}/fast.db", storage_path="runs/fast")
    run_study(sweep_from_text(text), InlineExecutor(), trainable="fast_training:train")
    return here / "fast.db"


def change(storage: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(storage) as connection:
        assert connection.execute(statement, values).rowcount


def fact(storage: Path, key: str) -> Any:  # noqa: ANN401 - JSON
    with sqlite3.connect(storage) as connection:
        (text,) = connection.execute("SELECT value_json FROM steadysweep_study_facts WHERE key = ?", (key,)).fetchone()
    return json.loads(text)


def set_fact(storage: Path, key: str, value: object) -> None:
    change(storage, "UPDATE steadysweep_study_facts SET value_json = ? WHERE key = ?", json.dumps(value), key)


def outside(storage: Path) -> set[str]:
    """What lies beside the current folder, without the person's own list of sweeps that were run."""
    return {
        str(path.relative_to(storage.parents[1]))
        for path in storage.parents[1].rglob("*")
        if storage.parent not in (path, *path.parents) and path.relative_to(storage.parents[1]).parts[0] != "state"
    }


@pytest.fixture
def without_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would look at data and model, and train, ends there."""

    def here(*_: object) -> None:
        raise SweepError("nothing is trained in this test")

    monkeypatch.setattr(importlib.import_module("sweeps.launch.launch"), "_run", here)  # the package has a function of this name


def commands(name: str, storage: Path) -> list[list[str]]:
    where = ["--storage", f"sqlite:///{storage}"]
    return [
        ["status", *where],
        ["status", "--format", "json", *where],
        ["status", name, *where],
        ["report", name, *where],
        ["report", name, "--format", "html,json,csv,md", *where],
        ["report", name, "--format", "csv", *where],
        ["report", str(storage)],
        ["export", name, "-o", "exported", *where],
        ["resume", name, "--executor", "inline", *where],
        ["confirm", name, "--dry-run", *where],
        ["confirm", name, "--executor", "inline", *where],
        ["run", "--from", name, "--set", "study=mine", "--executor", "inline", *where],
        ["diagnose", str(storage)],
    ]


@pytest.mark.usefixtures("without_training")
@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_hostile_name_reaches_no_file_outside_and_no_terminal(name: str, storage: Path, capfd: pytest.CaptureFixture[str]) -> None:
    change(storage, "UPDATE studies SET study_name = ?", name)
    before = outside(storage)
    for words in commands(name, storage):
        if "\x00" in " ".join(words):
            continue  # no command line can hold it
        code = main(words)
        said = capfd.readouterr()
        assert code in (0, 1, 2), (words, said.err[-2000:])
        assert "unexpected" not in said.err, (words, said.err[-2000:])
        assert "\x1b]" not in said.out + said.err, words
        assert "\x07" not in said.out + said.err, words
    assert outside(storage) == before
    for page in storage.parent.glob("*.html"):
        assert "<script>document.title" not in page.read_text()
        assert "<img src=x" not in page.read_text()


def test_a_long_or_foreign_name_gets_its_report(storage: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("日本語の研究" * 33, "a" * 200, "größe/länge"):
        change(storage, "UPDATE studies SET study_name = ?", name)
        assert main(["report", name, "--storage", f"sqlite:///{storage}"]) == 0
        path = Path(capfd.readouterr().err.strip())
        assert path.parent == storage.parent
        assert name in path.read_text()


@pytest.mark.parametrize(
    ("name", "stem"),
    [("flowers", "flowers"), ("a/b", "a-b"), ("..", "study"), ("", "study"), ("\x00\x1b[", "--["), ("日" * 200, "日" * 60)],
)
def test_a_file_is_named_after_a_study_in_one_folder(name: str, stem: str) -> None:
    assert file_stem(name) == stem


@pytest.mark.usefixtures("without_training")
def test_hostile_texts_everywhere_reach_no_page_and_no_terminal(storage: Path, capfd: pytest.CaptureFixture[str]) -> None:
    evil = SCRIPT + ESCAPES
    change(
        storage,
        "UPDATE trial_user_attributes SET value_json = ? WHERE key IN ('error', 'cause', 'configuration')",
        json.dumps(evil),
    )
    change(storage, "UPDATE trial_params SET param_name = ? WHERE param_name = 'dropout'", evil)
    change(storage, "UPDATE steadysweep_attempts SET driver = ?, worker = ?", evil, evil)
    parameters = fact(storage, "parameters")
    set_fact(storage, "parameters", [{**each, "name": evil if each["name"] == "dropout" else each["name"]} for each in parameters])
    set_fact(storage, "facts", {evil: evil, "confirmation": evil, "host": evil})
    set_fact(storage, "versions", {evil: evil})
    before = outside(storage)
    for words in commands("fast", storage):
        code = main(words)
        said = capfd.readouterr()
        assert "\x1b]" not in said.err + ("" if "csv" in words else said.out), words  # data in a pipe stay as they are
        assert code in (0, 1, 2), (words, said.err[-2000:])
    assert outside(storage) == before
    for page in storage.parent.glob("*.html"):
        assert "<script>document.title" not in page.read_text()
        assert "<img src=x" not in page.read_text()


@pytest.mark.usefixtures("without_training")
@pytest.mark.parametrize("key", ["facts", "figures", "score", "diagnosis", "notices", "seed"])
def test_json_of_another_kind_is_refused_by_name(key: str, storage: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with sqlite3.connect(storage) as connection:
        rows = connection.execute("SELECT trial_id FROM trials").fetchall()
        connection.execute("DELETE FROM trial_user_attributes WHERE key = ?", (key,))
        for (trial,) in rows:
            connection.execute("INSERT INTO trial_user_attributes (trial_id, key, value_json) VALUES (?, ?, ?)", (trial, key, '"text"'))
    for words in commands("fast", storage):
        code = main(words)
        said = capfd.readouterr().err
        assert "unexpected" not in said, (words, said)
        assert code in (1, 2) or words[0] in ("report", "diagnose"), "these take it for a storage of another tool"
    assert main(["status", "--storage", f"sqlite:///{storage}"]) == 1
    assert f"attribute {key!r} of trial 0 is str in JSON" in capfd.readouterr().err


WISHES = {
    "notify": {"command": ["touch", "{outside}/command"]},
    "report": {"path": "{outside}/report.html"},
    "storage_path": "{outside}/runs",
    "tracking": {"tensorboard": "../outside/board", "wandb": "wicked"},
    "runtime": {"pip": ["wicked"], "env": {"LANG": "x"}, "tune": {"callbacks": ["wicked:Callback"]}},
    "model": {"backbone": "wicked:build"},
    "data": {"source": "wicked:load"},
}


def wish(storage: Path, wishes: dict[str, Any]) -> str:
    """Write wishes into the stored sweep file; returns its text."""
    import yaml

    content = yaml.safe_load(fact(storage, "sweep_file"))
    (storage.parent / "wicked.py").write_text("import pathlib\npathlib.Path('../outside/code').touch()\n")
    for section, value in json.loads(json.dumps(wishes).replace("{outside}", str(storage.parents[1] / "outside"))).items():
        content[section] = {**content[section], **value} if isinstance(value, dict) else value
    text = yaml.safe_dump(content)
    set_fact(storage, "sweep_file", text)
    return text


@pytest.mark.parametrize("wished", [*WISHES, "all"])
def test_what_a_stored_file_asks_for_is_listed_and_not_done(wished: str, storage: Path, capfd: pytest.CaptureFixture[str]) -> None:
    wish(storage, WISHES if wished == "all" else {wished: WISHES[wished]})
    where = ["--storage", f"sqlite:///{storage}"]
    before = outside(storage)
    for words in (
        ["resume", "fast", "--trials", "+1", "--executor", "inline", *where],
        ["confirm", "fast", "--seeds", "1", "--executor", "inline", *where],
        ["run", "--from", "fast", "--set", "study=mine", "--executor", "inline", *where],
        ["export", "fast", "-o", "exported", *where],
    ):
        code = main(words)
        said = capfd.readouterr().err
        assert code == 2, (words, said)
        assert "add --trust" in said, (words, said)
        for section in WISHES if wished == "all" else [wished]:
            assert section in said, (words, said)
        assert outside(storage) == before, words
    assert main(["status", "fast", *where]) == 0
    assert main(["report", "fast", *where]) == 0
    assert outside(storage) == before
    assert not (storage.parent / "exported").exists()


def test_a_file_that_its_person_ran_and_one_that_is_trusted_go_on(storage: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = wish(storage, {"report": WISHES["report"]})
    words = ["resume", "fast", "--executor", "inline", "--storage", f"sqlite:///{storage}"]
    assert main(words) == 2
    assert main([*words, "--set", "report.path=own.html"]) == 0, "what is given on the command line is the person's own"
    assert (storage.parent / "own.html").is_file()
    set_fact(storage, "sweep_file", text)
    assert main(words) == 2
    assert main([*words, "--trust"]) == 0
    assert (storage.parents[1] / "outside" / "report.html").is_file()
    assert main(words) == 0, "it is known now"
    wish(storage, {"tracking": WISHES["tracking"]})
    assert main(words) == 2, "and changed since"
    capfd.readouterr()


def test_a_file_that_was_run_is_known_by_all_of_its_text(storage: Path) -> None:
    text = wish(storage, {"report": WISHES["report"]})
    note_known("fast", text + " ")
    note_known("other", text)
    words = ["resume", "fast", "--executor", "inline", "--storage", f"sqlite:///{storage}"]
    assert main(words) == 2
    note_known("fast", text)
    assert main(words) == 0


@pytest.mark.parametrize("file", ["../../../../outside/evil.npz", "/dev/null", "..", "\x00"])
def test_a_note_beside_a_model_leads_to_no_other_file(file: str, storage: Path, capfd: pytest.CaptureFixture[str]) -> None:
    evil = storage.parents[1] / "outside" / "evil.npz"
    evil.write_bytes(b"evil")
    for folder in (storage.parent / "runs" / "fast").glob("0*"):
        (folder / "export.json").write_text(json.dumps({"epoch": 1, "epochs": 5, "file": file}))
        (folder / "model.keras").unlink(missing_ok=True)
    before = outside(storage)
    assert main(["export", "fast", "-o", "exported", "--storage", f"sqlite:///{storage}"]) == 2
    assert "has no model" in capfd.readouterr().err
    assert outside(storage) == before
    assert evil.read_bytes() == b"evil"


@pytest.mark.parametrize("words", [[], ["--trust"]], ids=["plain", "trusted"])
def test_code_in_a_stranger_s_model_runs_where_it_is_trusted_alone(
    words: list[str], storage: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    images = keras.Input((8, 8, 1))
    x = keras.layers.Lambda(lambda x: (__import__("pathlib").Path(__import__("os").environ.get("OWNED", "/dev/null")).touch(), x)[1])(
        images
    )
    model = keras.Model(images, keras.layers.Dense(10, activation="softmax")(keras.layers.GlobalAveragePooling2D()(x)))
    for folder in (storage.parent / "runs" / "fast").glob("0*"):
        model.save(folder / "model.keras")
    monkeypatch.setenv("OWNED", str(storage.parents[1] / "outside" / "owned"))
    code = main(["export", "fast", "-o", "exported", "--storage", f"sqlite:///{storage}", *words])
    said = capfd.readouterr().err
    assert code == (0 if words else 2), said
    assert ("outside/owned" in outside(storage)) is bool(words)
    assert words or "add --trust" in said


class Wicked:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("touch ../outside/pickle",)


def memory(content: bytes) -> dict[str, str]:
    text = content.hex()
    return {f"{STATE}{number}": text[2045 * number : 2045 * (number + 1)] for number in range(len(text) // 2045 + 1)}


def test_a_state_of_cmaes_that_would_run_code_is_refused(storage: Path) -> None:
    with pytest.raises(SweepError, match=r"names (posix|os)\.system"):
        check_state(memory(pickle.dumps(Wicked())))
    with pytest.raises(SweepError, match=r"names builtins\.eval"):
        check_state(memory(b"cbuiltins\neval\n(S'1'\ntR."))
    with pytest.raises(SweepError, match="cannot be read"):
        check_state(memory(b"no pickle"))
    assert "outside/pickle" not in outside(storage)


def test_a_real_state_of_cmaes_passes() -> None:
    from cmaes import CMA

    optimizer = CMA(mean=np.zeros(3), sigma=1.0, seed=1, bounds=np.array([[0, 1]] * 3))
    for generation in range(2):
        optimizer.tell([(optimizer.ask(), float(generation)) for _ in range(optimizer.population_size)])
    check_state(memory(pickle.dumps(optimizer)))
    check_state({})
    check_state({"cma:generation": 3})


def test_a_study_of_cmaes_with_a_wicked_state_ends_with_its_message(
    storage: Path, sweep_text: Callable[..., str], capfd: pytest.CaptureFixture[str]
) -> None:
    keys = {
        "search": "{trials: 12, sampler: cmaes, pruner: none, sampler_options: {popsize: 4}}",
        "study": "cma",
        "storage_path": "runs/cma",
    }
    text = sweep_text(**keys, storage=f"sqlite:///{storage}")
    run_study(sweep_from_text(text), InlineExecutor(), trainable="fast_training:train")
    wicked = json.dumps(pickle.dumps(Wicked()).hex())
    change(storage, "UPDATE trial_system_attributes SET value_json = ? WHERE key = 'cma:optimizer:0'", wicked)
    with sqlite3.connect(storage) as connection:
        connection.execute("DELETE FROM trial_system_attributes WHERE key LIKE 'cma:optimizer:%' AND key != 'cma:optimizer:0'")
    more = sweep_from_text(text.replace("trials: 12", "trials: 13"))
    with pytest.raises(SweepError, match=r"names (posix|os)\.system, which is no part"):
        run_study(more, InlineExecutor(), trainable="fast_training:train")
    assert "outside/pickle" not in outside(storage)
    capfd.readouterr()
