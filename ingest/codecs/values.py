"""What every codec ends with: values as the device said them, and readings out of them."""

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Measured, Quality, Rejected, RejectReason
from ingest.extract import number
from ingest.quality import judge
from ingest.times import instant, settle
from ingest.units import UnknownUnitError, factor_offset


class Value(Struct, frozen=True, gc=False):
    """One value as sent: a quantity, its raw number and the unit the sender names.

    `at_ms` is the value's own time, where it has one. `ordinal` keeps equal instants apart.
    """

    quantity: str
    number: object
    unit: str = ""
    channel: str = ""
    at_ms: int | None = None
    ordinal: int = 0


_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\.\d{1,9})?Z")
_GOOD, _CLOCK = Quality.GOOD, Quality.CLOCK
_MAX_TIME = 64  # characters of a time that is remembered
_MAX_UNIT = 32  # of what is remembered
_EPOCH = re.compile(r"\d{10}(\d{3})?")


def moment(raw: object) -> int | Rejected:
    """Return ms UTC as telemetry platforms write it: also digits in a string, and compact UTC.

    >>> moment("20260901T000000Z") == moment("1788220800000") == moment(1788220800)
    True
    """
    if type(raw) is str and len(raw) <= _MAX_TIME:
        return _written(raw)
    return _moment(raw)


def _moment(raw: object) -> int | Rejected:
    if isinstance(raw, str) and raw[4:5] != "-":
        if _EPOCH.fullmatch(raw):
            return instant(int(raw))
        if compact := _COMPACT.fullmatch(raw):
            year, month, day, hour, minute, second, part = compact.groups()
            return instant(f"{year}-{month}-{day}T{hour}:{minute}:{second}{part or ''}Z")
    return instant(raw)


_written = lru_cache(maxsize=1_024)(_moment)  # the parts of a message often share a time


def readings(
    values: Iterable[Value | Rejected], *, received_ms: int, at_ms: int | None = None
) -> tuple[list[Measured], list[Rejected]]:
    """Return values as readings in canonical units, and what was refused.

    Of two values of one point and instant the first counts.

    `at_ms` is the time of the message, for values without one of their own.

    >>> found, refused = readings([Value("power", 2100, "W")], received_ms=1788220800000)
    >>> found[0].value, refused
    (2.1, [])
    """
    found: list[Measured] = []
    refused: list[Rejected] = []
    seen: set[tuple[str, str, int, int]] = set()
    values = list(values)
    stamp = settle(at_ms, received_ms)
    of_point: Counter[tuple[str, str]] | None = None
    for value in values:
        if type(value) is not Value:
            refused.append(value)  # type: ignore[arg-type]  # the only other
            continue
        own = stamp if value.at_ms is None else settle(value.at_ms, received_ms)
        if own[1] is _CLOCK and value.at_ms is not None:
            of_point = of_point or _counted(values)
            if of_point[value.quantity, value.channel] > 1:
                # A log's time that cannot be is none of now either.
                detail = f"{value.quantity}: a log's own time"
                refused.append(Rejected(RejectReason.BAD_TIME, detail))
                continue
        item = _reading(value, *own)
        if type(item) is Measured:
            key = (item.channel, item.quantity, item.at_ms, item.ordinal)
            if key not in seen:
                seen.add(key)
                found.append(item)
        elif item is not None:
            refused.append(item)  # type: ignore[arg-type]  # the only other
    return found, refused


def _counted(values: Iterable[Value | Rejected]) -> Counter[tuple[str, str]]:
    """Return how many values each point has."""
    return Counter((value.quantity, value.channel) for value in values if type(value) is Value)


def _reading(value: Value, at_ms: int, quality: Quality) -> Measured | Rejected | None:
    if value.number is None:
        return None  # a null says "no reading now"
    quantity, unit = value.quantity, value.unit
    scale = _scale(quantity, unit) if len(unit) <= _MAX_UNIT else _scale_of(quantity, unit)
    if isinstance(scale, Rejected):
        name = f"{value.channel} {quantity}".strip()
        detail = f"{name}: {scale.detail}" if scale.detail else name
        return Rejected(scale.reason, detail)
    factor, offset, state = scale
    raw = number(value.number, state=state)
    if isinstance(raw, Rejected):
        name = f"{value.channel} {quantity}".strip()
        return Rejected(raw.reason, f"{name}: {raw.detail}")
    canonical = raw * factor + offset
    verdict = judge(quantity, raw, canonical)
    if verdict is not _GOOD:
        if isinstance(verdict, Rejected):
            return verdict
        quality |= verdict
    return Measured(value.channel, quantity, at_ms, canonical, quality, value.ordinal)


def _scale_of(quantity: str, unit: str) -> tuple[float, float, bool] | Rejected:
    """Return factor and offset of a unit, and whether the quantity is a state; or why not."""
    about = QUANTITIES[quantity]
    if not unit and about.unit != "1":
        return Rejected(RejectReason.UNIT_MISSING)
    try:
        factor, offset = factor_offset(quantity, unit)
    except UnknownUnitError as error:
        return Rejected(RejectReason.UNKNOWN_UNIT, str(error))
    return factor, offset, about.kind is Kind.STATE


_scale = lru_cache(maxsize=1_024)(_scale_of)
