"""Quarter-hours, hours and days, recomputed exactly where late data touches them."""

import sqlite3
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from caretaker.clock import DAY_MS, HOUR_MS, QUARTER_MS
from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Period, Quality, Reading
from storage.port import Arithmetic, Interval

_BAD = int(Quality.SUSPECT | Quality.RETAINED)
_COLUMNS = "start_ms, end_ms, count, mean, low, high, last, amount, estimated, covered_ms, reason"


def day_edges(start_ms: int, end_ms: int, zone: ZoneInfo) -> list[int]:
    """Return the local midnights [ms UTC] from the day of `start_ms` to the end of `end_ms`'s.

    >>> edges = day_edges(1774666800000, 1774666800000, ZoneInfo("Europe/Berlin"))
    >>> (edges[1] - edges[0]) // 3_600_000  # 29 March 2026: 24 h minus the hour of DST is next day
    24
    """
    day = datetime.fromtimestamp(start_ms / 1000, tz=UTC).astimezone(zone).date()
    edges: list[int] = []
    while True:
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        edges.append(int(midnight.timestamp() * 1000))
        if edges[-1] > end_ms:
            return edges
        day += timedelta(days=1)


def combine(parts: Sequence[Interval], *, start_ms: int, end_ms: int) -> Interval:
    """Return the interval that the parts make together; amounts add, means weigh by coverage.

    >>> a = Interval(0, 10, count=1, mean=2.0, low=1.0, high=3.0, amount=1.0, covered_ms=10)
    >>> b = Interval(10, 20, count=1, mean=4.0, low=4.0, high=5.0, amount=2.0, covered_ms=10)
    >>> both = combine([a, b], start_ms=0, end_ms=20)
    >>> (both.mean, both.low, both.high, both.amount, both.covered_ms)
    (3.0, 1.0, 5.0, 3.0, 20)
    """
    weight = sum(part.covered_ms for part in parts)
    if weight:
        mean = sum(part.mean * part.covered_ms for part in parts) / weight
    else:
        mean = sum(part.mean for part in parts) / len(parts)
    reasons = sorted({name for part in parts for name in part.reason.split("+") if name})
    return Interval(
        start_ms=start_ms,
        end_ms=end_ms,
        count=sum(part.count for part in parts),
        mean=mean,
        low=min(part.low for part in parts),
        high=max(part.high for part in parts),
        last=parts[-1].last,
        amount=sum(part.amount for part in parts),
        estimated=sum(part.estimated for part in parts),
        covered_ms=weight,
        reason="+".join(reasons),
    )


