"""Section 1, the answer: what to take as large chips, what that is worth, what it costs, and what to copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports import wording
from reports.commands import export_command, own_sweep, set_options, settings_yaml
from reports.naming import setting_words
from reports.page.cost_view import seconds_text
from reports.page.drawing import scale_over
from reports.page.ranking_view import TRIAL_WORDS, curve_of
from reports.verdict.answer import guess_warning, odds_sentence

if TYPE_CHECKING:
    from reports.page.drawing import Sparkline
    from reports.ranking import RankedConfiguration
    from reports.verdict import ReportData
    from reports.verdict.mistakes import FileMistakes

MOST_CHIPS, MOST_TIED = 8, 6
CURVE_SIZE = (560, 160)


@dataclass(frozen=True)
class Chip:
    """A setting: in short words, and as the sweep file has it."""

    words: str
    exact: str


@dataclass(frozen=True)
class Fact:
    """A figure with its label, and where it leads."""

    label: str
    value: str
    note: str = ""
    href: str = ""


@dataclass(frozen=True)
class Copied:
    """Something to copy; `label` is its button."""

    key: str
    label: str
    text: str


@dataclass(frozen=True)
class AnswerView:
    """What the template shows.

    Attributes:
        warning: what must be known before anything else, or empty.
        row: the configuration to take, or the first where none can be; None without a ranking.
        figure: what a new training is expected to reach, with its metric.
        chips: its settings; `more_chips` are left out.
        sentences: how far that may be off, and how probably it is the best.
        tied: others that may be as good; `more_tied` are left out.
        facts: costs, test score, what guessing reaches, where it errs.
        copied: settings and commands to copy.
        headline: instead of all this, where there is no ranking.
        lead: what stands below such a headline.
        progress: share of the configurations that are over, in percent; None where nothing is under way.
        progress_text: the same in words, with the time that is left.
        error: the most frequent error, whole, where every training failed.
        curve: the curve itself where it is all there is to see.
    """

    warning: str = ""
    row: RankedConfiguration | None = None
    figure: str = ""
    chips: tuple[Chip, ...] = ()
    more_chips: int = 0
    sentences: tuple[str, ...] = ()
    tied: tuple[RankedConfiguration, ...] = ()
    more_tied: int = 0
    facts: tuple[Fact, ...] = ()
    copied: tuple[Copied, ...] = ()
    headline: str = ""
    lead: str = ""
    progress: float | None = None
    progress_text: str = ""
    error: str = ""
    curve: Sparkline | None = None


def answer_view(data: ReportData) -> AnswerView:
    """Everything of the first section, as text."""
    answer = data.answer
    progress, progress_text = _progress(data)
    if answer.configuration is None:
        return AnswerView(
            headline=data.verdict.headline,
            lead=_lead(data),
            facts=_counts(data),
            progress=progress,
            progress_text=progress_text,
            error=_error(data) if answer.state == "failed" else "",
        )
    row = data.configuration(answer.configuration)
    usable = answer.state == "take"
    chips = tuple(_chips(data, row))
    tied = tuple(each for each in data.ranked if each.configuration in data.tied and each is not row)
    metric = data.study.metric
    return AnswerView(
        warning=guess_warning(answer.guess, metric, above=answer.above_guess),
        row=row,
        figure=f"{wording.score(row.reaches if data.study.kind == 'study' else row.stable, metric)}",
        chips=chips[:MOST_CHIPS],
        more_chips=max(0, len(chips) - MOST_CHIPS),
        sentences=tuple(_sentences(data, row)),
        tied=tied[:MOST_TIED],
        more_tied=max(0, len(tied) - MOST_TIED),
        facts=tuple(_facts(data, row)),
        copied=tuple(_copied(data, row)) if usable else (),
        headline=data.verdict.headline,
        progress=progress,
        progress_text=progress_text,
        curve=_only_curve(data, row) if len(data.ranked) == 1 else None,
    )


def _only_curve(data: ReportData, row: RankedConfiguration) -> Sparkline | None:
    values = (float(value) for trial in row.trials for value in trial.curves.get(data.study.metric, ()))
    return curve_of(data, row, scale_over(values, margin=0.03), CURVE_SIZE)


def _lead(data: ReportData) -> str:
    """What to expect of a study without a ranking."""
    if data.answer.state == "failed":
        failures = data.progress.failures
        number = len(failures[0].trials) if failures else 0
        most = f"most often ({number:,}) with the error below." if len(failures) > 1 else "with the error below."
        return f"All {wording.count(sum(data.progress.states.values()), 'training')} failed, {most}"
    return "" if data.answer.sentence.startswith(data.verdict.headline) else data.answer.sentence


def _error(data: ReportData) -> str:
    failures = data.progress.failures
    return (failures[0].traceback or failures[0].reason) if failures else ""


def _chips(data: ReportData, row: RankedConfiguration) -> list[Chip]:
    logarithmic = {parameter.name for parameter in data.parameters if parameter.log}
    order = [*(parameter.name for parameter in data.parameters if parameter.name in row.params)]
    order += [name for name in row.params if name not in order]
    return [
        Chip(
            setting_words(name, row.params[name], log=name in logarithmic, digits=2),
            f"{name}: {wording.parameter(row.params[name])}",
        )
        for name in order
    ]


def _sentences(data: ReportData, row: RankedConfiguration) -> list[str]:
    metric, compared = data.study.metric, len(data.ranking.contenders)
    sentences = []
    if row.stable_interval is not None:
        sentences.append(f"Expect {wording.interval(row.stable_interval, metric)} if you train it again.")
    elif data.study.kind == "study":
        sentences.append("How far a new training may be off is not known before a second seed.")
    if odds := odds_sentence(row, compared):
        sentences.append(odds)
    elif compared == 1 and data.study.kind == "study":
        sentences.append("The only finished configuration.")
    return sentences


def _facts(data: ReportData, row: RankedConfiguration) -> list[Fact]:
    answer, metric = data.answer, data.study.metric
    facts = []
    if row.test is not None:
        facts.append(Fact("its file, on test images", wording.score(row.test, "accuracy")))
    elif row.exported is not None:
        facts.append(Fact("its file, on validation", wording.score(row.exported, "accuracy"), "chosen by it"))
    if answer.guess is not None:
        label = f"always saying “{answer.guess.label}”" if answer.guess.label else "guessing"
        facts.append(Fact(label, wording.score(answer.guess.share, metric), "" if answer.guess.label else "of equal classes"))
    if (seconds := answer.costs.seconds_per_epoch) is not None:
        facts.append(Fact("an epoch takes", seconds_text(seconds)))
    if (parameters := answer.costs.parameters) is not None:
        facts.append(Fact("parameters", wording.magnitude(parameters)))
    if (memory := answer.costs.memory_mb) is not None:
        facts.append(Fact("peak memory", wording.memory(memory)))
    if data.mistakes is not None and data.mistakes.file is not None:
        facts += _worst_class(data.mistakes.file)
    return facts


def _worst_class(file: FileMistakes) -> list[Fact]:
    """The class that the file gets right least often, and what it takes it for."""
    worst = min(file.classes, key=lambda each: (each.right / each.images, -each.images))
    if worst.right == worst.images:
        return []
    taken = worst.taken_for[0][0] if worst.taken_for else ""
    share = wording.score(worst.right / worst.images, "accuracy")
    return [Fact(f"errs most on “{worst.name}”", share, f"takes it for “{taken}”" if taken else "", "#mistakes")]


def _counts(data: ReportData) -> tuple[Fact, ...]:
    states = data.progress.states
    return tuple(Fact(word, f"{states[state]:,}") for state, word in TRIAL_WORDS.items() if states.get(state))


def _progress(data: ReportData) -> tuple[float | None, str]:
    """How far a search is that is not over."""
    states, target = data.progress.states, data.study.target_trials
    live = states.get("RUNNING", 0) + states.get("WAITING", 0)
    if not live or data.study.kind != "study":
        return None, ""
    over = len(
        {trial.configuration for trial in data.study.trials if trial.role == "search" and trial.state in {"COMPLETE", "PRUNED", "FAIL"}}
    )
    words = [f"{over:,} of {wording.count(target, 'configuration')} over" if target else f"{wording.count(over, 'configuration')} over"]
    words.append(f"{live:,} under way")
    if (left := data.answer.seconds_left) is not None:
        words.append(f"about {wording.duration(left)} left for the search")
    return (100 * min(1.0, over / target) if target else None), ", ".join(words)


def _copied(data: ReportData, row: RankedConfiguration) -> list[Copied]:
    """Settings as YAML and as options, and the command that writes the model."""
    study = data.study
    if not own_sweep(study):
        return []
    texts = (
        ("yaml", "YAML", settings_yaml(study, row.params)),
        ("set", "--set options", set_options(study, row.params)),
        ("export", "export command", export_command(study, row)),
    )
    return [Copied(*each) for each in texts if each[2]]
