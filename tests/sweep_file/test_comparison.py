import pytest

from sweeps.sweep_file import SweepFile, sweep_from_text
from sweeps.sweep_file.comparison import compare

BASE = """
study: s
data: {source: images}
training: {epochs: 4}
space:
  learning_rate: {float: [1e-4, 1e-1], log: true}
  frozen_layers: {ordinal: [none, 50%, all]}
search: {trials: 10}
"""
OLD = sweep_from_text(BASE)


def changed(*overrides: str) -> SweepFile:
    return sweep_from_text(BASE, overrides=overrides)


@pytest.mark.parametrize(
    "overrides", [(), ("training.epochs=4",), ("space.starting_points=[{learning_rate: 0.01}]",), ("space.description=x",)]
)
def test_the_same(overrides: tuple[str, ...]) -> None:
    assert compare(OLD, changed(*overrides)).verdict == "same"


def test_the_resolved_file_of_a_study_is_the_same() -> None:
    assert compare(OLD, sweep_from_text(OLD.to_yaml())).verdict == "same"


@pytest.mark.parametrize(
    "override",
    [
        "resources.cpu=3",
        "training.frozen_features=each_step",
        "training.accumulate=4",
        "resources.concurrent=2",
        "runtime.working_dir=code",
        "runtime.pip=[timm]",
        "budget.time=8h",
        "report.every=1m",
        "confirm.top=5",
        "allow=[x]",
        "search.trials=11",
        "storage=sqlite:///x.db",
        "storage_path=x",
        "data.source=elsewhere",
        "data.cache_path=/tmp",
        "space.learning_rate={float: [1e-3, 1e-2], log: true}",
        "space.frozen_layers={ordinal: [none, all]}",
    ],
)
def test_what_a_study_goes_on_with(override: str) -> None:
    found = compare(OLD, changed(override))
    assert found.verdict == "continues"
    assert [difference.path for difference in found.differences] == [
        "space" if "space." in override else "confirm" if "confirm." in override else override.split("=", maxsplit=1)[0]
    ]
    assert found.relocated is ("data.source" in override)


@pytest.mark.parametrize(
    ("override", "path", "reason"),
    [
        ("training.epochs=5", "training.epochs", "a new study with --from"),
        ("search.trials=9", "search.trials", "can only be raised"),
        ("search.metric=val_loss", "search.metric", "another metric"),
        ("search.seed=1", "search.seed", "proposals would no longer follow"),
        ("search.sampler=random", "search.sampler", "proposals"),
        ("data.split.seed=1", "data.split.seed", "the data is part of what the study is"),
        ("data.image_size=32", "data.image_size", "the data is part"),
        ("model.dense=[64]", "model.dense", "the model is part"),
        ("batch_size=64", "training.batch_size", "trained in another way"),
        ("study=t", "study", "another study"),
        ("space.learning_rate={float: [1e-5, 1e-2], log: true}", "space", "learning_rate is wider"),
        ("space.dropout={float: [0, 0.5]}", "space", "dropout is new"),
        ("learning_rate=1e-2", "space", "learning_rate is gone"),
    ],
)
def test_what_a_study_refuses_and_why(override: str, path: str, reason: str) -> None:
    found = compare(OLD, changed(override))
    assert found.verdict == "refused"
    refused = {difference.path: difference for difference in found.refused}
    assert reason in refused[path].reason
    assert reason in str(refused[path])


def test_all_differences_are_listed_with_old_and_new() -> None:
    found = compare(OLD, changed("training.epochs=5", "resources.cpu=2", "data.split.train=0.5"))
    assert [(each.path, each.old, each.new, each.allowed) for each in found.differences] == [
        ("data.split.train", 0.7, 0.5, False),
        ("training.epochs", 4, 5, False),
        ("resources.cpu", 1.0, 2.0, True),
    ]
    assert str(found.differences[1]).startswith("training.epochs: 4 -> 5 (")
