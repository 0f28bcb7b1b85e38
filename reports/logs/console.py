"""Console logs: Keras 1, 2, tf.keras and Keras 3, progress bars and ``verbose=2``, and training loops that print their own lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports.logs.assemble import DataSizes
from reports.logs.fit import RawEpoch, RawFit, join_single_epochs
from reports.logs.metric_lines import (
    EpochMention,
    bar_position,
    clean,
    epoch_mention,
    is_keras_line,
    keras_figures,
    own_figures,
    pieces_of_epochs,
    seconds_of,
    segments,
)
from reports.logs.metric_names import is_learning_rate, normalise
from reports.logs.sweep_lines import epoch_line, sweep_trial_line
from reports.logs.trial_lines import is_repeated_by_ray, setting_of_row, split_worker, trial_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reports.logs.sweep_lines import EpochLine, SweepTrialLine
    from reports.logs.trial_lines import TrialLine
    from reports.records import ParameterValue

_MIXED: Final = (
    "lines of several trainings are mixed in it, and nothing tells which line is whose. Give the folder with progress.csv (Ray Tune), the file of "
    "each training's CSVLogger, or a log with Ray's prefixes '(train_fn pid=11)'."
)
_REPEATED: Final = "Ray left out lines that other workers printed too; run with RAY_DEDUP_LOGS=0 to have them all."
_OUT_OF_DATA: Final = "ran out of data"


def read_console(chunks: Iterable[str], sizes: DataSizes | None = None) -> list[RawFit]:
    """Fits in a console capture, in order; empty when there are none.

    Args:
        chunks: the text in pieces of any size, so that a log need not fit into memory.
        sizes: what earlier text (cells of a notebook) said about the data; updated.
    """
    sizes = sizes if sizes is not None else DataSizes()
    parsers: dict[str, _Parser] = {}
    worker = ""
    repeated = False
    for segment in segments(chunks):
        prefix, line = split_worker(segment)
        if prefix or not (worker and is_keras_line(segment)):  # the states of a bar follow one prefix
            worker = prefix
        repeated = repeated or (bool(prefix) and is_repeated_by_ray(segment))
        parsers.setdefault(worker, _Parser(sizes)).feed(line)
    fits: dict[str, list[RawFit]] = {name: parser.finish() for name, parser in parsers.items()}
    workers = [name for name, found in fits.items() if found]
    for name in workers:
        for number, fit in enumerate(fits[name], 1):
            if len(workers) > 1:
                own = fit.label or (f"fit {number}" if len(fits[name]) > 1 else "")
                fit.label = ", ".join(part for part in (name, own) if part)
            if repeated and name:
                fit.notes.append(_REPEATED)
    return [fit for found in fits.values() for fit in found]


class _OpenEpoch:
    """The epoch being read. Candidate lines are kept as text and parsed once, when the epoch ends: most are overwritten before."""

    def __init__(self, number: int | None, planned: int | None = None, replaced: RawEpoch | None = None) -> None:
        self.number = number
        self.planned = planned
        self.replaced = replaced
        self.bar_total: int | None = None
        self.last_bar = ""
        self.last_validated_bar = ""
        self.other_validated_bars: list[str] = []
        self.last_live_line = ""
        self.own: dict[str, str] = {}
        self.seconds_stated: float | None = None

    def figures(self) -> dict[str, str]:
        """Figures of the last bar with validation figures, else of the last bar if it is complete, else of lines in someone's own format."""
        return (
            keras_figures(clean(self.last_validated_bar))
            or self._last_complete_bar()
            or {**own_figures(clean(self.last_live_line)), **self.own}
        )

    @property
    def is_mixed(self) -> bool:
        """Whether lines with different validation figures claim to end it."""
        ends = [keras_figures(clean(bar)) for bar in (*self.other_validated_bars, self.last_validated_bar)]
        return any(end != ends[0] for end in ends)

    @property
    def seconds(self) -> float | None:
        """How long it took by its last bar, or None when the log does not say."""
        return self.seconds_stated if self.seconds_stated is not None else seconds_of(clean(self.last_validated_bar or self.last_bar))

    def _last_complete_bar(self) -> dict[str, str]:
        """Figures of the last bar, or none while it is on its way (an interrupted epoch)."""
        bar = clean(self.last_bar)
        position = bar_position(bar)
        return {} if position is not None and position[0] < position[1] else keras_figures(bar)


