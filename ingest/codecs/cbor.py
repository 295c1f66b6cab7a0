"""CBOR, RFC 8949, as far as sensor packs need it: bounded, and finite.

Integers, texts, bytes, arrays, maps, tags (passed over), simple values and floats of 16, 32 and 64
bits; also of indefinite length. A float that is no number comes out as None, as null would.
"""

import math
import struct
from typing import Any

from caretaker.vocabulary import Rejected, RejectReason

_MAX_DEPTH = 16
_MAX_ITEMS = 100_000
_INDEFINITE = 31
_SIMPLE: dict[int, Any] = {20: False, 21: True, 22: None, 23: None}
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}
_BREAK = object()


class _BrokenError(ValueError):
    """The bytes are no CBOR item, or one beyond bounds."""


def parse(data: bytes) -> Any | Rejected:
    """Return the one item the bytes hold, or why they hold none; never raises.

    >>> parse(bytes.fromhex("82a1206161f5")), parse(bytes.fromhex("9f01f9c400ff"))
    ([{-1: 'a'}, True], [1, -4.0])
    >>> parse(b"").reason.value, parse(bytes.fromhex("9b00ffffffffffffff")).reason.value
    ('wrong-shape', 'wrong-shape')
    """
    reader = _Reader(data)
    try:
        item = reader.item(0)
    except (_BrokenError, struct.error, IndexError, UnicodeDecodeError, TypeError) as error:
        return Rejected(RejectReason.WRONG_SHAPE, f"no CBOR: {error}"[:120])
    if item is _BREAK or reader.at != len(data):
        return Rejected(RejectReason.WRONG_SHAPE, "no CBOR: bytes are left over")
    return item


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self.at, self._items = data, 0, 0

    def item(self, depth: int) -> Any:
        """Return the next item; the mark that ends one of indefinite length is `_BREAK`."""
        self._items += 1
        if depth > _MAX_DEPTH or self._items > _MAX_ITEMS:
            raise _BrokenError("too deep or too large")
        kind, told = self._data[self.at] >> 5, self._data[self.at] & 31
        self.at += 1
        if kind == 7:
            return self._simple(told)
        size = None if told == _INDEFINITE else self._size(told)
        if kind == 0:
            return self._whole(size)
        if kind == 1:
            return -1 - self._whole(size)
        if kind in {2, 3}:
            raw = self._chunks(kind, depth) if size is None else self._take(size)
            return raw if kind == 2 else raw.decode()
        if kind == 4:
            return list(self._several(size, depth))
        if kind == 5:
            flat = list(self._several(None if size is None else 2 * size, depth))
            if len(flat) % 2:
                raise _BrokenError("a name without a value")
            return dict(zip(flat[::2], flat[1::2], strict=True))
        self._whole(size)
        return self.item(depth + 1)  # what a tag says of an item is nothing we need

    def _whole(self, size: int | None) -> int:
        if size is None:
            raise _BrokenError("a number without an end")
        return size

    def _size(self, told: int) -> int:
        if told < 24:
            return told
        if told > 27:
            raise _BrokenError("a reserved length")
        return int.from_bytes(self._take(1 << (told - 24)), "big")

    def _take(self, size: int) -> bytes:
        found = self._data[self.at : self.at + size]
        if len(found) != size:
            raise _BrokenError("bytes are missing")
        self.at += size
        return found

    def _chunks(self, kind: int, depth: int) -> bytes:
        parts: list[bytes] = []
        while (part := self.item(depth + 1)) is not _BREAK:
            if not isinstance(part, bytes if kind == 2 else str):
                raise _BrokenError("a part of another kind")
            parts.append(part if isinstance(part, bytes) else part.encode())
        return b"".join(parts)

    def _several(self, count: int | None, depth: int) -> Any:
        while count is None or count > 0:
            item = self.item(depth + 1)
            if item is _BREAK:
                if count is None:
                    return
                raise _BrokenError("an end too early")
            yield item
            count = None if count is None else count - 1

    def _simple(self, told: int) -> Any:
        if told == _INDEFINITE:
            return _BREAK
        if told in _FLOATS:
            code = _FLOATS[told]
            number = struct.unpack(code, self._take(struct.calcsize(code)))[0]
            return number if math.isfinite(number) else None
        return _SIMPLE.get(told)
