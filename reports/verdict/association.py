"""What goes with a flag in a study, in words and as a change of the sweep file's space; an association is never called a cause."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.wording import count, points, share, words
from reports.wording import parameter as parameter_text

if TYPE_CHECKING:
    from reports.flags import FlagName
    from reports.records import ParameterRecord


@dataclass(frozen=True)
class Association:
    """One parameter that goes with one flag.

    Attributes:
        p_value: permutation p-value of the split or grouping.
        p_adjusted: Holm-adjusted over all parameters and flags of the study.
        threshold: value that parts the configurations best, for ordered parameters (text of a label for ordinals); None for choices.
        worse: where the flag is more common: ``below`` or ``above`` `threshold`, or the choice's label.
        worse_mean: mean of the flag's size there (swing amplitude for ``oscillating``, else the share of trials flagged).
        better_mean: the same elsewhere.
        configurations, trials: how many were compared.
        matched: pairs of configurations, none in two of them, that differ in this parameter alone, across the threshold and by a factor of two or a whole
            step.
        consistent: in how many of them the flag is larger on the worse side.
        p_pairs: how often the flag's size, permuted within groups that differ in this parameter alone, is as much larger there, Holm-adjusted over all that
            are tested so; None with fewer than three pairs.
        tested: whether that is below 5 %: then, and only then, it is called a cause.
        space_change: a narrower entry of the sweep file's space to paste, or empty.
    """

    parameter: str
    flag: FlagName
    p_value: float
    p_adjusted: float
    threshold: float | str | None
    worse: str
    worse_mean: float
    better_mean: float
    configurations: int
    trials: int
    matched: int
    consistent: int
    p_pairs: float | None = None
    tested: bool = False
    space_change: str = ""

    @property
    def sentence(self) -> str:
        """The finding in words: where the flag falls, from what to what, on how many trials, and whether it was tested alone."""
        if self.flag == "oscillating":
            change = f"oscillation falls from {points(self.worse_mean, unit=False)} to {points(self.better_mean)}"
        else:
            change = f"{words(self.flag)} falls from {share(self.worse_mean)} to {share(self.better_mean)} of trials"
        if self.threshold is None:
            where = f"away from {self.parameter} = {self.worse}"
        else:
            limit = self.threshold if isinstance(self.threshold, str) else f"{self.threshold:.3g}"
            side = "below" if self.worse == "above" else "from" if isinstance(self.threshold, str) else "above"
            where = f"{side} {self.parameter} {limit}"
        return f"{change} {where}; {self.trials} trials (p = {self.p_adjusted:.2g}, {self._standing})"

    @property
    def _standing(self) -> str:
        """What pairs of configurations that differ in the parameter alone say."""
        if not self.matched:
            return f"association, not tested: no configurations differ in {self.parameter} alone by enough"
        verb = "differs" if self.matched == 1 else "differ"
        pairs = f"{count(self.matched, 'pair')} of configurations {verb} in {self.parameter} alone and {self.consistent} of them agree"
        if self.p_pairs is None:
            return f"association, not tested: {pairs}, where three are needed"
        return (
            f"tested: {pairs}, p = {self.p_pairs:.2g}"
            if self.tested
            else f"association: {pairs}, which chance explains, p = {self.p_pairs:.2g}"
        )


@dataclass(frozen=True)
class FlagCount:
    """How common a flag is in a study.

    Attributes:
        trials, of_trials: how many are flagged, and how many were looked at.
        expected_by_chance: trials that would be flagged if all were steady, known for ``oscillating`` alone.
        explained: whether any parameter goes with it.
    """

    flag: FlagName
    trials: int
    of_trials: int
    expected_by_chance: float | None
    explained: bool

    @property
    def sentence(self) -> str:
        """How many trials carry the flag, how many would by chance, and whether any parameter goes with it."""
        chance = "" if self.expected_by_chance is None else f"; at most {self.expected_by_chance:.1f} expected by chance"
        support = "" if self.explained else "; no parameter of this study goes with it as far as the evidence shows"
        return f"{self.trials} of {self.of_trials} trials{chance}{support}"


@dataclass(frozen=True)
class Causes:
    """Why flags appear in a study, as far as it shows.

    Attributes:
        associations: those that survive adjustment, the surest first.
        counts: every flag that occurs.
        tests: how many parameter and flag pairs were tested (the family of the adjustment).
    """

    associations: tuple[Association, ...]
    counts: tuple[FlagCount, ...]
    tests: int


PLAIN = re.compile(r"[A-Za-z0-9_.][\w .%-]*")
YAML_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def narrower(parameter: ParameterRecord, association: Association) -> str:
    """The parameter's entry in the space without the side where the flag is more common.

    Returns:
        Lines of YAML to paste under ``space:``, or nothing where the finding leaves nothing to search.
    """
    if parameter.labelled:
        labels = _better_labels(parameter, association)
        if not labels or len(labels) == len(parameter.labels):
            return ""
        return _entry(parameter, f"{parameter.kind}: [{', '.join(map(quoted, labels))}]")
    if parameter.low is None or parameter.high is None or isinstance(association.threshold, str) or association.threshold is None:
        return ""
    low, high = (parameter.low, association.threshold) if association.worse == "above" else (association.threshold, parameter.high)
    if parameter.kind == "int":
        low, high = math.ceil(low), math.floor(high)
    if not parameter.low <= low < high <= parameter.high:
        return ""
    ends = f"{parameter.kind}: [{_yaml_number(low)}, {_yaml_number(high)}]"
    return _entry(parameter, f"{ends}, log: true" if parameter.log else ends)


def _better_labels(parameter: ParameterRecord, association: Association) -> tuple[str, ...]:
    if association.threshold is None:
        return tuple(label for label in parameter.labels if label != association.worse)
    if association.threshold not in parameter.labels:
        return ()
    cut = parameter.labels.index(str(association.threshold))
    return parameter.labels[:cut] if association.worse == "above" else parameter.labels[cut:]


def _entry(parameter: ParameterRecord, content: str) -> str:
    condition = f", when: {quoted(parameter.condition)}" if parameter.condition else ""
    return f"space:\n  {quoted(parameter.name)}: {{{content}{condition}}}\n"


def _yaml_number(value: float) -> str:
    """YAML 1.1 reads an exponent as a number only with a point before it and a sign behind it."""
    text = parameter_text(value)
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(exponent):+d}"


def quoted(text: str) -> str:
    """A YAML scalar in flow style."""
    if PLAIN.fullmatch(text) and text.lower() not in YAML_WORDS and not text.endswith(" "):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
