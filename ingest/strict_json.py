"""JSON without its traps: what it returns is finite, unambiguous and shallow, or it is refused."""

import math
import re
from typing import Any

import msgspec

from caretaker.vocabulary import Rejected, RejectReason

MAX_BYTES = 1 << 20
_MAX_DEPTH = 16
_decoder = msgspec.json.Decoder()


def parse(payload: bytes) -> Any | Rejected:
    """Return the JSON value, or why it is refused; never raises.

    >>> parse(b'{"a": 1.5}')
    {'a': 1.5}
    >>> parse(b'{"a": 1, "a": 2}').reason.value
    'duplicate-key'
    >>> parse(b'{"a": NaN}').reason.value
    'not-finite'
    """
    if not payload.strip():
        return Rejected(RejectReason.EMPTY)
    if len(payload) > MAX_BYTES:
        return Rejected(RejectReason.TOO_LARGE, f"{len(payload)} bytes, at most {MAX_BYTES}")
    try:
        value = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
        return _why(payload, error)
    keys, depth, fault = _measure(value, 0)
    if fault is not None:
        return fault
    if depth > _MAX_DEPTH:
        return Rejected(RejectReason.TOO_DEEP, f"more than {_MAX_DEPTH} levels")
    if payload.count(b'":') + payload.count(b'" :') != keys and _count_keys(payload) != keys:
        return Rejected(RejectReason.DUPLICATE_KEY)
    return value


def _why(payload: bytes, error: Exception) -> Rejected:
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError:
        return Rejected(RejectReason.NOT_UTF8)
    if isinstance(error, RecursionError) or payload.count(b"[") + payload.count(b"{") > 1000:
        return Rejected(RejectReason.TOO_DEEP)
    if re.search(rb"\b(NaN|nan|-?Infinity|inf)\b", payload):
        return Rejected(RejectReason.NOT_FINITE, "NaN or Infinity")
    return Rejected(RejectReason.NOT_JSON, str(error)[:120])


def _count_keys(payload: bytes) -> int:
    """Count keys outside of strings; only asked when the quick count does not fit."""
    count = position = 0
    while True:
        start = payload.find(b'"', position)
        if start < 0:
            return count
        end = start + 1
        while payload[end : end + 1] not in {b'"', b""}:
            end += 2 if payload[end : end + 1] == b"\\" else 1
        position = end + 1
        rest = position
        while payload[rest : rest + 1] in {b" ", b"\t", b"\n", b"\r"}:
            rest += 1
        if payload[rest : rest + 1] == b":":
            count += 1


def _measure(value: object, depth: int) -> tuple[int, int, Rejected | None]:
    """Return (keys, depth, first fault) of a decoded value."""
    if depth > _MAX_DEPTH:
        return 0, depth, None
    keys, deepest = 0, depth
    if isinstance(value, dict):
        keys = len(value)
        children: Any = value.values()
    elif isinstance(value, list):
        children = value
    else:
        if isinstance(value, float) and not math.isfinite(value):
            return 0, depth, Rejected(RejectReason.NOT_FINITE, "a number beyond every range")
        return 0, depth, None
    for child in children:
        kind = type(child)
        if kind is dict or kind is list:
            more, below, fault = _measure(child, depth + 1)
            if fault is not None:
                return 0, below, fault
            keys += more
            deepest = max(deepest, below)
        elif kind is float and not math.isfinite(child):
            return 0, depth, Rejected(RejectReason.NOT_FINITE, "a number beyond every range")
    return keys, deepest, None
