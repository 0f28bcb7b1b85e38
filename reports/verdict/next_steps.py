"""What to do next with a study: at most three steps, each with a command that the program accepts and with what it costs."""

from __future__ import annotations

import math
import shlex
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from reports import wording
from reports.commands import export_command, new_study_command, own_sweep, study_command, yaml_value
from reports.metrics import counts_images
from reports.ranking.race import FARTHEST
from reports.records import StudySettings
from reports.verdict.power import IMAGE_VARIANCE, SEED_VARIANCE, training_sd
from reports.verdict.sentences import training_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reports.ranking import RankedConfiguration, Ranking
    from reports.records import ParameterRecord, StudyRecord, TrialRecord
    from reports.verdict.importance import StudyImportance
    from reports.verdict.sentences import Verdict

StepKind = Literal["resume", "take", "confirm", "finish", "longer", "widen", "narrow", "images"]
MOST_STEPS = 3
AFFORDABLE = 12
"""Fresh trainings that are proposed at once; where knowing takes more, the step says so and goes as far as this."""
SMALL_STEP = 6
THIRD = 3
"""A pruned training is worth finishing when it was among the first so many where it was stopped ..."""
FEWEST_BESIDE = 6
""" ... of at least so many that came as far."""
RECENT = 3
"""Epochs whose median is compared there."""
EDGE = 0.25
"""Share of a range, at either end, in which the best values lie *at its end*."""
NARROW = 0.5
"""Share of a range that the better half may span at most for the rest to be left out."""
FEWEST_VALUES = 3
LONGER = 2


@dataclass(frozen=True)
class NextStep:
    """One thing to do.

    Attributes:
        kind: what it is.
        title: in the imperative.
        why: the evidence, one or two sentences.
        command: to type.
        price: trainings and time, or what it takes otherwise.
    """

    kind: StepKind
    title: str
    why: str
    command: str
    price: str


def next_steps(study: StudyRecord, ranking: Ranking, verdict: Verdict, importance: Sequence[StudyImportance]) -> tuple[NextStep, ...]:
    """The steps that the evidence speaks for, the most useful first; none for logs and for sweeps of other tools, which have no commands here."""
    if not own_sweep(study):
        return ()
    steps = _Steps(study, ranking, verdict, importance)
    return tuple(steps.all())[:MOST_STEPS]


