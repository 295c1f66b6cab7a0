"""The device's own time, read strictly: an instant, or a reason why it is none."""

import re
from datetime import datetime

from caretaker.clock import MINUTE_MS
from caretaker.vocabulary import Quality, Rejected, RejectReason

_EARLIEST_MS = 1_577_836_800_000  # 2020-01-01: older is an unset clock
_FUTURE_MS = 5 * MINUTE_MS
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)")


def instant(raw: object) -> int | Rejected:
    """Return ms UTC from ISO 8601 with a zone, unix seconds, or unix milliseconds.

    >>> instant("2026-09-01T08:00:00+08:00") == instant(1788220800) == instant(1788220800000)
    True
    >>> instant("2026-09-01T08:00:00").detail
    'a time without a zone has no instant'
    """
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        return Rejected(RejectReason.BAD_TIME, "neither a number nor ISO 8601")
    if isinstance(raw, str):
        if not raw.isascii() or _ISO.fullmatch(raw) is None:
            if re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?", raw):
                return Rejected(RejectReason.BAD_TIME, "a time without a zone has no instant")
            return Rejected(RejectReason.BAD_TIME, "not ISO 8601 with a zone")
        try:
            return round(datetime.fromisoformat(raw).timestamp() * 1000)
        except (ValueError, OverflowError):
            return Rejected(RejectReason.BAD_TIME, "no such date")
    if not -1e16 < raw < 1e16:
        return Rejected(RejectReason.BAD_TIME, "beyond every calendar")
    return round(raw) if abs(raw) >= 1e11 else round(raw * 1000)


def settle(device_ms: int | None, received_ms: int) -> tuple[int, Quality]:
    """Return the instant to store under: the device's when its clock is plausible.

    >>> settle(None, 1788220800000)
    (1788220800000, <Quality.NO_CLOCK: 16>)
    >>> settle(0, 1788220800000)
    (1788220800000, <Quality.CLOCK: 4>)
    """
    if device_ms is None:
        return received_ms, Quality.NO_CLOCK
    if device_ms < _EARLIEST_MS or device_ms > received_ms + _FUTURE_MS:
        return received_ms, Quality.CLOCK
    return device_ms, Quality.GOOD
