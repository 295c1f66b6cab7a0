"""Every quarter-hour, hour and day of a point anew from its readings, against what is stored.

The rollups are kept up to date piece by piece. This is the same arithmetic in one go over all
readings: it shows whether a journal holds anything else, as one may that an earlier version wrote,
and puts it right. Readings and recorded events are not touched.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from zoneinfo import ZoneInfo

from caretaker.clock import HOUR_MS
from caretaker.vocabulary import Period
from storage import meter_events
from storage.fold import combine, day_edges
from storage.port import Arithmetic, Interval, Standing
from storage.rollup_marks import quarter_of
from storage.rollup_rows import Writer, good_rows, keep_standing, left_out, load

_ALL_MS = (-(2**62), 2**62)
_MANY = 4096


@dataclass(frozen=True, slots=True)
class DayChange:
    """A day of a point that was other than its readings give; None where there was, or is, none."""

    start_ms: int
    stored: Interval | None
    right: Interval | None


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What is stored of a point and differs: how many rows of each period, and its days."""

    point: int
    rows: dict[Period, int]
    days: tuple[DayChange, ...]

    @property
    def differs(self) -> bool:
        """Whether any number is other than it should be."""
        return any(self.rows.values())


def recompute(
    connection: sqlite3.Connection,
    point: int,
    *,
    zone: ZoneInfo,
    arithmetic: Arithmetic,
    writer: Writer | None = None,
) -> Recomputed:
    """Return what of a point's stored rollups differs from its readings; with `writer`, mend it.

    What is not marked to be computed anyway is meant: work off the marks before.
    """
    items, standings = _computed(connection, point, arithmetic)
    right = {
        Period.QUARTER_HOUR: items,
        Period.HOUR: _folded(items, zone, Period.HOUR),
        Period.DAY: _folded(items, zone, Period.DAY),
    }
    rows: dict[Period, int] = {}
    days: list[DayChange] = []
    for period, wanted in right.items():
        new = {item.start_ms: item for item in wanted}
        old = {item.start_ms: item for item in load(connection, point, period, *_ALL_MS)}
        differ = sorted(at for at in old.keys() | new.keys() if old.get(at) != new.get(at))
        rows[period] = len(differ)
        if period is Period.DAY:
            days = [DayChange(at, old.get(at), new.get(at)) for at in differ]
        if writer is not None and differ:
            low, high = _ALL_MS
            writer.replace(connection, point, period, wanted, start_ms=low, end_ms=high)
    if writer is not None:
        connection.execute("DELETE FROM meter_state WHERE point = ?", (point,))
        for start_ms, standing in standings.items():
            keep_standing(connection, point, start_ms, standing)
    return Recomputed(point, rows, tuple(days))


def _computed(
    connection: sqlite3.Connection, point: int, arithmetic: Arithmetic
) -> tuple[list[Interval], dict[int, Standing]]:
    """Return the quarter-hours, and the standings after those where it is not the plain one."""
    quantity, facts = meter_events.facts(connection, point)
    running = arithmetic.running(quantity, facts)
    low, high = _ALL_MS
    rows = good_rows(connection, point, after=(low, -2), until_ms=high, out=left_out(facts))
    items: list[Interval] = []
    standings: dict[int, Standing] = {}
    taken = 0
    for quarter, group in groupby(rows, key=quarter_of):
        batch = list(group)
        running.push(batch)
        standing = running.standing()
        if standing is not None:
            standings[quarter] = standing
        taken += len(batch)
        if taken >= _MANY:
            items += running.closed()
            taken = 0
    items += running.closed()
    items += running.open()
    if facts.corrections:
        items = arithmetic.corrected(items, facts, start_ms=low, end_ms=high)
    return items, standings


def _folded(items: Sequence[Interval], zone: ZoneInfo, period: Period) -> list[Interval]:
    """Return the hours or local days that quarter-hours make."""
    found: list[Interval] = []
    inside: list[Interval] = []
    low = high = 0
    for item in items:
        if item.start_ms >= high or not inside:
            if inside:
                found.append(combine(inside, start_ms=low, end_ms=high))
            inside = []
            if period is Period.HOUR:
                low = item.start_ms - item.start_ms % HOUR_MS
                high = low + HOUR_MS
            else:
                low, high = day_edges(item.start_ms, item.start_ms, zone)[:2]
        inside.append(item)
    if inside:
        found.append(combine(inside, start_ms=low, end_ms=high))
    return found