class Roller:
    """Recomputes dirty intervals in the caller's transaction."""

    def __init__(self, *, zone: ZoneInfo, arithmetic: Arithmetic) -> None:
        self._zone = zone
        self._arithmetic = arithmetic

    def drain(self, connection: sqlite3.Connection, *, limit: int) -> list[tuple[int, int]]:
        """Recompute up to about `limit` marks; return the marks that are clean now."""
        marks = connection.execute(
            "SELECT point, start_ms FROM rollup_dirty ORDER BY point, start_ms LIMIT ?", (limit,)
        ).fetchall()
        by_point: dict[int, list[int]] = defaultdict(list)
        for point, start_ms in marks:
            by_point[point].append(start_ms)
        for point, starts in by_point.items():
            row = connection.execute("SELECT quantity FROM point WHERE id = ?", (point,)).fetchone()
            kind = QUANTITIES[row[0]].kind
            for low, high in _runs(starts):
                self._recompute(connection, point, kind, low, high + QUARTER_MS)
        connection.executemany("DELETE FROM rollup_dirty WHERE point = ? AND start_ms = ?", marks)
        return marks

    def _recompute(
        self, connection: sqlite3.Connection, point: int, kind: Kind, low: int, high: int
    ) -> None:
        before = _neighbour(connection, point, low, newest=True)
        after = _neighbour(connection, point, high, newest=False)
        start = low if before is None else before - before % QUARTER_MS
        end = high if after is None else after - after % QUARTER_MS + QUARTER_MS
        first = _neighbour(connection, point, start, newest=True)
        last = _neighbour(connection, point, end, newest=False)
        readings = [
            Reading(point, at_ms, value, Quality(quality))
            for at_ms, value, quality in connection.execute(
                "SELECT at_ms, value, quality FROM reading WHERE point = ? AND at_ms >= ?"
                " AND at_ms <= ? AND quality & ? = 0 ORDER BY at_ms, ordinal",
                (point, start if first is None else first, end if last is None else last, _BAD),
            )
        ]
        edges = list(range(start, end + 1, QUARTER_MS))
        quarters = [
            item
            for item in self._arithmetic(kind, readings, edges)
            if item.count or item.covered_ms or item.amount
        ]
        _replace(connection, point, Period.QUARTER_HOUR, start, end, quarters)
        days = day_edges(start, end - 1, self._zone)
        hour_start, hour_end = start - start % HOUR_MS, -(-end // HOUR_MS) * HOUR_MS
        wide = load(
            connection,
            point,
            Period.QUARTER_HOUR,
            min(days[0], hour_start),
            max(days[-1], hour_end),
        )
        hours = list(range(hour_start, hour_end + 1, HOUR_MS))
        _replace(connection, point, Period.HOUR, hours[0], hours[-1], _grouped(wide, hours))
        _replace(connection, point, Period.DAY, days[0], days[-1], _grouped(wide, days))


def _runs(starts: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Join marks less than a day apart: one recomputation costs less than many."""
    low = high = starts[0]
    for start in starts[1:]:
        if start - high > DAY_MS:
            yield low, high
            low = start
        high = start
    yield low, high


def _neighbour(
    connection: sqlite3.Connection, point: int, at_ms: int, *, newest: bool
) -> int | None:
    sql = (
        "SELECT at_ms FROM reading WHERE point = ? AND at_ms < ? AND quality & ? = 0"
        " ORDER BY at_ms DESC LIMIT 1"
        if newest
        else "SELECT at_ms FROM reading WHERE point = ? AND at_ms >= ? AND quality & ? = 0"
        " ORDER BY at_ms LIMIT 1"
    )
    row = connection.execute(sql, (point, at_ms, _BAD)).fetchone()
    return None if row is None else int(row[0])


def _grouped(parts: Sequence[Interval], edges: Sequence[int]) -> list[Interval]:
    groups: dict[int, list[Interval]] = defaultdict(list)
    for part in parts:
        index = bisect_right(edges, part.start_ms) - 1
        if 0 <= index < len(edges) - 1:
            groups[index].append(part)
    spans = list(pairwise(edges))
    return [
        combine(group, start_ms=spans[index][0], end_ms=spans[index][1])
        for index, group in groups.items()
    ]


def _replace(
    connection: sqlite3.Connection,
    point: int,
    period: Period,
    start: int,
    end: int,
    items: Iterable[Interval],
) -> None:
    connection.execute(
        "DELETE FROM rollup WHERE point = ? AND period = ? AND start_ms >= ? AND start_ms < ?",
        (point, period.value, start, end),
    )
    connection.executemany(
        f"INSERT INTO rollup (point, period, {_COLUMNS})"  # noqa: S608  (constant column list)
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                point,
                period.value,
                i.start_ms,
                i.end_ms,
                i.count,
                i.mean,
                i.low,
                i.high,
                i.last,
                i.amount,
                i.estimated,
                i.covered_ms,
                i.reason,
            )
            for i in items
        ],
    )


def load(
    connection: sqlite3.Connection, point: int, period: Period, start_ms: int, end_ms: int
) -> list[Interval]:
    """Return the stored intervals of a point that start in [start_ms, end_ms)."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM rollup"  # noqa: S608  (a constant column list)
        " WHERE point = ? AND period = ? AND start_ms >= ? AND start_ms < ? ORDER BY start_ms",
        (point, period.value, start_ms, end_ms),
    )
    return [Interval(*row) for row in rows]
