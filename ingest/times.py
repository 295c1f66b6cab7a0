"""The device's own time, read strictly: an instant, or a reason why it is none."""

import re
from datetime import UTC, datetime
from functools import lru_cache

from caretaker.clock import MINUTE_MS
from caretaker.vocabulary import Quality, Rejected, RejectReason

_EARLIEST_MS = 1_577_836_800_000  # 2020-01-01: older is an unset clock
_FUTURE_MS = 5 * MINUTE_MS
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)? ?(Z|[+-]\d\d(:?\d\d)?)")
_COMPACT = re.compile(r"(\d{8})T?(\d{4}|\d{6})(Z|[+-]\d\d:?\d\d)")
_WALL = re.compile(r"(\d{12})[SW]?")
_WITHOUT_ZONE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?")
_GOOD, _CLOCK, _NO_CLOCK = Quality.GOOD, Quality.CLOCK, Quality.NO_CLOCK
_MAX_TEXT = 64  # of what is remembered
_NUMBERS = (int, float)
_NO_TIME = Rejected(RejectReason.BAD_TIME, "neither a number nor ISO 8601")
_NOT_ISO = Rejected(RejectReason.BAD_TIME, "not ISO 8601 with a zone")
_NO_ZONE = Rejected(RejectReason.BAD_TIME, "a time without a zone has no instant")
_UNIX = re.compile(r"\d{10}(\d{3}|\d{6}|\d{9}|\.\d{1,9})?")


def instant(raw: object) -> int | Rejected:
    """Return ms UTC from ISO 8601 with a zone, or from unix s, ms, us or ns, told by magnitude.

    >>> instant("2026-09-01T08:00:00+08:00") == instant(1788220800) == instant(1788220800000)
    True
    >>> instant("20260901T000000Z") == instant("2026-09-01 00:00:00Z") == instant("1788220800")
    True
    >>> instant(1788220800_000_000) == instant(1788220800_000_000_000) == instant(1788220800)
    True
    >>> instant("2026-09-01T08:00:00").detail
    'a time without a zone has no instant'
    """
    if isinstance(raw, str):
        return _told(raw) if len(raw) <= _MAX_TEXT else _parsed(raw)
    if isinstance(raw, bool) or not isinstance(raw, _NUMBERS):
        return _NO_TIME
    size = abs(raw)
    if size < 1e11:
        return round(raw * 1000)
    for limit, factor in ((1e14, 1.0), (1e17, 1e-3), (1e20, 1e-6)):
        if size < limit:
            return round(raw * factor)
    return Rejected(RejectReason.BAD_TIME, "beyond every calendar")


def _parsed(text: str) -> int | Rejected:
    """Return ms UTC of a written time."""
    text = text.strip()
    if not text.isascii():
        return _NOT_ISO
    if text[4:5] != "-":
        if _UNIX.fullmatch(text):
            return instant(float(text))
        if compact := _COMPACT.fullmatch(text):
            text = f"{compact[1]}T{compact[2]}{compact[3]}"
        else:
            return _NOT_ISO
    elif _ISO.fullmatch(text) is None:
        return _NO_ZONE if _WITHOUT_ZONE.fullmatch(text) else _NOT_ISO
    try:
        return round(datetime.fromisoformat(text.replace(" Z", "Z")).timestamp() * 1000)
    except (ValueError, OverflowError):
        return Rejected(RejectReason.BAD_TIME, "no such date")


_told = lru_cache(maxsize=1_024)(_parsed)  # one message often writes the same time several times


def wall_clock(text: str) -> int | None:
    """Return the ms that a clock on the wall shows, as if it hung in UTC: `YYMMDDhhmmss`.

    A letter S or W for summer or winter is part of the DSMR format; the difference to UTC is not
    in it. None for what is no such time.

    >>> wall_clock("260901080000S") == instant("2026-09-01T08:00:00Z")
    True
    >>> wall_clock("260230080000W") is None
    True
    """
    match = _WALL.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return round(
            datetime.strptime(match[1], "%y%m%d%H%M%S").replace(tzinfo=UTC).timestamp() * 1000
        )
    except ValueError:
        return None


def settle(device_ms: int | None, received_ms: int) -> tuple[int, Quality]:
    """Return the instant to store under: the device's when its clock is plausible.

    >>> settle(None, 1788220800000)
    (1788220800000, <Quality.NO_CLOCK: 16>)
    >>> settle(0, 1788220800000)
    (1788220800000, <Quality.CLOCK: 4>)
    """
    if device_ms is None:
        return received_ms, _NO_CLOCK
    if device_ms < _EARLIEST_MS or device_ms > received_ms + _FUTURE_MS:
        return received_ms, _CLOCK
    return device_ms, _GOOD
