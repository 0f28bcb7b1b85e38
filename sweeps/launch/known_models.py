"""Answers about models that were built before, on this machine: a run that is started again, after a kill or with more trials, need not build them once more.

Building a model to look at it takes TensorFlow's import and seconds of its own, before anything else of a run begins. The answer depends on the question, the code
that answers, the installed versions and the files of weights; while they are the same, it is read from ``$XDG_CACHE_HOME/steadysweep/models``. Where a person's own
code is asked about, or something is measured, it is asked each time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.user_code import is_reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PACKAGES = ("keras", "tensorflow", "numpy")
ROOT = Path(__file__).resolve().parents[2]
CODE = ("trainer", "sweeps/launch")
"""Folders whose code answers."""
PARTS = frozenset({"facts", "boundaries", "rehearsal", "frozen", "networks", "memory", "errors"})
"""Of an answer."""
MOST_KEPT = 200


def known_answer(question: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was answered to this question before; None where it has to be asked."""
    place = _place(question)
    if place is None:
        return None
    try:
        answer = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return answer if isinstance(answer, dict) and answer.keys() >= PARTS else None


def keep_answer(question: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """Keep an answer for the next time; of many the oldest are removed. A folder that cannot be written keeps none."""
    place = _place(question)
    if place is None or answer["errors"]:
        return
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(answer), encoding="utf-8")
        partial.replace(place)
        for old in sorted(place.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)[:-MOST_KEPT]:
            old.unlink(missing_ok=True)


def _place(question: Mapping[str, Any]) -> Path | None:
    """The file of a question's answer; None where a person's own code, or something that is measured, is part of it."""
    texts = list(_texts(question))
    if question.get("rehearse") or question.get("networks") or any(is_reference(text) for text in texts):
        return None
    depends = [json.dumps(question, sort_keys=True), *map(_version, PACKAGES)]
    depends += [_stamp(path) for folder in CODE for path in sorted((ROOT / folder).rglob("*.py"))]
    depends += [_stamp(Path(text).expanduser()) for text in texts if text.endswith((".h5", ".keras"))]
    with contextlib.suppress(OSError):
        depends += [_stamp(path) for path in sorted((Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models").iterdir())]
    base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return base / "steadysweep" / "models" / f"{hashlib.sha256(json.dumps(depends).encode()).hexdigest()[:32]}.json"


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - plain data
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from (*_texts(key), *_texts(each))
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _stamp(path: Path) -> str:
    """A file as far as its place, size and time tell."""
    try:
        found = path.stat()
    except OSError:
        return f"{path} is gone"
    return f"{path} {found.st_size} {found.st_mtime_ns}"


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} is missing"
