"""Deletes, renames and retypes every key of a file that has every key of the schema: each is either valid by design or refused at its line."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sweeps.errors import SweepInputError
from sweeps.sweep_file import SweepFile, load_sweep_file
from sweeps.sweep_file.problems import settings_in
from trainer.config.settings import Settings

FULL = Path(__file__).parents[1] / "data" / "sweep_file" / "full.yaml"
LINES = FULL.read_text(encoding="utf-8").splitlines()
WRONG = {"text": "zzz words", "number": "3.7", "bool": "true", "null": "null", "list": "[zzz]", "mapping": "{zzz: 1}", "negative": "-5"}

# What a key takes besides its own kind of value. Everything that is not named here must be refused.
TEXT = (
    "storage_path",
    "data.source",
    "data.split.groups",
    "data.cache_path",
    "data.augmentation",
    "model.backbone",
    "model.weights",
    "model.activation",
    "report.path",
    "runtime.working_dir",
    "runtime.tune.folder",
    "notify.command",
    "tracking.tensorboard",
    "tracking.mlflow",
    "tracking.wandb",
)
LIMITS = ("search.limits.parameters", "search.limits.file_mb", "search.limits.latency_ms", "search.limits.latency_ms_32")
NULL = (
    "confirm.budget", "data.split.validation_seed", "data.split.folds", "data.split.only_fold", "data.split.groups", "search.cost", *LIMITS,
    "storage", "storage_path", "data.image_size", "data.classes", "data.cache_path", "model.weights", "report.path", "budget.time", "budget.gpu_hours",
    "resources.concurrent", "runtime.working_dir", "runtime.tune.folder", "notify.command", "notify.webhook", "tracking.tensorboard", "tracking.mlflow",
    "tracking.wandb",
    *(f"training.{name}" for name in ("gradient_clip", "ema", "unfreeze_every", "early_stopping", "checkpoint_every", "deterministic")),
)  # fmt: skip
NUMBER = (
    "data.cache_memory_gb", "data.cache_disk_gb", "training.backbone_learning_rate_factor",
    "training.warmup_epochs", "training.min_learning_rate", "training.gradient_clip", "budget.time", "budget.gpu_hours", "resources.cpu",
    "report.every", "runtime.silent_after", "budget.stop_when_settled", *LIMITS,
)  # fmt: skip
TAKES = {
    "text": {*TEXT, "space.name", "space.description", "space.learning_rate.description"},
    "null": {*NULL, "space.dropout.step", "space.bn_momentum.when"},
    "number": set(NUMBER),
    "bool": {
        "data.split.stratify",
        "search.duplicates",
        "confirm.resplit",
        "report.images",
        "model.head_bn",
        *(f"training.{key}" for key in ("deterministic", "mixed_precision", "jit_compile")),
    }
    | {"space.learning_rate.log", "space.weight_decay.log"},
    "list": {"data.source", "data.classes", "allow", "runtime.py_modules", "runtime.pip", "runtime.tune.callbacks", "notify.command"},
    "mapping": {
        "model.options",
        "data.class_weights",
        "training.loss_options",
        "training.arguments",
        "search.sampler_options",
        "search.pruner_options",
    },
    "negative": set(),
}
REQUIRED = {"study", "data", "data.source", "space"}
NEEDED = {"space.frozen_layers", "space.learning_rate"}  # a condition or a starting point names them
UNDIVIDED = "space.batch_size: reaches 17, which 4 micro-batches (training.accumulate) do not divide"


@dataclass(frozen=True)
class Key:
    """A key of the file on a line of its own, with the lines below it."""

    path: str
    line: int
    indent: int
    end: int

    @property
    def name(self) -> str:
        return LINES[self.line].strip().partition(":")[0]

    def replaced(self, name: str, value: str | None) -> str:
        """The file with this key renamed, or with another value (then without what stood below it); the lines keep their numbers."""
        lines = list(LINES)
        old = lines[self.line].strip().partition(":")[2]
        lines[self.line] = " " * self.indent + f"{name}:{old if value is None else ' ' + value}"
        return "\n".join(lines if value is None else self._blank(lines))

    def deleted(self) -> str:
        lines = list(LINES)
        lines[self.line] = ""
        return "\n".join(self._blank(lines))

    def _blank(self, lines: list[str]) -> list[str]:
        return [*lines[: self.line + 1], *[""] * (self.end - self.line - 1), *lines[self.end :]]


def keys() -> list[Key]:
    """Read from the indentation alone, so that expected lines do not come from the loader that is tested."""
    found: list[Key] = []
    above: list[tuple[int, str]] = []
    for number, line in enumerate(LINES):
        stripped = line.strip()
        if not stripped or stripped.startswith(("#", "-")):
            continue
        indent = len(line) - len(line.lstrip())
        above = [(column, name) for column, name in above if column < indent]
        above.append((indent, stripped.partition(":")[0]))
        end = next(
            (later for later in range(number + 1, len(LINES)) if len(LINES[later]) - len(LINES[later].lstrip()) <= indent), len(LINES)
        )
        path = ".".join(name for _, name in above)
        found.append(Key(path, number, indent, end))
    return found


KEYS = keys()


def paths(settings: type[Settings], prefix: str = "") -> set[str]:
    below = {name: settings_in(field.annotation) for name, field in settings.model_fields.items()}
    inner = {path for name, kind in below.items() if kind is not None for path in paths(kind, f"{prefix}{name}.")}
    return {f"{prefix}{name}" for name in below} | inner


def test_the_file_has_every_key_of_the_schema(full: SweepFile) -> None:
    searched = {
        "training.learning_rate",
        "model.dropout",
        "training.batch_size",
        "model.frozen_layers",
        "model.bn_momentum",
        "training.momentum",
    }
    searched.add("training.weight_decay")
    instead_of_budget = {"confirm.top", "confirm.seeds"}  # see test_confirm
    assert paths(SweepFile) - searched - instead_of_budget == {key.path for key in KEYS if not key.path.startswith("space.")}
    assert len(full.space.parameters) == len(searched)


def problems(tmp_path: Path, text: str) -> list[str] | None:
    """The lines of the error, or None when the file is accepted."""
    (tmp_path / "sweep.yaml").write_text(text, encoding="utf-8")
    try:
        load_sweep_file(tmp_path / "sweep.yaml")
    except SweepInputError as error:
        return str(error).replace(f"{tmp_path}/", "").splitlines()
    return None


def located(lines: list[str], line: int, path: str) -> list[str]:
    """The problems at `line` whose key is `path` or lies below it."""
    return [
        text
        for text in lines
        if text.startswith((f"sweep.yaml:{line}: {path}: ", f"sweep.yaml:{line}: {path}.", f"sweep.yaml:{line}: {path}["))
    ]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_a_deleted_key_takes_its_default_or_is_missed(key: Key, tmp_path: Path, full: SweepFile) -> None:
    found = problems(tmp_path, key.deleted())
    if key.path in REQUIRED:
        parent = next((other.line for other in KEYS if other.path == key.path.rpartition(".")[0]), None)
        line = parent + 1 if parent is not None else next(other.line for other in KEYS if other.path != "study" or key.path != "study") + 1
        assert found is not None
        assert any(text.startswith(f"sweep.yaml:{line}: {key.path}: missing; expected ") for text in found)
    elif key.path in NEEDED:
        assert found is not None
        assert any("not a parameter defined above" in text or "no parameter of this space" in text for text in found)
    elif key.path == "space.batch_size.step":
        assert found is not None
        assert any(UNDIVIDED in text for text in found)
    elif key.path == "training.callbacks":
        assert found is not None
        (line,) = [other.line + 1 for other in KEYS if other.path == "training.arguments"]
        assert any("is no metric or callback of this training" in text for text in located(found, line, "training.arguments"))
    elif key.path == "search.pruner":
        assert found is not None
        assert any("pruner none takes no options, got grace" in text for text in found)
    elif key.path == "search.metric":
        assert found is not None
        assert any("search.direction: of val_accuracy larger values are better" in text for text in found)
    elif key.path.startswith("space.") and key.name in ("float", "int", "choice", "ordinal"):
        parent = next(other.line for other in KEYS if other.path == key.path.rpartition(".")[0]) + 1
        assert found is not None
        assert any(
            "expected a mapping with one of float, int, choice, ordinal" in text
            for text in located(found, parent, key.path.rpartition(".")[0])
        )
    else:
        assert found is None
        sweep = load_sweep_file(tmp_path / "sweep.yaml")
        apart = (
            "model.options",
            "search.cost",
            "data.split.folds",
            "data.split.only_fold",
        )  # no cost stands beside a pruner, no folds beside parts
        assert sweep != full or key.path in apart, "every value of the file differs from its default"


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
@pytest.mark.parametrize("rename", [lambda name: f"{name}s", lambda name: f"{name[1]}{name[0].upper()}{name[2:]}"])
def test_a_renamed_key_is_refused_and_the_nearest_proposed(key: Key, rename: Callable[[str], str], tmp_path: Path) -> None:
    name = rename(key.name)
    path = key.path.removesuffix(key.name) + name
    found = problems(tmp_path, key.replaced(name, None))
    assert found is not None, f"{name} was read"
    here = located(found, key.line + 1, path)
    parent = key.path.removesuffix(f".{key.name}")
    if key.path.startswith("space.") and key.name in ("float", "int", "choice", "ordinal"):
        line = next(other.line for other in KEYS if other.path == parent) + 1
        assert located(found, line, parent)
        return
    assert here, found
    if len(name) > 3:
        assert "did you mean" in here[0]
        assert repr(key.name) in here[0] or repr(key.path.removeprefix("space.")) in here[0]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_a_retyped_key_is_refused_with_what_was_expected(key: Key, tmp_path: Path) -> None:
    for kind, value in WRONG.items():
        found = problems(tmp_path, key.replaced(key.name, value))
        if found is None:
            assert key.path in TAKES[kind], f"{key.path}: {value} was accepted"
            continue
        here = located(found, key.line + 1, key.path)
        if key.path == "space.batch_size.step" and kind == "null":  # as if it were not there
            assert any(UNDIVIDED in text for text in found)
            continue
        if key.path == "space.frozen_layers.ordinal" and kind in ("list", "mapping"):  # a label is gone that a condition below names
            here = located(
                found, next(other.line for other in KEYS if other.path == "space.bn_momentum.when") + 1, "space.bn_momentum.when"
            )
        assert here, f"{key.path}: {value} is refused elsewhere: {found}"
        assert any(word in here[0] for word in ("expected ", "unknown key", "not a parameter", "bare number", "known: ", "lists all")), (
            here[0]
        )
