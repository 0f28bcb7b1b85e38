"""Scalars in TensorBoard events: the few protocol buffer fields that hold them, read without TensorFlow.

Sources: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto and tensor.proto for the fields;
https://protobuf.dev/programming-guides/encoding for the wire format.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports.logs.event_records import DamagedEventsError, small_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_EVENT_STEP, _EVENT_SUMMARY = 2, 5
_SUMMARY_VALUE = 1
_VALUE_TAG, _VALUE_SIMPLE, _VALUE_TENSOR = 1, 2, 8
_TENSOR_DTYPE, _TENSOR_CONTENT = 1, 4
_LAYOUT_OF_FIELD: Final = {5: struct.Struct("<f"), 6: struct.Struct("<d")}
_INTEGER_FIELDS: Final = frozenset({7, 10})
_LAYOUT_OF_DTYPE: Final = {
    1: struct.Struct("<f"),
    2: struct.Struct("<d"),
    3: struct.Struct("<i"),
    9: struct.Struct("<q"),
    19: struct.Struct("<e"),
}
_FLOAT: Final = struct.Struct("<f")
_VARINT, _EIGHT_BYTES, _DELIMITED, _FOUR_BYTES = 0, 1, 2, 5
_CONTINUES, _SIGN, _WORD = 0x80, 1 << 63, 1 << 64


@dataclass(frozen=True)
class Scalar:
    """One point of a scalar summary.

    Attributes:
        tag: its name, e.g. ``epoch_val_loss``.
        step: the step it was written at; Keras counts epochs from 0.
        value: the figure.
    """

    tag: str
    step: int
    value: float


def read_scalars(pieces: Iterable[bytes]) -> tuple[list[Scalar], str]:
    """Scalars of an event file in the order of writing, and why reading stopped early (cut or damaged file) or an empty text."""
    scalars: list[Scalar] = []
    try:
        for record in small_records(pieces):
            scalars.extend(_scalars(record))
    except DamagedEventsError as error:
        return scalars, str(error)
    return scalars, ""


def _scalars(event: bytes) -> Iterator[Scalar]:
    """Scalar values of one event."""
    fields = list(_fields(event))
    raw = next((value for number, value in fields if number == _EVENT_STEP and isinstance(value, int)), 0)
    step = raw - _WORD if raw & _SIGN else raw
    for summary in (value for number, value in fields if number == _EVENT_SUMMARY and isinstance(value, bytes)):
        for number, value in _fields(summary):
            scalar = _scalar(value, step) if number == _SUMMARY_VALUE and isinstance(value, bytes) else None
            if scalar is not None:
                yield scalar


def _scalar(summary_value: bytes, step: int) -> Scalar | None:
    """A summary's value as a scalar: ``simple_value`` (TensorFlow 1) or a ``tensor`` of one element (TensorFlow 2); None when it is anything else."""
    tag, number = "", None
    for field, value in _fields(summary_value):
        if isinstance(value, int):
            continue
        if field == _VALUE_TAG:
            tag = value.decode("utf-8", "replace")
        elif field == _VALUE_SIMPLE:
            number = _unpacked(value, _FLOAT)
        elif field == _VALUE_TENSOR:
            number = _element(value)
    return None if number is None else Scalar(tag, step, number)


def _element(tensor: bytes) -> float | None:
    """The only element of a tensor, or None when it has several or is not a number."""
    dtype, number = 0, None
    for field, value in _fields(tensor):
        if field == _TENSOR_DTYPE and isinstance(value, int):
            dtype = value
        elif field in _INTEGER_FIELDS:
            number = float(value if isinstance(value, int) else _varint(value, 0)[0])
        elif isinstance(value, bytes):
            layout = _LAYOUT_OF_DTYPE.get(dtype) if field == _TENSOR_CONTENT else _LAYOUT_OF_FIELD.get(field)
            number = _unpacked(value, layout) if layout is not None else number
    return number


def _unpacked(value: bytes, layout: struct.Struct) -> float | None:
    """A fixed-width number, or None when there are not exactly its bytes."""
    return float(layout.unpack(value)[0]) if len(value) == layout.size else None


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and raw values of a message; fixed-width values stay bytes."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        wire = key & 7
        if wire == _VARINT:
            value, position = _varint(message, position)
            yield key >> 3, value
            continue
        if wire == _DELIMITED:
            size, position = _varint(message, position)
        elif wire in {_EIGHT_BYTES, _FOUR_BYTES}:
            size = 8 if wire == _EIGHT_BYTES else 4
        else:
            raise DamagedEventsError(f"a record has an unknown wire type ({wire})")
        if position + size > len(message):
            raise DamagedEventsError("a record's field runs over its end")
        yield key >> 3, message[position : position + size]
        position += size


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """A base-128 number at a position, and the position after it."""
    number = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            break
        byte = message[position]
        position += 1
        number |= (byte & (_CONTINUES - 1)) << shift
        if byte < _CONTINUES:
            return number % _WORD, position
    raise DamagedEventsError("a record's number is cut or too long")