class _Parser:
    """State machine over the lines of one worker: fits hold epochs, an epoch ends where the next begins."""

    def __init__(self, sizes: DataSizes) -> None:
        self._sizes = sizes
        self._fits: list[RawFit] = []
        self._epoch: _OpenEpoch | None = None
        self._outer: _OpenEpoch | None = None
        self._trial: str | None = None
        self._settings: dict[str, ParameterValue] = {}
        self._begins_trial = False
        self._covered = 0
        self._mixed_epochs = 0
        self._falls = 0
        self._out_of_data = False

    def feed(self, segment: str) -> None:
        """Take one segment, which may hold several epochs of a log that lost its line ends."""
        for piece in pieces_of_epochs(segment):
            self._feed_piece(piece)

    def _feed_piece(self, segment: str) -> None:
        """Take one line; plain substring searches first, because most are intermediate states of a bar."""
        if "Trial" in segment and (line := trial_line(segment)) is not None:
            self._feed_trial(line)
            return
        if segment.startswith(("trial ", "epoch ")) and self._feed_ours(segment):
            return
        has_metric = "oss" in segment or "cc" in segment or "OSS" in segment or "CC" in segment
        if _OUT_OF_DATA in segment:
            self._out_of_data = True
        elif "poch" in segment or "POCH" in segment:
            self._feed_mention(segment)
        elif has_metric and " - " in segment and is_keras_line(segment):
            self._feed_bar(segment)
        elif self._epoch is not None and self._epoch.last_bar and self._continues(segment):
            return
        elif has_metric:
            self._feed_own(segment)
        elif "|" in segment and self._begins_trial:
            setting = setting_of_row(segment)
            if setting is not None:
                self._settings[setting[0]] = setting[1]
        else:
            self._sizes.feed(segment)

    def finish(self) -> list[RawFit]:
        """Close the last epoch and return the fits that have figures."""
        self._settle_nested(None)
        self._close_epoch()
        fits = join_single_epochs([fit for fit in self._fits if fit.rows])
        numbers: dict[str, int] = {}
        for fit in fits:
            if fit.trial is not None:
                count = numbers[fit.trial] = numbers.get(fit.trial, 0) + 1
                fit.label = f"trial {fit.trial}" + (f", fit {count}" if count > 1 else "")
            if self._out_of_data:
                fit.out_of_data = True
        if fits and (self._mixed_epochs >= 2 or self._falls >= 3):  # noqa: PLR2004
            fits[0].problem = _MIXED
        return fits

    def _feed_trial(self, line: TrialLine) -> None:
        """A tuner's line: trainings belong to its trial, and the next epoch begins a new one."""
        self._settle_nested(None)
        self._close_epoch()
        self._begins_trial = True
        self._trial, self._settings = (line.name, dict(line.settings)) if line.begins else (None, {})
        if line.covers:
            for fit in self._fits[self._covered :]:
                fit.trial, fit.settings = line.name, dict(line.settings)
        self._covered = len(self._fits)

    def _feed_ours(self, segment: str) -> bool:
        """Take a line that a sweep or a training of this project wrote; False where it is none."""
        trial, epoch = sweep_trial_line(segment), epoch_line(segment)
        if trial is not None:
            self._feed_sweep_trial(trial)
        elif epoch is not None:
            self._feed_epoch_line(epoch)
        return trial is not None or epoch is not None

    def _feed_sweep_trial(self, line: SweepTrialLine) -> None:
        """A trial of a sweep of this project: a whole training in one line."""
        self._settle_nested(None)
        self._close_epoch()
        fit = RawFit(trial=line.number, settings=dict(line.settings), planned=line.planned)
        fit.rows = [RawEpoch(number, {line.metric: text}) for number, text in enumerate(line.values, 1)]
        self._fits.append(fit)
        self._begins_trial = True

    def _feed_epoch_line(self, line: EpochLine) -> None:
        """An epoch of a training of this project: complete, so that nothing after it may add to it."""
        epoch = self._open_epoch(EpochMention(line.number, line.planned, alone=False))
        epoch.own.update(line.figures)
        epoch.seconds_stated = line.seconds
        self._close_epoch()

    def _feed_mention(self, segment: str) -> None:
        """A line with the word epoch in it: a header, a header with figures, a callback's message, or a bar that ends in ``22s/epoch``."""
        line = clean(segment)
        mention = epoch_mention(line)
        if mention is None:
            if "/epoch" in line and is_keras_line(line):
                self._feed_bar(line)
        elif mention.alone:
            self._open_epoch(mention)
        elif _is_live(line):
            epoch = self._epoch
            if epoch is None or epoch.number != mention.epoch:
                epoch = self._open_epoch(mention)
            epoch.last_live_line = line
        else:
            bar, own = keras_figures(line), own_figures(line)
            figures = bar if len(bar) > len(own) else own
            if any(not is_learning_rate(normalise(name)) for name in figures):
                self._feed_inline(mention, figures)
            elif mention.planned is not None and line.lstrip().lower().startswith("epoch"):
                self._open_epoch(mention)

    def _feed_inline(self, mention: EpochMention, figures: dict[str, str]) -> None:
        """An epoch's number and its figures in one line; where bars are read, such a line is a callback's and adds nothing."""
        if self._epoch is not None and self._epoch.last_bar:
            return
        if self._epoch is None or self._epoch.number != mention.epoch:
            self._open_epoch(mention)
        if self._epoch is not None:
            self._epoch.own.update(figures)

    def _feed_bar(self, segment: str) -> None:
        """A Keras line: remember it; a bar with another number of steps than the epoch's first is an evaluation within the epoch."""
        validated = "val_" in segment
        epoch = self._epoch
        if validated and (epoch is None or (epoch.number is None and epoch.last_validated_bar)):
            epoch = self._open_epoch(None)  # headers were cut away: each line with validation figures is an epoch
        if epoch is None:
            return  # an evaluation outside of any fit
        if validated:
            if epoch.last_validated_bar not in {"", segment}:
                epoch.other_validated_bars.append(epoch.last_validated_bar)
            epoch.last_bar = epoch.last_validated_bar = segment
            return
        position = bar_position(segment)
        total = position[1] if position else None
        if epoch.bar_total is None:
            epoch.bar_total = total
        if total == epoch.bar_total:
            epoch.last_bar = segment

    def _continues(self, segment: str) -> bool:
        """Whether a line is the rest of a bar that was wrapped (``- val_loss: 0.90`` / ``00 - val_acc: 0.31``); the bar is then completed."""
        epoch = self._epoch
        if epoch is None or ("." not in segment and not segment.strip().isdigit()) or bar_position(segment[:20]) is not None:
            return False
        before = keras_figures(clean(epoch.last_bar))
        for whole in (epoch.last_bar + segment, f"{epoch.last_bar} {segment}"):
            after = keras_figures(clean(whole))
            if len(after) > len(before) and all(after.get(name) == text for name, text in before.items()):
                epoch.last_bar = whole
                if "val_" in whole:
                    epoch.last_validated_bar = whole
                return True
        return False

    def _feed_own(self, segment: str) -> None:
        """A line with metrics in someone's own format, inside an epoch without Keras lines."""
        if self._epoch is None or self._epoch.last_bar:
            return
        if _is_live(segment):
            self._epoch.last_live_line = segment
        else:
            self._epoch.own.update(own_figures(clean(segment)))

    def _open_epoch(self, mention: EpochMention | None) -> _OpenEpoch:
        """End the current epoch and begin another, in a new fit where the number does not rise."""
        if mention is not None and self._outer is None and self._is_nested(mention):
            self._outer = self._epoch
            self._epoch = _OpenEpoch(mention.epoch, mention.planned)
            return self._epoch
        self._settle_nested(mention.epoch if mention else None)
        self._close_epoch()
        return self._begin_epoch(*((mention.epoch, mention.planned) if mention else (None, None)))

    def _begin_epoch(self, number: int | None, planned: int | None) -> _OpenEpoch:
        """Begin an epoch, in a new fit where it belongs to none."""
        fit = self._fits[-1] if self._fits and not self._begins_trial else None
        if fit is not None and fit.rows and fit.rows[-1].epoch is None and number == len(fit.rows) + 1:
            fit.rows = [RawEpoch(index, row.values, row.seconds) for index, row in enumerate(fit.rows, 1)]  # its first header was cut away
        last = fit.rows[-1].epoch if fit is not None and fit.rows else None
        replaced: RawEpoch | None = None
        if last is not None and number is not None and 1 < number == last and fit is not None:
            replaced = fit.rows.pop()  # the epoch was repeated: a header printed twice, or training went on from a checkpoint before it
        elif fit is None or (fit.rows and _begins_fit(last, number)):
            if fit is not None and number is not None and last is not None and number > 1 and last < (fit.planned or 0):
                self._falls += 1
            fit = RawFit(live=True, trial=self._trial, settings=dict(self._settings))
            self._sizes.describe(fit)
            self._fits.append(fit)
            self._begins_trial = False
        fit.planned = planned if fit.planned is None or not fit.rows else max(planned or 0, fit.planned)
        self._epoch = _OpenEpoch(number, planned, replaced)
        return self._epoch

    def _is_nested(self, mention: EpochMention) -> bool:
        """Whether a header may be the one that validation prints within an epoch (TF 1.14 and 1.15: ``Epoch 1/6`` again); the next one decides."""
        epoch = self._epoch
        same = mention.alone and mention.epoch == 1 and mention.planned is not None and mention.planned > 1
        return same and epoch is not None and epoch.number is not None and epoch.planned == mention.planned and not epoch.figures()

    def _settle_nested(self, following: int | None) -> None:
        """Decide on a header within an epoch: validation's when the epoch after the outer one follows, else another training's first.

        Args:
            following: number of the epoch that begins now, or None at the end of a training.
        """
        outer, inner = self._outer, self._epoch
        self._outer = None
        if outer is None or inner is None or outer.number is None:
            return
        if outer.number == 1 or following == outer.number + 1 or (following is None and outer.number == outer.planned):
            inner.number = outer.number
            inner.last_bar = inner.last_bar or outer.last_bar
            return
        self._epoch = outer
        self._close_epoch()
        self._begin_epoch(inner.number, inner.planned)
        self._epoch = inner

    def _close_epoch(self) -> None:
        """Record the current epoch if it has figures."""
        epoch, self._epoch = self._epoch, None
        if epoch is not None:
            figures = epoch.figures()
            if figures:
                self._mixed_epochs += epoch.is_mixed
                self._fits[-1].rows.append(RawEpoch(epoch.number, figures, epoch.seconds))
            elif epoch.replaced is not None:
                self._fits[-1].rows.append(epoch.replaced)


def _begins_fit(last: int | None, number: int | None) -> bool:
    """Whether an epoch number after another begins a new fit."""
    return number <= last if number is not None and last is not None else (number is None) != (last is None)


def _is_live(line: str) -> bool:
    """Whether a line is a tqdm bar, of which only the last state counts."""
    return "it/s" in line or "s/it" in line
