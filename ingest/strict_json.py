"""JSON without its traps: what it returns is finite, unambiguous and shallow, or it is refused."""

import re
from typing import Any

import msgspec

from caretaker.vocabulary import Rejected, RejectReason

MAX_BYTES = 1 << 20
_MAX_DEPTH = 16
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"\s*+(:)?', re.DOTALL)
_NO_NUMBER = re.compile(rb"\b(NaN|nan|-?Infinity|inf)\b")
_PLACE = re.compile(r"\(byte (\d+)\)")
_NESTED = frozenset({dict, list})
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def parse(payload: bytes) -> Any | Rejected:
    """Return the JSON value, or why it is refused; never raises.

    >>> parse(b'{"a": 1.5}')
    {'a': 1.5}
    >>> parse(b'{"a": 1, "a": 2}').reason.value
    'duplicate-key'
    >>> parse(b'{"a": NaN}').reason.value
    'not-finite'
    """
    if not payload or payload.isspace():
        return Rejected(RejectReason.EMPTY)
    if len(payload) > MAX_BYTES:
        return Rejected(RejectReason.TOO_LARGE, f"{len(payload)} bytes, at most {MAX_BYTES}")
    try:
        value = _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        return _why(payload, error)
    opened = payload.count(b"{") + payload.count(b"[")
    if opened < 2:  # flat, as most are
        keys = len(value) if type(value) is dict else 0
    elif opened > _MAX_DEPTH or b"\\" in payload or (keys := _count_written(value)) < 0:
        keys, depth = _measure(value)
        if depth > _MAX_DEPTH:
            return Rejected(RejectReason.TOO_DEEP, f"more than {_MAX_DEPTH} levels")
    if payload.count(b'":') != keys and _count_keys(payload) != keys:
        return Rejected(RejectReason.DUPLICATE_KEY)
    return value


def _why(payload: bytes, error: Exception) -> Rejected:
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError:
        return Rejected(RejectReason.NOT_UTF8)
    if isinstance(error, RecursionError) or payload.count(b"[") + payload.count(b"{") > 1000:
        return Rejected(RejectReason.TOO_DEEP)
    if "out of range" in str(error) or _stops_at_no_number(payload, str(error)):
        return Rejected(RejectReason.NOT_FINITE, "NaN or Infinity")
    return Rejected(RejectReason.NOT_JSON, str(error)[:120])


def _stops_at_no_number(payload: bytes, error: str) -> bool:
    """Return whether the parser met NaN or Infinity, however JavaScript or Python write them.

    >>> _stops_at_no_number(b'{"a":-Infinity}', "JSON is malformed: invalid number (byte 6)")
    True
    """
    where = _PLACE.search(error)
    if where is None:
        return False
    at = int(where[1])
    return _NO_NUMBER.search(payload, max(0, at - 9), at + 9) is not None


def _count_keys(payload: bytes) -> int:
    r"""Count keys outside of strings; only asked when the quick count does not fit.

    >>> _count_keys(rb'{"a\":" : "x\"", "b":["\\",{"d"  :1}]}')
    3
    """
    return sum(match[1] is not None for match in _STRING.finditer(payload))


def _count_written(value: object) -> int:
    """Return the number of keys of a value whose texts hold no quote; -1 where it is not known.

    >>> _count_written({"a": [{"b": 1}], "c": {}})
    3
    """
    try:
        return _encode(value).count(b'":')
    except (msgspec.EncodeError, OverflowError, ValueError):
        return -1  # a whole number of more than 64 bits


def _measure(value: object) -> tuple[int, int]:
    """Return (keys, levels below the first) of a decoded value.

    >>> _measure({"a": [{"b": 1}], "c": {}})
    (3, 2)
    """
    keys, depth = 0, -1
    level: list[Any] = [value]
    while level:
        below: list[Any] = []
        for item in level:
            if type(item) is dict:
                keys += len(item)
                below += [child for child in item.values() if type(child) in _NESTED]
            else:
                below += [child for child in item if type(child) in _NESTED]
        depth += 1
        if depth > _MAX_DEPTH:
            break
        level = below
    return keys, depth
