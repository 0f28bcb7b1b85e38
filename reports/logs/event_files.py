"""Records of a TensorBoard event file: framing and checksums, without TensorFlow.

Source: tensorflow/core/lib/io/record_writer.h. A record is its length (8 bytes), the masked CRC-32C of the length, the data, and the masked CRC-32C
of the data, all little-endian.

Scalars in TensorBoard events: the few protocol buffer fields that hold them, read without TensorFlow.

Sources: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto and tensor.proto for the fields;
https://protobuf.dev/programming-guides/encoding for the wire format.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


_HEADER: Final = struct.Struct("<QI")
_FOOTER: Final = struct.Struct("<I")
_LENGTH_BYTES: Final = 8
_MASK_DELTA: Final = 0xA282EAD8
_CASTAGNOLI: Final = 0x82F63B78  # bits reflected
_LARGEST_RECORD: Final = 1 << 28
_LARGEST_SCALAR_RECORD: Final = 1 << 14


class DamagedEventsError(Exception):
    """A record that is cut, does not match its checksum or is no event."""


def is_event_file(head: bytes) -> bool:
    """Whether bytes begin with a record whose length is guarded by its checksum."""
    if len(head) < _HEADER.size:
        return False
    length, checksum = _HEADER.unpack_from(head)
    return bool(length <= _LARGEST_RECORD and masked_crc(head[:_LENGTH_BYTES]) == checksum)


def small_records(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Payloads of at most 16 KiB of an event file given in pieces: those that can hold scalars; graphs and images are stepped over unread.

    Raises:
        DamagedEventsError: the file is cut or damaged there; payloads given before are sound.
    """
    window = _Window(pieces)
    while window.holds(1):
        if not window.holds(_HEADER.size):
            raise DamagedEventsError("the file ends within a record")
        header = window.take(_HEADER.size)
        length, checksum = _HEADER.unpack(header)
        if length > _LARGEST_RECORD or masked_crc(header[:_LENGTH_BYTES]) != checksum:
            raise DamagedEventsError("a record's length does not match its checksum")
        if not window.holds(length + _FOOTER.size):
            raise DamagedEventsError("the file ends within a record")
        payload, (expected,) = window.take(length), _FOOTER.unpack(window.take(_FOOTER.size))
        if length <= _LARGEST_SCALAR_RECORD:
            if masked_crc(payload) != expected:
                raise DamagedEventsError("a record does not match its checksum")
            yield payload


class _Window:
    """Bytes that arrive in pieces, taken from the front."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._buffer = b""
        self._start = 0

    def holds(self, size: int) -> bool:
        """Whether ``size`` more bytes exist; fetches pieces as needed."""
        missing = size - (len(self._buffer) - self._start)
        fetched = []
        while missing > 0:
            piece = next(self._pieces, None)
            if piece is None:
                break
            fetched.append(piece)
            missing -= len(piece)
        if fetched:
            self._buffer, self._start = b"".join([self._buffer[self._start :], *fetched]), 0
        return missing <= 0

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes, which `holds` has found to exist."""
        taken = self._buffer[self._start : self._start + size]
        self._start += size
        return taken


def _crc_table() -> tuple[int, ...]:
    """Remainders of all bytes."""
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_CASTAGNOLI if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_CRC_TABLE: Final = _crc_table()


def masked_crc(data: bytes) -> int:
    """CRC-32C of data, rotated by 15 bits and offset, as the format stores it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


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
