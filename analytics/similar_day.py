"""A long gap gets the shape of a similar day; what the register moved in it stays what it is.

The journal spreads what passed in a gap evenly over it, which depends on the readings around the
gap alone. For a gap of more than two hours an even spread puts a school day's use into its night.
Here, when a day is looked at, its part of that amount takes the shape of the nearest day of the
same kind (rule-book 3.5; Energy Sparks, `validate_amr_data.rb`): conserved exactly, and estimated
as before. Every day keeps its total, so that a day has one number wherever it is shown.
"""

import math
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import groupby

from caretaker.calendar import SchoolCalendar
from caretaker.clock import DAY_MS, HOUR_MS, QUARTER_MS
from caretaker.vocabulary import Period

LEAST_MS = 2 * HOUR_MS
"""A shorter gap stays spread evenly (linear interpolation, rule-book 3.5)."""
REACH_DAYS = 100
_LONGEST_MS = 50 * DAY_MS  # beyond it nothing is spread at all (ingest/metering.py)


@dataclass(frozen=True, slots=True)
class Slot:
    """A quarter-hour of a register: its amount, the estimated part of it, readings in it."""

    start_ms: int
    amount: float
    estimated: float
    count: int

    @property
    def inside(self) -> bool:
        """Whether it lies wholly inside a gap: nothing was read in it, all of it is estimated."""
        return not self.count and self.estimated > 0 and self.estimated == self.amount


def share_out(total: float, weights: Sequence[float]) -> list[float]:
    """Return a total in parts as their weights; the parts add up to the total exactly.

    They are whole multiples of the total's last binary digit, so no sum of them is rounded.
    Weights that add up to nothing make even parts.

    >>> share_out(6.0, [0.0, 1.0, 2.0]), share_out(1.0, [0.0, 0.0])
    ([0.0, 2.0, 4.0], [0.5, 0.5])
    """
    grain = math.ulp(total)
    shape = [Fraction(weight) for weight in weights]
    if not sum(shape):
        shape = [Fraction(1)] * len(weights)
    grains, whole = int(total / grain), sum(shape)
    before, passed, parts = 0, Fraction(0), []
    for weight in shape:
        passed += weight
        until = int(grains * passed / whole)
        parts.append((until - before) * grain)
        before = until
    return parts


def nearest(
    day: date, calendar: SchoolCalendar, whole: Callable[[date], bool], *, reach: int = REACH_DAYS
) -> date | None:
    """Return the nearest day of the same kind that is `whole`: +1, -1, +2 and so on, or None.

    >>> from zoneinfo import ZoneInfo
    >>> from caretaker.config import CalendarSettings
    >>> calendar = SchoolCalendar(CalendarSettings(), ZoneInfo("Asia/Shanghai"))
    >>> str(nearest(date(2026, 11, 21), calendar, lambda day: day.day != 22))
    '2026-11-15'
    """
    kind = calendar.kind(day)
    for distance in range(1, reach + 1):
        for step in (distance, -distance):
            other = day + timedelta(days=step)
            if calendar.kind(other) is kind and whole(other):
                return other
    return None


def shaped(
    connection: sqlite3.Connection,
    point: int,
    *,
    calendar: SchoolCalendar,
    start_ms: int,
    end_ms: int,
) -> dict[int, float]:
    """Return the amounts of the quarter-hours in [start_ms, end_ms) that long gaps hold.

    Only quarter-hours inside gaps of more than two hours are named; the caller keeps all others.
    """
    known: dict[date, list[Slot]] = {}

    def slots(day: date) -> list[Slot]:
        if day not in known:
            low, high = calendar.bounds(day)
            known[day] = list(_load(connection, point, low, high))
        return known[day]

    def whole(day: date) -> bool:
        low, high = calendar.bounds(day)
        found = slots(day)
        return len(found) == (high - low) // QUARTER_MS and not any(s.estimated for s in found)

    result: dict[int, float] = {}
    for run in _runs(connection, point, start_ms, end_ms):
        if len(run) * QUARTER_MS <= LEAST_MS:
            continue
        for day, part in groupby(run, lambda slot: calendar.day_of(slot.start_ms)):
            own = list(part)
            twin = nearest(day, calendar, whole)
            if twin is None:
                continue
            low, high = calendar.bounds(day)[0], calendar.bounds(twin)[0]
            shape = {slot.start_ms - high: slot.amount for slot in slots(twin)}
            # A day of one hour more than its twin ends as the twin ends.
            weights = [shape.get(slot.start_ms - low, shape[max(shape)]) for slot in own]
            parts = share_out(math.fsum(slot.amount for slot in own), weights)
            result |= {slot.start_ms: part for slot, part in zip(own, parts, strict=True)}
    return {at_ms: amount for at_ms, amount in result.items() if start_ms <= at_ms < end_ms}


def _runs(
    connection: sqlite3.Connection, point: int, start_ms: int, end_ms: int
) -> Iterator[list[Slot]]:
    """Give each run of quarter-hours inside a gap that reaches into [start_ms, end_ms), whole."""
    low, high = start_ms, end_ms
    while low > start_ms - _LONGEST_MS and _inside(connection, point, low - QUARTER_MS):
        low -= QUARTER_MS
    while high < end_ms + _LONGEST_MS and _inside(connection, point, high):
        high += QUARTER_MS
    run: list[Slot] = []
    for slot in _load(connection, point, low, high):
        if run and (not slot.inside or slot.start_ms != run[-1].start_ms + QUARTER_MS):
            yield run
            run = []
        if slot.inside:
            run.append(slot)
    if run:
        yield run


def _inside(connection: sqlite3.Connection, point: int, at_ms: int) -> bool:
    return any(slot.inside for slot in _load(connection, point, at_ms, at_ms + QUARTER_MS))


def _load(connection: sqlite3.Connection, point: int, start_ms: int, end_ms: int) -> Iterator[Slot]:
    rows = connection.execute(
        "SELECT start_ms, amount, estimated, count FROM rollup WHERE point = ? AND period = ?"
        " AND start_ms >= ? AND start_ms < ? ORDER BY start_ms",
        (point, Period.QUARTER_HOUR.value, start_ms, end_ms),
    )
    return (Slot(*row) for row in rows)
