"""What a single line of a console log says: an epoch's number, a Keras bar's figures, or figures in a line of someone's own.

A console capture as the pieces between overwrites.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports.logs.metric_names import NUMBER, is_known, normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


_OVERWRITE = re.compile(r"[\r\n\b]+")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|\[(?:\d{1,3}(?:;\d{1,3}){0,4})?m")
_LONGEST_PIECE: Final = 1 << 20


def segments(chunks: Iterable[str]) -> Iterator[str]:
    r"""Pieces of text between line ends, carriage returns and runs of backspaces, in order; empty ones are left out.

    A progress bar rewrites its line with ``\r`` or backspaces, so that each piece is one state of the bar and nothing of an earlier, longer
    state can leak into it. Memory stays bounded by the chunk size: a piece longer than 1 MiB is handed on in parts.
    """
    rest = ""
    for chunk in chunks:
        pieces = _OVERWRITE.split(rest + chunk)
        rest = pieces.pop()
        for piece in pieces:
            if piece:
                yield piece
        if len(rest) > _LONGEST_PIECE:
            yield rest
            rest = ""
    if rest:
        yield rest


def without_ansi(text: str) -> str:
    """Text without ANSI colour and cursor codes, also where a copy lost the escape character (``[1m313/313[0m``)."""
    return _ANSI.sub("", text)


_LONGEST_LINE: Final = 4000
_LONGEST_OWN_LINE: Final = 1000
_KERAS_FIGURE = re.compile(r" - ([A-Za-z_](?:[^:\[\]= ]|\ (?!-\ )){0,79}): *([-+]?\d+\.\d{4}(?:e[-+]\d{2})?|[-+]?nan|[-+]?inf)")
_OWN_FIGURE = re.compile(
    rf"""([A-Za-z][A-Za-z0-9_./@-]{{0,39}}(?:\ [A-Za-z][A-Za-z0-9_./@-]{{0,19}}){{0,2}})['"]?\s?[:=]\s?({NUMBER})(?![\w\\/]|\.\w|-\d)\s?(%?)"""
)
_OWN_SPLIT = re.compile(r"^\W{0,6}(train(?:ing)?|val(?:id(?:ation)?)?|test)\b\W", re.IGNORECASE)
_EPOCH = re.compile(r"(?<!/)\bepoch\b\W{0,4}(\d{1,7})(?!\d|\.\d)(?:\s?(?:/|of|out of)\s?(\d{1,7}))?", re.IGNORECASE)
_HEADER = re.compile(r"Epoch (\d{1,7})/(\d{1,7})\s*$")
_CALLBACK = re.compile(
    r"improved? from|did not improve|saving model|learning ?rate to|early stopping|restoring model|not available", re.IGNORECASE
)
_KERAS_LINE = re.compile(r"\d/(?:\d|Unknown)|\d(?:s|ms|us)(?:/(?:step|sample|epoch))? - ")
_KERAS_PAIR = re.compile(r" - [^:\n]{1,80}: ?[-+]?(?:\d+\.\d{4}|nan|inf)|^\s*- [^:]{1,80}: ?\d+\.\d{4}")
_EPOCH_WITHIN = re.compile(r"(?<=[\d\s%\])])(?=Epoch \d{1,7}/\d{1,7}(?!\d))")
_DURATION = re.compile(r"(?:^|[-\s━]) ?(\d{1,7})(s|ms|us) (?:- )?(?:\d{1,7}(?:ms|us|s)/|- )")
_SECONDS: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_BAR = re.compile(r"(\d{1,9})/(\d{1,9}|Unknown)\b")


@dataclass(frozen=True)
class EpochMention:
    """A line that names an epoch.

    Attributes:
        epoch: its number.
        planned: what stands after the slash, or None.
        alone: whether the line says nothing else (decoration aside).
    """

    epoch: int
    planned: int | None
    alone: bool


def clean(line: str) -> str:
    """A line without ANSI codes, cut at 4,000 characters: what lies beyond is left over from other output."""
    return without_ansi(line[:_LONGEST_LINE])


def epoch_mention(line: str) -> EpochMention | None:
    """The epoch that a cleaned line names, or None; messages of callbacks (``Epoch 3: val_loss improved from ...``) name none."""
    header = _HEADER.match(line)
    if header is not None:
        return EpochMention(int(header[1]), int(header[2]), alone=True)
    found = _EPOCH.search(line)
    if found is None or _CALLBACK.search(line):
        return None
    around = line[: found.start()] + line[found.end() :]
    return EpochMention(int(found[1]), int(found[2]) if found[2] else None, not re.search(r"\w", around))


def pieces_of_epochs(segment: str) -> list[str]:
    """A piece of text cut before each header that follows figures: a log without line ends, or validation's own header within a bar.

    ``... - acc: 0.6100Epoch 1/6`` gives the bar and the header; ``Train Epoch 3/10: loss 0.4`` stays whole.
    """
    if segment.find("Epoch ", 1) < 0:
        return [segment]
    pieces: list[str] = []
    for part in _EPOCH_WITHIN.split(segment):
        if pieces and not (is_keras_line(pieces[-1]) or own_figures(without_ansi(pieces[-1]))):
            pieces[-1] += part
        else:
            pieces.append(part)
    return pieces


def seconds_of(line: str) -> float | None:
    """Seconds that a cleaned Keras line says its epoch took (``- 56s 69ms/step``), or None."""
    found = _DURATION.search(line)
    return None if found is None else float(found[1]) * _SECONDS[found[2]]


def is_keras_line(line: str) -> bool:
    """Whether a line, ANSI codes and all, looks like a Keras bar or ``verbose=2`` line with figures."""
    return _KERAS_LINE.search(line) is not None and _KERAS_PAIR.search(line) is not None


def keras_figures(line: str) -> dict[str, str]:
    """Figures of a Keras progress bar or ``verbose=2`` line: name to text, empty when it is none.

    Keras prints ``- name: value`` with four decimals (``%.4f``, or ``%.4e`` below .001, whose exponent has two digits in float32:
    keras/src/utils/progbar.py), so a value ends there, even where a terminal left the tail of a longer, overwritten text behind it
    (``val_acc: 0.5711.594 - ETA: 7s - loss: 0.6655``). The same overwriting is why the first figure of a name counts.
    """
    values: dict[str, str] = {}
    for name, figure in _KERAS_FIGURE.findall(f" {line.lstrip()}"):
        values.setdefault(name.strip(), figure)
    return values if any(is_known(name) for name in values) else {}


def own_figures(line: str) -> dict[str, str]:
    """Figures of a line in someone's own format (``Val Acc: 84.1% | loss=0.31``): name to text (``%`` kept), known metrics only.

    A line that opens with ``train`` or ``val`` gives that split to its figures (``val Loss: 0.24 Acc: 0.90``).
    """
    opening = _OWN_SPLIT.match(line)
    split = normalise(f"{opening[1]} x").removesuffix("x") if opening else ""
    values: dict[str, str] = {}
    for name, value, percent in _OWN_FIGURE.findall(line[:_LONGEST_OWN_LINE]):
        known = _known_ending(name)
        if known is not None:
            bare = normalise(known)
            prefixed = bare if bare.startswith(("val_", "test_")) else f"{split}{bare}"
            values.setdefault(prefixed if split else known, value + percent)
    return values


def _known_ending(name: str) -> str | None:
    """The longest ending of a name, in words, that is a known metric: ``Step Val Acc`` → ``Val Acc``."""
    words = name.split(" ")
    return next((" ".join(words[start:]) for start in range(len(words)) if is_known(" ".join(words[start:]))), None)


def bar_position(line: str) -> tuple[int, int] | None:
    """Steps done and steps in total of a progress bar, or None when the line has no such count."""
    found = _BAR.search(line)
    if found is None or found[2] == "Unknown":
        return None
    return int(found[1]), int(found[2])
