"""Cold storage by quarter-hour: is the food in its band, was it watched, had it to be."""

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.kpi_job.places import ColdUnit
from analytics.kpis.facts import Slots
from caretaker.clock import HOUR_MS, MINUTE_MS, QUARTER_MS
from storage.unit_records import RecordKind

_LAG_MIN = 60.0
"""Time constant with which food follows air where no probe is in it (rule-book 2.2)."""
_FOLLOWS = 1.0 - math.exp(-QUARTER_MS / MINUTE_MS / _LAG_MIN)
PROBE_HOLDS_MS = 4 * HOUR_MS
"""How long a probe taken by hand stands in for the sensor (rule-book 2.3, unconfirmed)."""

Record = tuple[str, int, int | None, float | None]
"""(kind, from [ms UTC], until, value [degC]) of what people recorded of a unit."""


@dataclass(frozen=True, slots=True, eq=False)
class ColdCourse:
    """A unit's minutes by quarter-hour of the loaded time: compliant, monitored, required."""

    compliant: Slots
    monitored: Slots
    required: Slots
    since_ms: int


@dataclass(frozen=True, slots=True)
class ColdMinutes:
    """Minutes of units together."""

    compliant: float = 0.0
    monitored: float = 0.0
    required: float = 0.0


def unit_history(connection: sqlite3.Connection, end_ms: int) -> dict[int, list[Record]]:
    """Return what people recorded of each unit before an instant: empty times, and probes."""
    rows = connection.execute(
        "SELECT device, kind, at_ms, until_ms, value FROM unit_record WHERE at_ms < ?"
        " AND kind IN (?, ?) ORDER BY at_ms",
        (end_ms, RecordKind.DECOMMISSIONED.value, RecordKind.PROBE.value),
    )
    result: dict[int, list[Record]] = {}
    for device, kind, at_ms, until_ms, value in rows:
        result.setdefault(device, []).append((kind, at_ms, until_ms, value))
    return result


def food_c(means: Slots, *, measured: bool) -> Slots:
    """Return the food's temperature [degC]: the probe's, or air behind a lag of 60 min.

    After a gap the food is taken to be as warm as the air.

    >>> food_c(np.array([4.0, 12.0, np.nan, 12.0]), measured=False).round(2).tolist()
    [4.0, 5.77, nan, 12.0]
    """
    if measured:
        return means
    found = means.copy()
    known: float | None = None
    for index, air in enumerate(means.tolist()):
        if math.isnan(air):
            known = None
            continue
        known = air if known is None else known + _FOLLOWS * (air - known)
        found[index] = known
    return found


def course(
    unit: ColdUnit, means: Slots, covered_ms: Slots, records: Sequence[Record], start_ms: int
) -> ColdCourse:
    """Return a unit's minutes by quarter-hour from `start_ms` on.

    A quarter-hour is in the band or not as a whole. Nothing is required of a unit recorded as
    empty; a probe in the band makes four unwatched hours after it compliant.
    """
    food = food_c(means, measured=unit.measured)
    inside = (food >= unit.low_c) & (food <= unit.high_c)
    monitored = covered_ms / MINUTE_MS
    compliant = np.where(inside, monitored, 0.0)
    required = np.full(len(means), QUARTER_MS / MINUTE_MS)
    starts = start_ms + np.arange(len(means)) * QUARTER_MS
    for kind, at_ms, _, value in records:
        probed = kind == RecordKind.PROBE.value and value is not None
        if probed and unit.low_c <= (value or 0.0) <= unit.high_c:
            filled = (starts > at_ms - QUARTER_MS) & (starts < at_ms + PROBE_HOLDS_MS)
            filled &= monitored == 0.0
            compliant = np.where(filled, required, compliant)
            monitored = np.where(filled, required, monitored)
    for kind, at_ms, until_ms, _ in records:
        if kind == RecordKind.DECOMMISSIONED.value:
            empty = (starts >= at_ms) & (starts < (2**62 if until_ms is None else until_ms))
            required = np.where(empty, 0.0, required)
            compliant = np.where(empty, 0.0, compliant)
            monitored = np.where(empty, 0.0, monitored)
    return ColdCourse(compliant, monitored, required, unit.device.first_heard_ms)


def minutes(courses: Sequence[ColdCourse], cut: slice, start_ms: int, end_ms: int) -> ColdMinutes:
    """Return the minutes of a day (its quarter-hours `cut`) up to `end_ms`, all units together."""
    compliant = monitored = required = 0.0
    slots = max(0, (end_ms - start_ms) // QUARTER_MS)
    for found in courses:
        first = max(0, -(-(found.since_ms - start_ms) // QUARTER_MS))
        part = slice(cut.start + first, cut.start + slots)
        if first < slots:
            compliant += float(found.compliant[part].sum())
            monitored += float(found.monitored[part].sum())
            required += float(found.required[part].sum())
    return ColdMinutes(min(compliant, required), min(monitored, required), required)
