"""A day's facts from the journal: rollups by quarter-hour, devices by day, incidents."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from analytics.kpi_job.cold import ColdCourse, course, minutes, unit_history
from analytics.kpi_job.places import Place
from analytics.kpis.facts import Clock, DayFacts, Flow, Leak, Slots
from analytics.kpis.inputs import ScopeKind
from analytics.meters import Meter
from analytics.similar_day import shaped
from caretaker.calendar import SchoolCalendar
from caretaker.clock import HOUR_MS, QUARTER_MS
from caretaker.config import SiteSettings
from caretaker.vocabulary import DeviceStatus, Period, Severity
from storage import incidents

_WARM_UP_MS = 6 * HOUR_MS
"""Loaded before the first day, for the lag of food behind air to settle."""


@dataclass(frozen=True, slots=True)
class _Quarters:
    """A point's quarter-hours over the loaded time, NaN and 0 where nothing is stored."""

    amounts: Slots
    estimated: Slots
    covered_ms: Slots
    means: Slots


@dataclass(frozen=True, slots=True)
class _Incident:
    device: int
    clock: Clock
    since_ms: int
    flow_l_h: float


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What was read of one day: `cut` are its quarter-hours within the loaded time."""

    quarters: Mapping[int, _Quarters]
    cold: Mapping[int, ColdCourse]
    covered: Mapping[int, int]
    happened: Sequence[_Incident]
    cut: slice
    settled_ms: int

    def of(self, place: Place, base: DayFacts) -> DayFacts:
        """Return a place's share of the day."""
        bounds = (base.start_ms, base.end_ms)
        until_ms = min(base.end_ms, self.settled_ms)
        campus = place.scope.kind is ScopeKind.CAMPUS
        cold = minutes([self.cold[u.device.id] for u in place.cold], self.cut, bounds[0], until_ms)
        covered, expected = _coverage(place, self.covered, base.start_ms, until_ms)
        return replace(
            base,
            pupils=base.pupils if campus else place.pupils,
            staff=base.staff if campus else 0,
            flows=_flows(place.flows, self.quarters, self.cut, bounds),
            below=_flows(place.below, self.quarters, self.cut, bounds),
            compliant_min=cold.compliant,
            monitored_min=cold.monitored,
            required_min=cold.required,
            covered_ms=covered,
            expected_ms=expected,
            clocks=tuple(
                item.clock
                for item in self.happened
                if base.start_ms <= item.clock.opened_ms < base.end_ms
                and _inside(place, item.device)
            ),
            leaks=_leaks(place, self.happened, base.start_ms, until_ms),
        )


