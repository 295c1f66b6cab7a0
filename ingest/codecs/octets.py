"""Binary frames inside MQTT: raw bytes, text in hex or base64, or either in a gateway's JSON.

Also as a list of numbers (with or without a sign) or of hex pairs.
"""

import base64
import binascii
import contextlib
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from caretaker.vocabulary import Rejected, RejectReason

_HEX = re.compile(rb"(?:0[xX]|\\x)?[0-9A-Fa-f]{2}(?:[\s:,;-]{0,2}(?:0[xX]|\\x)?[0-9A-Fa-f]{2}){7,}")
_PREFIX = re.compile(rb"0[xX]|\\x")
_LONG = re.compile(rb'"[A-Za-z0-9+/_\\-]{16,}={0,2}"(?!\s*:)')  # base64, where no 68 can be seen
_NUMBERS = re.compile(rb"104\s*,(?:\s*-?\d{1,3}\s*,){8,}")  # 68 and on, as a list of numbers
_FRAMED = re.compile(rb"68(?:[\s:,;-]{0,2}(?:0[xX])?[0-9A-Fa-f]{2}){9}")  # the shortest frames
# The start of a text in base64 as bytes.translate shows it, which is faster than an expression.
_CODED = bytes(
    0x61 if chr(code).isalnum() or chr(code) in "+/_-" else 0x22 if code == 0x22 else 0x20
    for code in range(256)
)
_QUOTED = b'"' + b"a" * 16
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_PAIR = re.compile(r"(?:0[xX])?[0-9A-Fa-f]{2}")
_SHORTEST = 16  # characters of hex text; _HEX finds none in less
_NESTED = frozenset((dict, list))
_MAX_STRINGS = 64
_MAX_DEPTH = 8
_MAX_BYTES = 64 * 1024


def framed(payload: bytes) -> bool:
    """Return False where a payload is JSON or like it and no text or list in it can be a frame.

    A frame begins with 68, is at least eleven bytes long and ends with 16.

    >>> framed(b'{"id": "6842", "at": "2026-01-01T00:00:00Z"}'), framed(b"\\x68")
    (False, True)
    """
    if payload[:1] not in (b"{", b"[", b'"') or b"\\" in payload or b"\x16" in payload:
        return True
    if b"68" in payload and (b'68"' in payload or _FRAMED.search(payload)):
        return True
    if _QUOTED in payload.translate(_CODED) and _LONG.search(payload):
        return True
    return b"104" in payload and _NUMBERS.search(payload) is not None


def octets(payload: bytes, told: Any = None) -> list[bytes]:
    """Return every byte string a payload can stand for, the likeliest first; never raises.

    `told` is the payload's JSON, where that was read before.

    >>> octets(b"FE 68 01 02 03 04 05 06 68")[0].hex()
    'fe6801020304050668'
    >>> octets(b'{"data": "6801020304050668"}')[0].hex()
    '6801020304050668'
    """
    if len(payload) > _MAX_BYTES:
        payload, told = payload[:_MAX_BYTES], None
    found: list[bytes] = []
    if payload[:1] in (b"{", b"[", b'"') and b"\x16" not in payload:  # no JSON holds that byte
        if b"68" not in payload and not _LONG.search(payload) and not _NUMBERS.search(payload):
            return []  # no text or list of numbers in it can be a frame
        try:
            value = msgspec.json.decode(payload) if told is None else told
        except (msgspec.DecodeError, ValueError, RecursionError):
            pass  # a log line may begin with a bracket
        else:
            return [item for text in _strings(value) for item in text]
    if hexes := [_unhex(match) for match in _HEX.findall(payload)]:
        found += hexes
    elif len(payload) >= _SHORTEST and payload.isascii():
        found += _decoded(payload.decode("ascii").strip())
    found.append(payload)
    return found


def _unhex(text: bytes) -> bytes:
    return bytes.fromhex(re.sub(rb"[^0-9A-Fa-f]", b"", _PREFIX.sub(b"", text)).decode("ascii"))


def _strings(value: Any) -> Iterator[list[bytes]]:
    """Yield what each string of a JSON value stands for."""
    level, left = [value], _MAX_STRINGS * 8
    for depth in range(_MAX_DEPTH + 1):
        below: list[Any] = []
        for item in level[:left]:
            kind = type(item)
            if kind is str:
                if len(item) >= _SHORTEST:
                    yield _stands_for(item)
            elif kind is list and len(item) > 11 and (listed := _listed(item)):
                yield [listed]
            elif depth < _MAX_DEPTH and kind in _NESTED:
                below += islice(item.values() if kind is dict else item, _MAX_STRINGS)
        left -= len(level)
        if left <= 0 or not below:
            return
        level = below


def _stands_for(text: str) -> list[bytes]:
    if "68" not in text and _BASE64.fullmatch(text) is None:
        return []  # without a start of a frame
    if matches := _HEX.findall(text.encode("utf-8", "replace")):
        return [_unhex(match) for match in matches]
    return _decoded(text)


def _decoded(text: str) -> list[bytes]:
    """Return what a text says in base64, of either alphabet, with or without its padding."""
    if _BASE64.fullmatch(text):
        plain = text.rstrip("=").replace("-", "+").replace("_", "/")
        with contextlib.suppress(binascii.Error, ValueError):
            return [base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)]
    return []


def _listed(items: list[Any]) -> bytes:
    """Return the bytes of a list of numbers, Java's signed ones too, or of hex pairs.

    >>> _listed([-2, 104, 17]).hex(), _listed(["FE", "68", "0x11"]).hex(), _listed([1, 300])
    ('fe6811', 'fe6811', b'')
    """
    kinds = set(map(type, items))
    if kinds == {int} and all(-128 <= byte <= 255 for byte in items):
        return bytes(byte & 0xFF for byte in items)
    if kinds == {str} and all(map(_PAIR.fullmatch, items)):
        return bytes(int(pair, 16) for pair in items)
    return b""


def bcd(data: bytes, *, signed: bool = False) -> int | Rejected:
    """Return a BCD number sent low byte first; a top bit is the sign where there is one.

    >>> bcd(bytes.fromhex("5612"))
    1256
    >>> bcd(bytes.fromhex("5692"), signed=True)
    -1256
    >>> bcd(bytes.fromhex("ffff")).reason.value, bcd(bytes.fromhex("0a00")).reason.value
    ('sentinel', 'not-bcd')
    """
    if not data or data == b"\xff" * len(data):
        return Rejected(RejectReason.SENTINEL, "FF means no value")
    digits = bytearray(reversed(data))
    sign = -1 if signed and digits[0] & 0x80 else 1
    if signed:
        digits[0] &= 0x7F
    text = digits.hex()
    if not text.isdigit():
        return Rejected(RejectReason.NOT_BCD, f"{data.hex()} holds no decimal digits")
    return sign * int(text)
