"""Joins a reply of DL/T 645 that its meter sends in several frames, as one message or as several.

A reply whose control code has bit 20h is followed by others, asked for one by one (2007: control
92, the last but for more B2, with a sequence byte from 1 on at the end; 1997: 82 and A2, without).
Each brings the bytes that follow those before it: where an item is cut, only both together tell it.
"""

from collections import OrderedDict
from dataclasses import dataclass

from caretaker.vocabulary import Rejected, RejectReason
from ingest.codecs import dlt645
from ingest.codecs.values import Value

_FIRST = {0xB1: 4, 0xA1: 2}  # control -> bytes of the identifier
_NEXT = {0x92: 4, 0xB2: 4, 0x82: 2, 0xA2: 2}
_MORE = 0x20
_WAIT_MS = 60_000
_MOST = 1_000
_MOST_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class _Begun:
    """What a meter has said so far."""

    frame: dlt645.Frame
    found: list[Value | Rejected]
    sequence: int
    at_ms: int

    @property
    def read(self) -> int:
        """How many items were read of it; one that was cut was not."""
        return sum(
            isinstance(item, Value) or item.reason is not RejectReason.WRONG_SHAPE
            for item in self.found
        )


class FollowUps:
    """Reads frames in the order they came; a follow-up gives what its beginning did not."""

    def __init__(self) -> None:
        self._begun: OrderedDict[str, _Begun] = OrderedDict()

    def values(self, frame: dlt645.Frame, line: str, now_ms: int) -> list[Value | Rejected]:
        """Return what a frame adds; `line` tells apart meters that answer under a wildcard."""
        key = f"{line} {frame.meter}"
        if (size := _NEXT.get(frame.control)) is not None:
            begun = self._begun.pop(key, None)
            if begun and now_ms - begun.at_ms <= _WAIT_MS:
                joined = _joined(begun, frame, size)
                if joined is not None:
                    found = list(dlt645.values(joined))
                    self._keep(key, _Begun(joined, found, begun.sequence + 1, now_ms))
                    return found[begun.read :]
        found = list(dlt645.values(frame))
        if frame.control in _FIRST:
            self._keep(key, _Begun(frame, found, 1, now_ms))
        return found

    def _keep(self, key: str, begun: _Begun) -> None:
        if begun.frame.control & _MORE and len(begun.frame.data) <= _MOST_BYTES:
            self._begun[key] = begun
            if len(self._begun) > _MOST:
                self._begun.popitem(last=False)


def _joined(begun: _Begun, frame: dlt645.Frame, size: int) -> dlt645.Frame | None:
    """Return both as one reply, or None where the one does not follow the other."""
    before, data = begun.frame, frame.data
    if _FIRST.get(before.control) != size or data[:size] != before.data[:size]:
        return None
    if size == 4:
        if len(data) <= size or data[-1] != begun.sequence:
            return None
        data = data[:-1]
    reply = (0x91 if size == 4 else 0x81) | (frame.control & _MORE)
    return dlt645.Frame(before.meter, reply, before.data + data[size:])