class _Steps:
    """Builds the steps of one study."""

    def __init__(self, study: StudyRecord, ranking: Ranking, verdict: Verdict, importance: Sequence[StudyImportance]) -> None:
        self._study = study
        self._ranking = ranking
        self._verdict = verdict
        self._importance = importance
        self._settings = StudySettings(study)
        self._seconds = training_seconds(study)
        self._epochs = max((trial.planned_epochs for trial in study.trials), default=0)
        self._take = next((row for row in ranking.finished if row.configuration == ranking.recommended), None)

    def all(self) -> Iterator[NextStep]:
        unfinished = [trial for trial in self._study.trials if trial.state in {"RUNNING", "WAITING"}]
        if unfinished:
            if all(trial.attempts and trial.attempts[-1].cause is not None for trial in unfinished if trial.state == "RUNNING"):
                yield self._resume(len(unfinished))
            return
        if self._take is None:
            return
        yield from self._confirm()
        yield from self._finish()
        yield from self._longer()
        yield from self._space()
        yield from self._images()

    def _resume(self, number: int) -> NextStep:
        return NextStep(
            "resume",
            "Go on where it stopped",
            f"{wording.count(number, 'training is', 'trainings are')} not over, and no worker has {'it' if number == 1 else 'them'}.",
            study_command(self._study, "resume"),
            "nothing finished is trained again",
        )

    def _confirm(self) -> Iterator[NextStep]:
        """More fresh trainings while the best is not known; the model itself once it is."""
        take, number = self._take, self._verdict.more_trainings
        if take is None:
            return
        if number == 0:
            if take.exported_by is not None and take.probability_near is not None:
                yield NextStep(
                    "take",
                    f"Take the model of {take.short}",
                    f"It is within half a point of the best with {wording.probability(take.probability_near)}: more trainings would tell little.",
                    export_command(self._study, take),
                    "no training needed",
                )
            return
        others = len(self._verdict.leaders) - 1
        alike = f"{wording.count(others, 'other')} may be as good" if others else f"{take.short} has too few trainings to be sure"
        if number is not None and number <= AFFORDABLE:
            trainings = number
            why = f"After about {wording.count(number, 'fresh training')} the best, or one within half a point of it, is known with 95{wording.PERCENT}."
        else:
            trainings = SMALL_STEP
            far = f"about {number}" if number is not None else f"more than {FARTHEST}"
            why = f"Knowing the best with 95{wording.PERCENT} would take {far} fresh trainings; {SMALL_STEP} make the choice surer, each where it helps most."
        command = study_command(self._study, "confirm", f"--trainings {trainings}")
        yield NextStep("confirm", "Train the leaders again", f"{alike}. {why}", command, self._price(trainings))

    def _finish(self) -> Iterator[NextStep]:
        """The pruned training that stood best where it was stopped."""
        found = pruned_among_first(self._study)
        row = next((row for row in self._ranking.configurations if found and row.configuration == found.trial.configuration), None)
        if found is None or row is None:
            return
        ordinal = ("first", "second", "third")[found.place - 1]
        why = (
            f"It was {ordinal} of the {found.beside} that came to epoch {found.epoch} when it was pruned there, at "
            f"{wording.score(found.value, self._study.metric)}. Pruning looks at few epochs and may be wrong."
        )
        command = study_command(self._study, "confirm", f"--configuration {row.short}", "--trainings 1")
        yield NextStep("finish", f"Train {row.short} to the end", f"{_named(row)}{why}", command, self._price(1))

    def _longer(self) -> Iterator[NextStep]:
        """More epochs, where the leaders still improve at the last one."""
        leaders = [row for row in self._ranking.finished if row.configuration in self._verdict.leaders]
        rising = [row.short for row in leaders if any(flag.name == "unfinished" for flag in row.flags)]
        if not rising or 2 * len(rising) < len(leaders):
            return
        trials = self._half_of_the_search()
        command = new_study_command(
            self._study, f"{self._study.name}-long", f"training.epochs={LONGER * self._epochs}", f"search.trials={trials}"
        )
        verb = "is" if len(rising) == 1 else "are"
        why = f"{wording.listing(rising)} {verb} still improving at the last epoch. The new study begins with what this one knows."
        yield NextStep("longer", f"Train for {LONGER * self._epochs} epochs", why, command, self._price(trials, each=LONGER))

    def _space(self) -> Iterator[NextStep]:
        """A wider range where the best values lie at its end, a narrower one where the better half lies together; only where chance does not explain it."""
        held = next((item for item in self._importance if item.target == "stable"), None)
        names = [] if held is None else [each.parameter for each in held.standing_out]
        for name in names:
            parameter = next((each for each in self._study.parameters if each.name == name), None)
            step = None if parameter is None or parameter.labelled else self._range(parameter)
            if step is not None:
                yield step
                return

    def _range(self, parameter: ParameterRecord) -> NextStep | None:
        entry = self._settings.section("space").get(parameter.name)
        known = [row for row in self._ranking.finished if not row.unusable and parameter.name in row.params]
        values = [float(value) for row in known if isinstance(value := row.params[parameter.name], int | float)]
        if (
            not isinstance(entry, dict)
            or parameter.kind not in entry
            or parameter.low is None
            or parameter.high is None
            or len(values) < 2 * FEWEST_VALUES
        ):
            return None
        axis = _Axis(parameter.low, parameter.high, log=parameter.log)
        better = values[: max(FEWEST_VALUES, len(values) // 2)]
        best = better[: max(FEWEST_VALUES, len(values) // 4)]
        places = [axis.place(value) for value in best]
        word, ends = wording.words(parameter.name.rpartition(".")[2]), f"{wording.parameter(axis.low)} to {wording.parameter(axis.high)}"
        goes = f"{parameter.name} goes with what is held more than chance explains"
        if max(places) < EDGE or min(places) > 1.0 - EDGE:
            high = min(places) > 1.0 - EDGE
            wide = _entry_text(entry, parameter.kind, *axis.wider(high=high))
            trials = self._half_of_the_search()
            command = new_study_command(
                self._study, f"{self._study.name}-wide", f"space.{parameter.name}={wide}", f"search.trials={trials}"
            )
            why = f"{goes}, and the best {len(best)} finished configurations lie at its {'upper' if high else 'lower'} end (between {_span(best)}, of {ends})."
            return NextStep("widen", f"Search a wider {word}", why, command, self._price(trials))
        if axis.place(max(better)) - axis.place(min(better)) >= NARROW:
            return None
        narrow = _entry_text(entry, parameter.kind, *axis.around(better))
        command = study_command(
            self._study, "resume", f"--trials +{2 * SMALL_STEP}", f"--set {shlex.quote(f'space.{parameter.name}={narrow}')}"
        )
        why = f"{goes}: the better {len(better)} finished configurations lie between {_span(better)}, of {ends}."
        return NextStep("narrow", f"Search a narrower {word}", why, command, self._price(2 * SMALL_STEP))

    def _images(self) -> Iterator[NextStep]:
        """Other validation images for the fresh trainings, where these are what limits."""
        images = self._study.num_val
        several = self._ranking.recommended is not None and len(self._ranking.contenders) > 1
        if not images or not several or not counts_images(self._study.metric) or IMAGE_VARIANCE / images <= SEED_VARIANCE:
            return
        if self._split_is_fixed():
            return
        now, more = training_sd(images), training_sd(4 * images)
        why = (
            f"With {wording.count(images, 'validation image')} two trainings of one configuration differ by about {wording.points(now)}, most of which the images make; "
            f"with {4 * images:,} it would be {wording.points(more, unit=False)}. Where you have no more, fresh trainings can each draw other ones."
        )
        confirm = f"{{budget: {SMALL_STEP}, resplit: true}}"
        command = study_command(self._study, "resume", f"--set {shlex.quote(f'confirm={confirm}')}")
        yield NextStep("images", "Validate on more images", why, command, self._price(SMALL_STEP))

    def _split_is_fixed(self) -> bool:
        """Whether no other validation images can be drawn: the source gives its parts, there is no validation part, or folds validate on all images."""
        split = self._settings.section("data").get("split")
        return (
            not isinstance(split, dict)
            or split.get("folds") is not None
            or split.get("validation") in (None, "train")
            or not isinstance(split.get("validation"), int | float)
        )

    def _half_of_the_search(self) -> int:
        """Trials of a new study that begins with what this one knows."""
        return max(SMALL_STEP, (self._study.target_trials or 2 * SMALL_STEP) // 2)

    def _price(self, trainings: int, each: int = 1) -> str:
        what = wording.count(trainings, "training")
        return what if self._seconds is None else f"{what}, about {wording.duration(trainings * each * self._seconds)} of training"


@dataclass(frozen=True)
class PrunedAmongFirst:
    """A pruned training that was among the first where it was stopped.

    Attributes:
        trial: it.
        epoch: where it was stopped.
        place: its place there, counted from 1.
        beside: trainings of the search that came as far, itself included.
        value: median of its last epochs there.
    """

    trial: TrialRecord
    epoch: int
    place: int
    beside: int
    value: float


def pruned_among_first(study: StudyRecord) -> PrunedAmongFirst | None:
    """The pruned training of a search that stood best where it was stopped, of those whose configuration was never trained to the end.

    Compared is the median of the three epochs up to there, of every training of the search that came as far.
    """
    complete = {trial.configuration for trial in study.trials if trial.state == "COMPLETE"}
    cut = [trial for trial in study.trials if trial.role == "search" and trial.state == "PRUNED" and trial.configuration not in complete]
    stopped: dict[int, list[TrialRecord]] = defaultdict(list)
    for trial in cut:
        stopped[trial.num_epochs].append(trial)
    stopped.pop(0, None)
    if not stopped:
        return None
    search = [trial for trial in study.trials if trial.role == "search" and trial.num_epochs]
    longest = max(trial.num_epochs for trial in search)
    values = np.full((len(search), longest), np.nan)
    for place, trial in enumerate(search):
        curve = np.asarray(trial.curves.get(study.metric, ()), dtype=np.float64)
        values[place, : len(curve)] = np.where(np.isfinite(curve), curve, np.nan)
    values *= 1.0 if study.maximize else -1.0
    places = {trial.number: place for place, trial in enumerate(search)}
    found: list[PrunedAmongFirst] = []
    for epoch, trials in stopped.items():
        there = np.isfinite(values[:, epoch - 1])
        if there.sum() < FEWEST_BESIDE:
            continue
        level = np.full(len(search), -np.inf)
        level[there] = np.nanmedian(values[there, max(0, epoch - RECENT) : epoch], axis=1)
        rising = np.sort(level)
        for trial in trials:
            own = float(level[places[trial.number]])
            place = 1 + len(rising) - int(np.searchsorted(rising, own, side="right"))
            if math.isfinite(own) and place <= THIRD:
                found.append(PrunedAmongFirst(trial, epoch, place, int(there.sum()), own if study.maximize else -own))
    return min(found, key=lambda each: (each.place, -each.epoch, each.trial.number), default=None)


def _named(row: RankedConfiguration) -> str:
    return f"{row.name}. " if row.name else ""


@dataclass(frozen=True)
class _Axis:
    """A parameter's range."""

    low: float
    high: float
    log: bool

    def place(self, value: float) -> float:
        """Where a value lies, 0 at the lower end and 1 at the upper one."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def value(self, place: float) -> float:
        """What lies at a place, which may be beyond an end."""
        return self.low * (self.high / self.low) ** place if self.log else self.low + place * (self.high - self.low)

    def wider(self, *, high: bool) -> tuple[float, float]:
        """The range and half of it more at one end; what was never negative stays so."""
        if high:
            return self.low, self.value(1.5)
        return (max(0.0, self.value(-0.5)) if self.low >= 0 else self.value(-0.5)), self.high

    def around(self, values: Sequence[float]) -> tuple[float, float]:
        """The values' own range and a tenth of the whole at either end, within the whole."""
        low, high = self.place(min(values)) - 0.1, self.place(max(values)) + 0.1
        return self.value(max(0.0, low)), self.value(min(1.0, high))


def _entry_text(entry: Mapping[str, object], kind: str, low: float, high: float) -> str:
    """A parameter's entry of the sweep file with other ends, on its grid where it has steps, as YAML on one line."""
    old = entry[kind]
    step = entry.get("step")
    if isinstance(step, int | float) and isinstance(old, list | tuple):
        first = float(old[0])
        ends = [first + round((end - first) / step) * step for end in (low, high)]
        ends = [round(end, 10) for end in ends]
    else:
        ends = [float(f"{end:.3g}") for end in (low, high)]
    numbers = [int(end) for end in (math.floor(ends[0]), math.ceil(ends[1]))] if kind == "int" else ends
    texts = {**{key: yaml_value(value) for key, value in entry.items()}, kind: f"[{', '.join(map(yaml_value, numbers))}]"}
    return f"{{{', '.join(f'{key}: {text}' for key, text in texts.items())}}}"


def _span(values: Sequence[float]) -> str:
    return f"{wording.parameter(min(values))} and {wording.parameter(max(values))}"
