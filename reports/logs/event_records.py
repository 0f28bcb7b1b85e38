"""Records of a TensorBoard event file: framing and checksums, without TensorFlow.

Source: tensorflow/core/lib/io/record_writer.h. A record is its length (8 bytes), the masked CRC-32C of the length, the data, and the masked CRC-32C
of the data, all little-endian.
"""

from __future__ import annotations

import struct
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
