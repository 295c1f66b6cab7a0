"""What every codec ends with: values as the device said them, and readings out of them."""

import re
from collections import Counter
from collections.abc import Iterable

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
_EPOCH = re.compile(r"\d{10}(\d{3})?")


def moment(raw: object) -> int | Rejected:
    """Return ms UTC as telemetry platforms write it: also digits in a string, and compact UTC.

    >>> moment("20260901T000000Z") == moment("1788220800000") == moment(1788220800)
    True
    """
    if isinstance(raw, str):
        if _EPOCH.fullmatch(raw):
            return instant(int(raw))
        if compact := _COMPACT.fullmatch(raw):
            year, month, day, hour, minute, second, part = compact.groups()
            return instant(f"{year}-{month}-{day}T{hour}:{minute}:{second}{part or ''}Z")
    return instant(raw)


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
    of_point = Counter((v.quantity, v.channel) for v in values if isinstance(v, Value))
    for value in values:
        if isinstance(value, Rejected):
            refused.append(value)
            continue
        if of_point[value.quantity, value.channel] > 1 and _misplaced(value, received_ms):
            refused.append(Rejected(RejectReason.BAD_TIME, f"{value.quantity}: a log's own time"))
            continue
        item = _reading(value, received_ms=received_ms, at_ms=at_ms)
        if isinstance(item, Rejected):
            refused.append(item)
        elif item is not None:
            key = (item.channel, item.quantity, item.at_ms, item.ordinal)
            if key not in seen:
                seen.add(key)
                found.append(item)
    return found, refused


def _misplaced(value: Value, received_ms: int) -> bool:
    """Return whether a value of a log has a time that cannot be; it is then none of now either."""
    if value.at_ms is None:
        return False
    return bool(settle(value.at_ms, received_ms)[1] & Quality.CLOCK)


def _reading(value: Value, *, received_ms: int, at_ms: int | None) -> Measured | Rejected | None:
    if value.number is None:
        return None  # a null says "no reading now"
    name = f"{value.channel} {value.quantity}".strip()
    if not value.unit and QUANTITIES[value.quantity].unit != "1":
        return Rejected(RejectReason.UNIT_MISSING, name)
    try:
        factor, offset = factor_offset(value.quantity, value.unit)
    except UnknownUnitError as error:
        return Rejected(RejectReason.UNKNOWN_UNIT, f"{name}: {error}")
    raw = number(value.number, state=QUANTITIES[value.quantity].kind is Kind.STATE)
    if isinstance(raw, Rejected):
        return Rejected(raw.reason, f"{name}: {raw.detail}")
    canonical = raw * factor + offset
    verdict = judge(value.quantity, raw, canonical)
    if isinstance(verdict, Rejected):
        return verdict
    instant, quality = settle(at_ms if value.at_ms is None else value.at_ms, received_ms)
    return Measured(
        value.channel, value.quantity, instant, canonical, quality | verdict, value.ordinal
    )
