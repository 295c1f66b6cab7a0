"""A point's past, bounded: raw or rolled up, never more than the page can draw."""

import sqlite3
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from analytics.similar_day import shaped
from api import schemas
from caretaker.calendar import SchoolCalendar
from caretaker.clock import DAY_MS, HOUR_MS, QUARTER_MS
from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Period, Point
from ingest.reasons import REASONS
from storage import rollup
from storage.port import Interval

_RAW_MOST = 200_000
_LENGTHS = {Period.QUARTER_HOUR: QUARTER_MS, Period.HOUR: HOUR_MS, Period.DAY: DAY_MS}


def downsample(rows: Sequence[tuple[int, float]], most: int) -> list[tuple[int, float]]:
    """Return at most about `most` rows, keeping the lowest and highest of each bucket.

    >>> downsample([(i, float(i == 50)) for i in range(100)], 10)[2:5]
    [(40, 0.0), (50, 1.0), (60, 0.0)]
    """
    if len(rows) <= most:
        return list(rows)
    size = -(-len(rows) * 2 // most)
    kept: list[tuple[int, float]] = []
    for index in range(0, len(rows), size):
        bucket = rows[index : index + size]
        low = min(bucket, key=lambda row: row[1])
        high = max(bucket, key=lambda row: row[1])
        kept += sorted({low, high})
    return kept


def reason_names(codes: Iterable[str]) -> list[schemas.ReasonName]:
    """Return reason codes in both languages.

    >>> [(name.code, name.en) for name in reason_names({"rollover", ""})]
    [('rollover', 'the register passed its last digit')]
    """
    return [
        schemas.ReasonName(code=code, zh=REASONS[code][0], en=REASONS[code][1])
        for code in sorted(codes)
        if code in REASONS
    ]


def choose(start_ms: int, end_ms: int, most: int) -> str:
    """Return the finest resolution that fits into `most` values.

    >>> choose(0, DAY_MS, 2000), choose(0, 365 * DAY_MS, 2000)
    ('raw', 'day')
    """
    span = end_ms - start_ms
    if span <= 2 * DAY_MS:
        return "raw"
    for period, length in _LENGTHS.items():
        if span / length <= most:
            return period.value
    return Period.DAY.value


def _likely(
    connection: sqlite3.Connection,
    point: Point,
    items: Sequence[Interval],
    period: Period,
    calendar: SchoolCalendar,
) -> list[Interval]:
    """Return intervals with long gaps in the shape of similar days; days stay as they are."""
    if period is Period.DAY:
        return list(items)
    start_ms, end_ms = items[0].start_ms, items[-1].end_ms
    parts = shaped(connection, point.id, calendar=calendar, start_ms=start_ms, end_ms=end_ms)
    if not parts:
        return list(items)
    even = {
        quarter.start_ms: quarter.amount
        for quarter in rollup.load(connection, point.id, Period.QUARTER_HOUR, start_ms, end_ms)
    }
    moved: dict[int, float] = defaultdict(float)
    starts = [item.start_ms for item in items]
    for at_ms, amount in parts.items():
        moved[starts[bisect_right(starts, at_ms) - 1]] += amount - even[at_ms]
    return [
        replace(
            item,
            amount=item.amount + moved.get(item.start_ms, 0.0),
            estimated=item.estimated + moved.get(item.start_ms, 0.0),
        )
        for item in items
    ]


def history(
    connection: sqlite3.Connection,
    point: Point,
    *,
    start_ms: int,
    end_ms: int,
    resolution: str,
    most: int,
    calendar: SchoolCalendar,
) -> schemas.History:
    """Return a point's history in columns; a long gap of a meter has a similar day's shape."""
    quantity = QUANTITIES[point.quantity]
    if resolution == "auto":
        resolution = choose(start_ms, end_ms, most)
    at: list[int] = []
    value: list[float | None] = []
    low: list[float | None] = []
    high: list[float | None] = []
    quality: list[int] = []
    reason: list[str] = []
    if resolution == "raw":
        rows = connection.execute(
            "SELECT at_ms, value, quality FROM reading WHERE point = ? AND at_ms >= ?"
            " AND at_ms < ? ORDER BY at_ms DESC LIMIT ?",
            (point.id, start_ms, end_ms, _RAW_MOST),
        ).fetchall()
        rows.reverse()
        marks = {row[0]: row[2] for row in rows}
        for at_ms, reading in downsample([(r[0], r[1]) for r in rows], most):
            at.append(at_ms)
            value.append(reading)
            quality.append(marks[at_ms])
        low, high, reason = list(value), list(value), [""] * len(value)
    else:
        counter = quantity.kind in {Kind.COUNTER, Kind.DELTA}
        items = rollup.load(connection, point.id, Period(resolution), start_ms, end_ms)[-most:]
        if counter and any(item.estimated for item in items):
            items = _likely(connection, point, items, Period(resolution), calendar)
        for item in items:
            at.append(item.start_ms)
            value.append(item.amount if counter else item.mean)
            low.append(item.amount if counter else item.low)
            high.append(item.amount if counter else item.high)
            quality.append(1 if item.estimated else 0)
            reason.append(item.reason)
    return schemas.History(
        point=point.id,
        quantity=point.quantity,
        unit=quantity.unit,
        resolution=resolution,
        start_ms=start_ms,
        end_ms=end_ms,
        at_ms=at,
        value=value,
        low=low,
        high=high,
        quality=quality,
        reason=reason,
        names=reason_names({code for codes in set(reason) for code in codes.split("+")}),
    )
