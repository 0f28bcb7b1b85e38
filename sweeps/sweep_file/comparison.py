"""What two sweep files mean for a study: whether it may go on under the changed one, and whether a new study may begin with its trials (``run --from``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from search_spaces.narrowing import is_narrowing
from search_spaces.space import space_fingerprint, space_to_mapping
from sweeps.sweep_file.searchable import SECTIONS, setting_path
from trainer.config.settings import searchable_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from search_spaces.errors import KeyPath
    from search_spaces.space import SearchSpace
    from sweeps.sweep_file.settings import SweepFile


FREE = ("storage", "storage_path", "allow", "resources", "runtime", "budget", "confirm", "report", "notify", "tracking")
FREE_SETTINGS = (
    "data.source",
    "data.cache_path",
    "data.cache_memory_gb",
    "training.frozen_features",
    "training.callbacks",
    "training.accumulate",
)
"""What a study may go on with in another way: where things lie, how the frozen part is computed and who looks on, which change no result."""
_WHY = {
    "study": "it is another study",
    "data": "the data is part of what the study is; trials on other data cannot be compared",
    "model": "the model is part of what the study is; trials of another model cannot be compared",
    "training": "its trials would be trained in another way and could not be compared",
    "search": "proposals would no longer follow from what the study records",
    "search.limits": "networks were refused, or trained, by the other limits",
    "search.cost": "proposals were made for another aim",
    "search.direction": "trials were judged and pruned the other way round",
    "training.metrics": "earlier trials have no such curves; a new study with --from imports them as history",
    "search.metric": "trials were judged and pruned by another metric",
    "training.epochs": "finished trials have the old number of epochs; a new study with --from imports them as history",
    "search.trials": "it can only be raised; to stop earlier, interrupt the run or give it a time budget",
}


@dataclass(frozen=True)
class Difference:
    """One setting that differs.

    Attributes:
        path: e.g. ``training.epochs``, or ``space``.
        old: plain data of the study's file.
        new: plain data of the new file.
        allowed: whether the study may go on with it.
        reason: why not, or what to look at; empty where nothing needs saying.
    """

    path: str
    old: Any
    new: Any
    allowed: bool
    reason: str = ""

    def __str__(self) -> str:
        change = f"{self.path}: {self.old!r} -> {self.new!r}" if self.path != "space" else "space"
        return f"{change} ({self.reason})" if self.reason else change


@dataclass(frozen=True)
class Comparison:
    """What two sweep files of one study have in common.

    Attributes:
        verdict: ``same``; ``continues`` when all differences are allowed; ``refused`` otherwise.
        differences: in the order of the file.
    """

    verdict: Literal["same", "continues", "refused"]
    differences: tuple[Difference, ...] = ()

    @property
    def refused(self) -> tuple[Difference, ...]:
        """The differences that forbid going on."""
        return tuple(difference for difference in self.differences if not difference.allowed)

    @property
    def relocated(self) -> bool:
        """Whether the data's source has moved: its fingerprint must be that of the study."""
        return any(difference.path == "data.source" for difference in self.differences)


def compare(old: SweepFile, new: SweepFile) -> Comparison:
    """Compare the file that a study records with the one it is to go on with.

    Only resources, runtime, budget, report, confirmation, accepted findings, more trials, a narrowed space, another place of storage or of checkpoints, and a
    relocated data source (its fingerprint is for the caller to compare) are allowed.
    """
    before, after = _flat_settings(old), _flat_settings(new)
    differences = [
        _difference(".".join(map(str, path)), before.get(path), after.get(path))
        for path in dict.fromkeys((*before, *after))
        if before.get(path) != after.get(path)
    ]
    differences += _space_differences(old, new)
    if not differences:
        return Comparison("same")
    return Comparison("continues" if all(difference.allowed for difference in differences) else "refused", tuple(differences))


def _difference(path: str, old: Any, new: Any) -> Difference:  # noqa: ANN401 - plain data
    if path == "data.source":
        return Difference(path, old, new, allowed=True, reason="the data there must have the study's fingerprint")
    free = path.split(".", maxsplit=1)[0] in FREE or path in FREE_SETTINGS or (path == "search.trials" and new > old)
    return Difference(path, old, new, allowed=free, reason="" if free else _why_not(path))


def _why_not(path: str) -> str:
    """Why the setting at `path` is part of what a study is; empty where nothing needs saying."""
    section = path.split(".", maxsplit=1)[0]
    return _WHY.get(path, _WHY.get(path.rpartition(".")[0], _WHY.get(section, "")))


def _flat_settings(sweep: SweepFile) -> dict[KeyPath, Any]:
    """Every setting of a sweep but its space, by path; ``confirm`` as a whole, since its keys exclude each other."""
    return {**_flat(sweep.model_dump(mode="json", exclude={"space", "confirm"})), ("confirm",): sweep.confirm.text}


def _space_differences(old: SweepFile, new: SweepFile) -> list[Difference]:
    before, after = space_to_mapping(old.space), space_to_mapping(new.space)
    if space_fingerprint(old.space) == space_fingerprint(new.space):
        return []
    narrowing = is_narrowing(old.space, new.space)
    return [Difference("space", before, after, allowed=bool(narrowing), reason="; ".join(narrowing.reasons) or "narrowed")]


def _flat(data: Mapping[str, Any], prefix: KeyPath = ()) -> dict[KeyPath, Any]:
    """Leaves of nested mappings by path; an empty mapping is a leaf."""
    flat: dict[KeyPath, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict) and value:
            flat |= _flat(value, (*prefix, key))
        else:
            flat[*prefix, key] = value
    return flat


def history_obstacles(old: SweepFile, new: SweepFile) -> tuple[Difference, ...]:
    """Differences for which no trial of `old` says anything about the study of `new`; none where it may begin with them.

    Another space, sampler, pruner or seed, more epochs, and everything that a study may continue with are no obstacles. A setting that either space varies
    is none either: each trial is looked at by itself. The data's fingerprint is for the caller to compare.
    """
    before, after = _flat_settings(old), _flat_settings(new)
    varied = _varied(old.space) | _varied(new.space)
    found = []
    for path in dict.fromkeys((*before, *after)):
        section, name = str(path[0]), ".".join(map(str, path))
        if before.get(path) == after.get(path) or section in FREE or name in FREE_SETTINGS or section == "study" or path[:2] in varied:
            continue
        if (section == "search" and name not in ("search.metric", "search.direction")) or name == "training.metrics":
            continue
        if name == "training.epochs":
            if after[path] > before[path]:
                continue
            reason = "its trials are longer trainings than the new study's; they say nothing about shorter ones"
        else:
            reason = _why_not(name)
        found.append(Difference(name, before.get(path), after.get(path), allowed=False, reason=reason))
    return tuple(found)


def _varied(space: SearchSpace) -> frozenset[tuple[str, ...]]:
    """Section and field of every setting that a space varies."""
    paths = (setting_path(name) for name in space.parameters)
    return frozenset(path for path in paths if path is not None and path[1] in searchable_settings(SECTIONS[path[0]]))
