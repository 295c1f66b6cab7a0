"""Amounts of the site by quarter-hour: which meters make the total, and what each day used."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from analytics.similar_day import shaped
from caretaker.calendar import SchoolCalendar
from caretaker.clock import QUARTER_MS
from caretaker.vocabulary import Device, DeviceRole, Period, Point

_REGISTERS = {
    DeviceRole.ELECTRICITY: ("energy", "energy_delta"),
    DeviceRole.WATER: ("volume", "volume_delta"),
}
"""What counts a meter's consumption; the second only where there is no register."""


@dataclass(frozen=True, slots=True)
class Meter:
    """An adopted meter with the points whose amounts add up to its own."""

    device: Device
    points: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DayUse:
    """What some meters used on one local day, in slots from midnight [canonical unit].

    A slot is None where no meter has data; `covered_ms` is the time the worst meter has data.
    """

    day: date
    start_ms: int
    end_ms: int
    slots: tuple[float | None, ...]
    estimated: float
    covered_ms: int

    @property
    def total(self) -> float | None:
        """Return the amount of the day so far, None without any data."""
        known = [value for value in self.slots if value is not None]
        return sum(known) if known else None


def points_of(points: Sequence[Point], quantity: str) -> tuple[int, ...]:
    """Return the points that make up a quantity of a device: its total, or else all channels."""
    wanted = [p for p in points if p.quantity == quantity]
    total = [p.id for p in wanted if not p.channel]
    return tuple(total or [p.id for p in wanted])


def registers(device: Device, points: Sequence[Point]) -> tuple[int, ...]:
    """Return the points of a meter's consumption: its total, or else all its channels."""
    for quantity in _REGISTERS.get(device.role, ()):
        found = points_of(points, quantity)
        if found:
            return found
    return ()


def meters(
    devices: Iterable[Device], points: dict[int, list[Point]], role: DeviceRole
) -> list[Meter]:
    """Return the meters of a role that have a register."""
    found = [Meter(d, registers(d, points.get(d.id, []))) for d in devices if d.role is role]
    return [meter for meter in found if meter.points]


def roots(all_meters: Sequence[Meter]) -> list[Meter]:
    """Return the meters that no other known meter stands above; their sum is the site's total."""
    known = {meter.device.id for meter in all_meters}
    return [meter for meter in all_meters if meter.device.parent not in known]


def use_by_day(
    connection: sqlite3.Connection,
    points: Sequence[int],
    *,
    calendar: SchoolCalendar,
    first: date,
    last: date,
) -> list[DayUse]:
    """Return each local day's use of the points together, in quarter-hours from midnight.

    What passed in a gap of hours has the shape of a similar day (analytics/similar_day.py).
    """
    start_ms, end_ms = calendar.bounds(first)[0], calendar.bounds(last)[1]
    amounts: dict[int, float] = {}
    estimates: dict[int, float] = {}
    covered: dict[int, dict[int, int]] = {point: {} for point in points}
    for point in points:
        rows = connection.execute(
            "SELECT start_ms, amount, estimated, covered_ms, count FROM rollup WHERE point = ?"
            " AND period = ? AND start_ms >= ? AND start_ms < ?",
            (point, Period.QUARTER_HOUR.value, start_ms, end_ms),
        ).fetchall()
        gap = any(row[2] and not row[4] for row in rows)
        span = {"start_ms": start_ms, "end_ms": end_ms}
        likely: dict[int, float] = (
            shaped(connection, point, calendar=calendar, **span) if gap else {}
        )
        for at_ms, amount, estimated, covered_ms, _ in rows:
            even: float = amount
            moved = likely.get(at_ms, even)
            amounts[at_ms] = amounts.get(at_ms, 0.0) + moved
            estimates[at_ms] = estimates.get(at_ms, 0.0) + estimated + moved - amount
            covered[point][at_ms] = covered_ms
    result = []
    day = first
    while day <= last:
        low, high = calendar.bounds(day)
        starts = range(low, high, QUARTER_MS)
        result.append(
            DayUse(
                day=day,
                start_ms=low,
                end_ms=high,
                slots=tuple(amounts.get(at) for at in starts),
                estimated=sum(estimates.get(at, 0.0) for at in starts),
                covered_ms=min(
                    (sum(seen.get(at, 0) for at in starts) for seen in covered.values()), default=0
                ),
            )
        )
        day += timedelta(days=1)
    return result


def in_hours(slots: Sequence[float | None], per_hour: int = 4) -> tuple[float | None, ...]:
    """Return the slots added up to hours; an hour without any data is None.

    >>> in_hours([1.0, 2.0, None, None, None, None, None, None])
    (3.0, None)
    """
    result: list[float | None] = []
    for index in range(0, len(slots), per_hour):
        known = [value for value in slots[index : index + per_hour] if value is not None]
        result.append(sum(known) if known else None)
    return tuple(result)
