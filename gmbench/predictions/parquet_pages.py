"""Decompressed size of the pages of a Parquet column, according to their own headers.

A file's metadata may understate it; a reader allocates what the header of each page says. Headers
are Thrift structures in the compact protocol: field 2 of a page header is the page's decompressed
size, field 3 its size in the file.
"""

from __future__ import annotations

_UNPACKED, _PACKED = 2, 3
_BOOLEANS, _BYTE, _INTEGERS, _DOUBLE = (1, 2), 3, (4, 5, 6), 7
_BINARY, _SEQUENCES, _STRUCT = 8, (9, 10), 12
_DEEPEST = 8


def unpacked_size(data: bytes, start: int, end: int, most: int) -> int:
    """Returns the decompressed size in bytes of the pages between two offsets.

    If a header cannot be read, the rest is not counted: no reader gets further.

    Args:
        data: The file.
        start: Offset at which the first page's header begins.
        end: Offset at which the column ends.
        most: Counting stops beyond this size.
    """
    size, place = 0, start
    try:
        while 0 <= place < end and size <= most:
            fields, place = _struct(data, place)
            if fields[_UNPACKED] < 0 or fields[_PACKED] < 0:
                break
            size += fields[_UNPACKED]
            place += fields[_PACKED]
    except (IndexError, KeyError, ValueError):
        pass
    return size


def _struct(data: bytes, place: int, depth: int = 0) -> tuple[dict[int, int], int]:
    """Reads a structure; returns its integers by field, and the offset at which it ends."""
    if depth > _DEEPEST:
        raise ValueError("a header is nested deeper than any")
    fields, number = {}, 0
    while head := data[place]:
        place += 1
        if head >> 4:
            number += head >> 4
        else:
            raw, place = _varint(data, place)
            number = _signed(raw)
        if head & 15 in _INTEGERS:
            raw, place = _varint(data, place)
            fields[number] = _signed(raw)
        else:
            place = _after(data, place, head & 15, depth)
    return fields, place + 1


def _after(data: bytes, place: int, kind: int, depth: int, *, listed: bool = False) -> int:
    """Returns the offset at which a skipped value ends."""
    if kind in _BOOLEANS:  # The value of a field is in its type.
        return place + listed
    if kind == _BYTE:
        return place + 1
    if kind in _INTEGERS:
        return _varint(data, place)[1]
    if kind == _DOUBLE:
        return place + 8
    if kind == _BINARY:
        length, place = _varint(data, place)
        return place + length
    if kind in _SEQUENCES:
        count, of = data[place] >> 4, data[place] & 15
        place += 1
        if count == 15:
            count, place = _varint(data, place)
        for _ in range(count):
            place = _after(data, place, of, depth, listed=True)
            if place > len(data):
                raise ValueError("a list is longer than the file")
        return place
    if kind == _STRUCT:
        return _struct(data, place, depth + 1)[1]
    raise ValueError(f"no page has a field of type {kind}")


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, place
    raise ValueError("a number has more than 64 bits")


def _signed(value: int) -> int:
    return (value >> 1) ^ -(value & 1)
