"""Console logs: Keras 1, 2, tf.keras and Keras 3, progress bars and ``verbose=2``, and training loops that print their own lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.logs.assemble import DataSizes
from reports.logs.fit import RawEpoch, RawFit, join_single_epochs
from reports.logs.metric_lines import EpochMention, bar_position, clean, epoch_mention, is_keras_line, keras_figures, own_figures, segments
from reports.logs.metric_names import is_learning_rate, normalise

if TYPE_CHECKING:
    from collections.abc import Iterable


def read_console(chunks: Iterable[str], sizes: DataSizes | None = None) -> list[RawFit]:
    """Fits in a console capture, in order; empty when there are none.

    Args:
        chunks: the text in pieces of any size, so that a log need not fit into memory.
        sizes: what earlier text (cells of a notebook) said about the data; updated.
    """
    parser = _Parser(sizes if sizes is not None else DataSizes())
    for segment in segments(chunks):
        parser.feed(segment)
    return parser.finish()


class _OpenEpoch:
    """The epoch being read. Candidate lines are kept as text and parsed once, when the epoch ends: most are overwritten before."""

    def __init__(self, number: int | None) -> None:
        self.number = number
        self.bar_total: int | None = None
        self.last_bar = ""
        self.last_validated_bar = ""
        self.last_live_line = ""
        self.own: dict[str, str] = {}

    def figures(self) -> dict[str, str]:
        """Figures of the last bar with validation figures, else of the last bar if it is complete, else of lines in someone's own format."""
        return (
            keras_figures(clean(self.last_validated_bar))
            or self._last_complete_bar()
            or {**own_figures(clean(self.last_live_line)), **self.own}
        )

    def _last_complete_bar(self) -> dict[str, str]:
        """Figures of the last bar, or none while it is on its way (an interrupted epoch)."""
        bar = clean(self.last_bar)
        position = bar_position(bar)
        return {} if position is not None and position[0] < position[1] else keras_figures(bar)


class _Parser:
    """State machine over segments: fits hold epochs, an epoch ends where the next begins."""

    def __init__(self, sizes: DataSizes) -> None:
        self._sizes = sizes
        self._fits: list[RawFit] = []
        self._epoch: _OpenEpoch | None = None

    def feed(self, segment: str) -> None:
        """Take one segment; plain substring searches first, because most segments are intermediate states of a bar."""
        has_metric = "oss" in segment or "cc" in segment or "OSS" in segment or "CC" in segment
        if "poch" in segment or "POCH" in segment:
            self._feed_mention(segment)
        elif has_metric and " - " in segment and is_keras_line(segment):
            self._feed_bar(segment)
        elif has_metric:
            self._feed_own(segment)
        else:
            self._sizes.feed(segment)

    def finish(self) -> list[RawFit]:
        """Close the last epoch and return the fits that have figures."""
        self._close_epoch()
        return join_single_epochs([fit for fit in self._fits if fit.rows])

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
            epoch.last_bar = epoch.last_validated_bar = segment
            return
        position = bar_position(segment)
        total = position[1] if position else None
        if epoch.bar_total is None:
            epoch.bar_total = total
        if total == epoch.bar_total:
            epoch.last_bar = segment

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
        self._close_epoch()
        number, planned = (mention.epoch, mention.planned) if mention else (None, None)
        fit = self._fits[-1] if self._fits else None
        if fit is None or (fit.rows and _begins_fit(fit.rows[-1].epoch, number)):
            fit = RawFit(live=True)
            self._sizes.describe(fit)
            self._fits.append(fit)
        fit.planned = planned if fit.planned is None or not fit.rows else max(planned or 0, fit.planned)
        self._epoch = _OpenEpoch(number)
        return self._epoch

    def _close_epoch(self) -> None:
        """Record the current epoch if it has figures."""
        epoch, self._epoch = self._epoch, None
        if epoch is not None:
            figures = epoch.figures()
            if figures:
                self._fits[-1].rows.append(RawEpoch(epoch.number, figures))


def _begins_fit(last: int | None, number: int | None) -> bool:
    """Whether an epoch number after another begins a new fit."""
    return number <= last if number is not None and last is not None else (number is None) != (last is None)


def _is_live(line: str) -> bool:
    """Whether a line is a tqdm bar, of which only the last state counts."""
    return "it/s" in line or "s/it" in line
