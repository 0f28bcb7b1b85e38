"""Sentences about associations and counts; an association is never worded as a cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.causes.association import Association, FlagCount


def association_sentence(found: Association) -> str:
    """The finding in words: where the flag falls, from what to what, on how many trials, and whether it was tested alone."""
    noun = found.flag.replace("_", " ")
    if found.flag == "oscillating":
        change = f"oscillation falls from {found.worse_mean:.3f} to {found.better_mean:.3f}"
    else:
        change = f"{noun} falls from {found.worse_mean:.0%} to {found.better_mean:.0%} of trials"
    if found.threshold is None:
        where = f"away from {found.parameter} = {found.worse}"
    else:
        limit = found.threshold if isinstance(found.threshold, str) else f"{found.threshold:.3g}"
        side = "below" if found.worse == "above" else "from" if isinstance(found.threshold, str) else "above"
        where = f"{side} {found.parameter} {limit}"
    if found.tested:
        standing = f"tested: {found.matched} groups of configurations differ in {found.parameter} alone and all agree"
    elif found.matched:
        standing = f"association; of {found.matched} groups that differ in {found.parameter} alone {found.consistent} agree"
    else:
        standing = f"association, not tested: no configurations differ in {found.parameter} alone"
    return f"{change} {where}; {found.trials} trials (p = {found.p_adjusted:.2g}, {standing})"


def count_sentence(count: FlagCount) -> str:
    """How many trials carry a flag, how many would by chance, and whether anything goes with it."""
    chance = "" if count.expected_by_chance is None else f"; at most {count.expected_by_chance:.1f} expected by chance"
    support = "" if count.explained else "; no parameter of this study goes with it as far as the evidence shows"
    return f"{count.flag.replace('_', ' ')}: {count.trials} of {count.of_trials} trials{chance}{support}"