def load_days(
    connection: sqlite3.Connection,
    found: Sequence[Place],
    *,
    first: date,
    last: date,
    site: SiteSettings,
    calendar: SchoolCalendar,
    settled_ms: int,
) -> dict[date, dict[tuple[str, str], DayFacts]]:
    """Return the facts of each place on each local day from `first` to `last`."""
    start_ms, end_ms = calendar.bounds(first)[0], calendar.bounds(last)[1]
    from_ms = start_ms - _WARM_UP_MS
    wanted = {
        point
        for place in found
        for meters in (*place.flows.values(), *place.below.values())
        for meter in meters
        for point in meter.points
    } | {unit.point for place in found for unit in place.cold}
    quarters = {
        point: _quarters(connection, point, from_ms, end_ms, calendar=calendar) for point in wanted
    }
    units = {unit.device.id: unit for place in found for unit in place.cold}
    records = unit_history(connection, end_ms)
    cold = {
        number: course(
            unit,
            quarters[unit.point].means,
            quarters[unit.point].covered_ms,
            records.get(number, ()),
            from_ms,
        )
        for number, unit in units.items()
    }
    every = {point for place in found for points in place.points.values() for point in points}
    covered = _covered(connection, every, start_ms, end_ms)
    happened = _incidents(connection, start_ms, end_ms)
    result: dict[date, dict[tuple[str, str], DayFacts]] = {}
    day = first
    while day <= last:
        low, high = calendar.bounds(day)
        cut = slice((low - from_ms) // QUARTER_MS, (high - from_ms) // QUARTER_MS)
        pupils, staff = people(site, day)
        base = DayFacts(
            day=day,
            kind=calendar.kind(day),
            start_ms=low,
            end_ms=high,
            open_ms=calendar.open_hours(day),
            pupils=pupils,
            staff=staff,
        )
        loaded = _Loaded(quarters, cold, covered.get(low, {}), happened, cut, settled_ms)
        result[day] = {place.key: loaded.of(place, base) for place in found}
        day += timedelta(days=1)
    return result


def people(site: SiteSettings, day: date) -> tuple[int, int]:
    """Return (pupils, staff) of a day: the term's own head-count, else the site's."""
    for term in site.calendar.terms:
        if term.start <= day <= term.end:
            return term.pupils or site.pupils, term.staff or site.staff
    return site.pupils, site.staff


def _quarters(
    connection: sqlite3.Connection,
    point: int,
    start_ms: int,
    end_ms: int,
    *,
    calendar: SchoolCalendar,
) -> _Quarters:
    count = (end_ms - start_ms) // QUARTER_MS
    rows = connection.execute(
        "SELECT start_ms, amount, estimated, covered_ms, mean, count FROM rollup WHERE point = ?"
        " AND period = ? AND start_ms >= ? AND start_ms < ?",
        (point, Period.QUARTER_HOUR.value, start_ms, end_ms),
    ).fetchall()
    amounts, means = np.full(count, np.nan), np.full(count, np.nan)
    estimated, covered = np.zeros(count), np.zeros(count)
    if rows:
        table = np.array([tuple(row) for row in rows], dtype=np.float64)
        index = ((table[:, 0] - start_ms) // QUARTER_MS).astype(np.int64)
        amounts[index], estimated[index] = table[:, 1], table[:, 2]
        covered[index], means[index] = table[:, 3], table[:, 4]
        if ((table[:, 2] > 0) & (table[:, 5] == 0)).any():
            span = {"start_ms": start_ms, "end_ms": end_ms}
            likely = shaped(connection, point, calendar=calendar, **span)
            for at_ms, amount in likely.items():
                slot = (at_ms - start_ms) // QUARTER_MS
                amounts[slot] = estimated[slot] = amount
    return _Quarters(amounts, estimated, covered, means)


def _flows(
    meters: Mapping[str, Sequence[Meter]],
    quarters: Mapping[int, _Quarters],
    cut: slice,
    bounds: tuple[int, int],
) -> dict[str, Flow]:
    found = {
        quantity: _flow([m for m in known if _counts(m, quarters, cut, bounds)], quarters, cut)
        for quantity, known in meters.items()
    }
    return {quantity: flow for quantity, flow in found.items() if flow is not None}


def _counts(
    meter: Meter, quarters: Mapping[int, _Quarters], cut: slice, bounds: tuple[int, int]
) -> bool:
    """Return whether a meter is expected on a day: it was there, or has data of it."""
    device = meter.device
    heard = device.first_heard_ms < bounds[1] and device.status is not DeviceStatus.RETIRED
    return heard or any(not np.isnan(quarters[p].amounts[cut]).all() for p in meter.points)


def _flow(meters: Sequence[Meter], quarters: Mapping[int, _Quarters], cut: slice) -> Flow | None:
    """Return what meters moved together; a meter without data keeps the coverage at zero."""
    if not meters:
        return None
    count = cut.stop - cut.start
    points = [point for meter in meters for point in meter.points]
    amounts = np.array([quarters[point].amounts[cut] for point in points]).reshape(-1, count)
    covered = [quarters[point].covered_ms[cut] for point in points]
    covered += [np.zeros(count) for meter in meters if not meter.points]
    nothing = np.isnan(amounts).all(axis=0)
    missing = tuple(
        meter.device.name or meter.device.key
        for meter in meters
        if all(np.isnan(quarters[point].amounts[cut]).all() for point in meter.points)
    )
    return Flow(
        amounts=np.where(nothing, np.nan, np.nansum(amounts, axis=0)),
        estimated=sum((quarters[p].estimated[cut] for p in points), start=np.zeros(count)),
        covered_ms=np.min(covered, axis=0),
        missing=missing,
    )


def _covered(
    connection: sqlite3.Connection, points: Iterable[int], start_ms: int, end_ms: int
) -> dict[int, dict[int, int]]:
    """Return the time with data by day and point [ms]."""
    result: dict[int, dict[int, int]] = {}
    for point in points:
        for at_ms, covered_ms in connection.execute(
            "SELECT start_ms, covered_ms FROM rollup WHERE point = ? AND period = ?"
            " AND start_ms >= ? AND start_ms < ?",
            (point, Period.DAY.value, start_ms, end_ms),
        ):
            result.setdefault(at_ms, {})[point] = covered_ms
    return result


def _coverage(
    place: Place, covered: Mapping[int, int], start_ms: int, end_ms: int
) -> tuple[int, int]:
    """Add up the devices heard by then; each counts by the point that is known best."""
    seen = expected = 0
    for device, points in place.points.items():
        since = place.heard.get(device)
        if not points or since is None or end_ms <= max(start_ms, since):
            continue
        due = end_ms - max(start_ms, since)
        expected += due
        seen += min(due, max((covered.get(point, 0) for point in points), default=0))
    return seen, expected


def _inside(place: Place, device: int) -> bool:
    return device in place.devices or (device == 0 and place.scope.kind is ScopeKind.CAMPUS)


def _incidents(connection: sqlite3.Connection, start_ms: int, end_ms: int) -> list[_Incident]:
    rows = connection.execute(
        "SELECT device, severity, since_ms, opened_ms, recovered_ms, closed_ms, evidence,"  # noqa: S608
        " (SELECT min(at_ms) FROM incident_event e WHERE e.incident = incident.id"
        " AND e.kind = 'acknowledged') FROM incident"
        " WHERE since_ms < ? AND (coalesce(recovered_ms, closed_ms, ?) >= ? OR opened_ms >= ?)"
        f" AND state <> ? AND {incidents.REAL}",
        (end_ms, end_ms, start_ms, start_ms, incidents.PENDING),
    )
    return [
        _Incident(
            device=row[0],
            clock=Clock(row[3], Severity(row[1]), row[7], row[4], row[5]),
            since_ms=row[2],
            flow_l_h=float(json.loads(row[6]).get("flow_l_h") or 0.0),
        )
        for row in rows
    ]


def _leaks(
    place: Place, happened: Iterable[_Incident], start_ms: int, end_ms: int
) -> tuple[Leak, ...]:
    """Return when and how much water ran away: incidents whose evidence names a flow."""
    found = []
    for item in happened:
        ended = item.clock.recovered_ms or item.clock.closed_ms or end_ms
        low, high = max(item.since_ms, start_ms), min(ended, end_ms)
        if item.flow_l_h > 0 and low < high and _inside(place, item.device):
            found.append(Leak(low, high, item.flow_l_h))
    return tuple(found)
