"""Whether a new study may begin with the trials of an old one: ``run SWEEP.yaml --from STUDY``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.sweep_file.comparison import FREE, FREE_SETTINGS, Difference, flat_settings, why_not
from sweeps.sweep_file.searchable import SECTIONS, setting_path
from trainer.config import searchable_settings

if TYPE_CHECKING:
    from search_spaces import SearchSpace
    from sweeps.sweep_file.settings import SweepFile


def history_obstacles(old: SweepFile, new: SweepFile) -> tuple[Difference, ...]:
    """Differences for which no trial of `old` says anything about the study of `new`; none where it may begin with them.

    Another space, sampler, pruner or seed, more epochs, and everything that a study may continue with are no obstacles. A setting that either space varies
    is none either: each trial is looked at by itself. The data's fingerprint is for the caller to compare.

    Args:
        old: the file of the study whose trials would be imported.
        new: the file of the new study.
    """
    before, after = flat_settings(old), flat_settings(new)
    varied = _varied(old.space) | _varied(new.space)
    found = []
    for path in dict.fromkeys((*before, *after)):
        section, name = str(path[0]), ".".join(map(str, path))
        if before.get(path) == after.get(path) or section in FREE or name in FREE_SETTINGS or section == "study" or path[:2] in varied:
            continue
        if section == "search" and name != "search.metric":
            continue
        if name == "training.epochs":
            if after[path] > before[path]:
                continue
            reason = "its trials are longer trainings than the new study's; they say nothing about shorter ones"
        else:
            reason = why_not(name)
        found.append(Difference(name, before.get(path), after.get(path), allowed=False, reason=reason))
    return tuple(found)


def _varied(space: SearchSpace) -> frozenset[tuple[str, ...]]:
    """Section and field of every setting that a space varies."""
    paths = (setting_path(name) for name in space.parameters)
    return frozenset(path for path in paths if path is not None and path[1] in searchable_settings(SECTIONS[path[0]]))
