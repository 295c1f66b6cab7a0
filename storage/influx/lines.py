"""Line protocol: validated names, escaped once a series, float fields only, nanoseconds."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from caretaker.measurements import MEASUREMENTS, PROBE

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_UNUSABLE = re.compile(r'[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]|\\(?=[,= "\\]|$)')
_WORDS = frozenset({"name", "scope_name"})
_MAX_TAG = 1_024
_ESCAPES = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})
PROBE_LINE = f"{PROBE.name},site=caretaker ok=1 0".encode()
"""A line that any store takes which takes any."""

_MIN_NS, _MAX_NS = -(2**63) + 2, 2**63 - 2


class BadNameError(ValueError):
    """A tag's value cannot stand in a line; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line on its way, with what is needed to name it should it be refused.

    `point` is the journal's point, 0 where the row is no raw reading; `raw` rows go to the bucket
    of readings. A row that cannot be written at all says why in `refused`.
    """

    line: str
    at_ms: int
    point: int = 0
    raw: bool = False
    refused: str = ""


def tag_value(name: str, value: str) -> str:
    r"""Return a tag's value escaped, or raise BadNameError.

    A control character is refused, and so is a backslash where it would escape what follows: no
    escape for it exists. Words for people (`name`) lose it instead: they carry no identity.

    >>> tag_value("device", "tasmota:食堂, A=1")
    'tasmota:食堂\\,\\ A\\=1'
    >>> tag_value("device", "a" + chr(10) + "admin,x=1")
    Traceback (most recent call last):
        ...
    storage.influx.lines.BadNameError: device: a control character or backslash in 'a\nadmin,x=1'
    >>> tag_value("name", "a\\")
    'a＼'
    """
    if name in _WORDS:
        value = _UNUSABLE.sub(lambda found: "＼" if found.group() == "\\" else " ", value)
    elif _UNUSABLE.search(value):
        raise BadNameError(f"{name}: a control character or backslash in {value[:60]!r}")
    if len(value.encode("utf-8", "surrogatepass")) > _MAX_TAG:
        raise BadNameError(f"{name}: longer than {_MAX_TAG} bytes")
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in value):
        raise BadNameError(f"{name}: not UTF-8")
    return value.translate(_ESCAPES)


def series(measurement: str, tags: Mapping[str, str]) -> str:
    """Return the part of a line before its fields; tags without a value are left out.

    >>> series("temperature", {"site": "s", "building": "", "device": "n:a", "point": "main"})
    'temperature,site=s,device=n:a,point=main'
    """
    known = MEASUREMENTS[measurement]
    assert _NAME.fullmatch(known.name)
    parts = [known.name]
    for name in known.tags:
        value = tags.get(name, "")
        if value:
            parts.append(f"{name}={tag_value(name, value)}")
    return ",".join(parts)


def fields(values: Mapping[str, float | int | None]) -> str:
    """Return the fields of a line; what is not known or not finite is left out.

    >>> fields({"mean": 1.5, "count": 3, "target": None, "low": float("nan")})
    'mean=1.5,count=3.0'
    """
    return ",".join(
        f"{name}={float(value)!r}"
        for name, value in values.items()
        if value is not None and math.isfinite(value)
    )


def in_range(time_ns: int) -> bool:
    """Return whether a store can hold the instant [ns since 1970].

    >>> in_range(1_788_220_800_000_000_000), in_range(10**19)
    (True, False)
    """
    return _MIN_NS <= time_ns <= _MAX_NS


def body(rows: Iterable[Row]) -> bytes:
    """Return the rows as one request's body."""
    return "\n".join([row.line for row in rows]).encode()
