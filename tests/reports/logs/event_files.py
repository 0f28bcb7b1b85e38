"""TensorBoard event files, written byte by byte: TensorBoard itself is no dependency."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from reports.logs.event_files import masked_crc

if TYPE_CHECKING:
    from pathlib import Path


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number: int, payload: bytes | int) -> bytes:
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def record(payload: bytes) -> bytes:
    length = struct.pack("<Q", len(payload))
    return length + struct.pack("<I", masked_crc(length)) + payload + struct.pack("<I", masked_crc(payload))


def simple(tag: str, value: float) -> bytes:
    """As TensorFlow 1 writes a scalar."""
    return field(1, tag.encode()) + varint(2 << 3 | 5) + struct.pack("<f", value)


def tensor(tag: str, value: float, style: str = "content") -> bytes:
    """As TensorFlow 2 writes one: bytes, or a list of floats or doubles."""
    body = {
        "content": field(1, 1) + field(4, struct.pack("<f", value)),
        "floats": field(1, 1) + field(5, struct.pack("<f", value)),
        "doubles": field(1, 2) + field(6, struct.pack("<d", value)),
        "double content": field(1, 2) + field(4, struct.pack("<d", value)),
    }[style]
    return field(1, tag.encode()) + field(8, body)


def event(step: int, *values: bytes) -> bytes:
    wall_time = varint(1 << 3 | 1) + struct.pack("<d", 1.7e9)
    return record(wall_time + field(2, step) + field(5, b"".join(field(1, value) for value in values)))


HEADER = record(varint(1 << 3 | 1) + struct.pack("<d", 1.7e9) + field(3, b"brain.Event:2"))
GRAPH = record(field(4, bytes(300_000)))


def write(path: Path, *events: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(HEADER + b"".join(events))
    return path
