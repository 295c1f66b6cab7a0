"""Electricity and water of a day, against usual days of its kind."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from analytics.meters import DayUse, Meter, in_hours, meters, roots, use_by_day
from analytics.usual_day import PAST_DAYS, Usual, similar, so_far, usual, usual_slots
from api import schemas
from api.device_view import adopted, points_by_device
from caretaker.calendar import DayKind, SchoolCalendar
from caretaker.clock import HOUR_MS, QUARTER_MS
from caretaker.config import SiteSettings
from caretaker.vocabulary import DeviceRole

_SHOWN_DAYS = 28
_ENOUGH = 0.9  # share of a day with data, below which it is no example of a usual day

UNITS = {DeviceRole.ELECTRICITY: "kWh", DeviceRole.WATER: "m3"}


def price(site: SiteSettings, role: DeviceRole) -> float:
    """Return the price of a unit [CNY/kWh or CNY/m3]."""
    water = role is DeviceRole.WATER
    return site.tariffs.water_cny_m3 if water else site.tariffs.electricity_cny_kwh


@dataclass(frozen=True, slots=True)
class Past:
    """The use of a day and of the days before it."""

    calendar: SchoolCalendar
    days: tuple[DayUse, ...]

    @property
    def today(self) -> DayUse:
        """Return the day that is asked for."""
        return self.days[-1]

    def similar(self, kind: DayKind) -> list[DayUse]:
        """Return the newest complete days of a kind; all closed days together if those are few."""
        whole = [
            day
            for day in reversed(self.days[:-1])
            if day.covered_ms >= _ENOUGH * (day.end_ms - day.start_ms)
        ]
        return similar(whole, lambda day: self.calendar.kind(day.day), kind)


def past(
    connection: sqlite3.Connection,
    found: Sequence[Meter],
    *,
    calendar: SchoolCalendar,
    day: date,
    days: int = PAST_DAYS,
) -> Past:
    """Return what some meters used on a day and before."""
    points = [point for meter in found for point in meter.points]
    used = use_by_day(
        connection, points, calendar=calendar, first=day - timedelta(days=days), last=day
    )
    return Past(calendar, tuple(used))


def card(
    known: Past, *, role: DeviceRole, site: SiteSettings, until_ms: int, hourly: bool
) -> schemas.UsageCard:
    """Return a day's use so far against the same hours of usual days."""
    day = known.today
    until_ms = max(day.start_ms, min(until_ms, day.end_ms))
    similar = known.similar(known.calendar.kind(day.day))
    passed = (until_ms - day.start_ms) / QUARTER_MS
    expected = usual(so_far([d.slots for d in similar], passed)) if passed else None
    total = day.total
    slots, length = day.slots, QUARTER_MS
    examples: list[Sequence[float | None]] = [d.slots for d in similar]
    if hourly:
        slots, length = in_hours(slots), HOUR_MS
        examples = [in_hours(d.slots) for d in similar]
    complete = [e for e in examples if len(e) == len(slots)]
    bands = usual_slots(complete, len(slots))
    elapsed = until_ms - day.start_ms
    return schemas.UsageCard(
        unit=UNITS[role],
        total=_rounded(total),
        usual=_rounded(expected.median) if expected else None,
        usual_low=_rounded(expected.low) if expected else None,
        usual_high=_rounded(expected.high) if expected else None,
        cost_cny=round(total * price(site, role), 2) if total is not None else None,
        coverage=min(1.0, day.covered_ms / elapsed) if elapsed else 0.0,
        estimated=day.estimated / total if total else 0.0,
        hours=_profile(day.start_ms, length, slots, bands),
        until_ms=until_ms,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _profile(
    start_ms: int, length_ms: int, slots: Sequence[float | None], bands: Sequence[Usual | None]
) -> schemas.Profile:
    return schemas.Profile(
        at_ms=[start_ms + index * length_ms for index in range(len(slots))],
        value=[_rounded(value) for value in slots],
        low=[_rounded(band.low) if band else None for band in bands],
        high=[_rounded(band.high) if band else None for band in bands],
    )


def days(known: Past, count: int, *, now_ms: int) -> list[schemas.Day]:
    """Return the totals of the last days, each with the usual band of its kind."""
    bands: dict[DayKind, Usual | None] = {}
    result = []
    for day in known.days[-count:]:
        kind = known.calendar.kind(day.day)
        if kind not in bands:
            bands[kind] = usual([d.total or 0.0 for d in known.similar(kind)])
        band = bands[kind]
        elapsed = min(day.end_ms, now_ms) - day.start_ms
        result.append(
            schemas.Day(
                day=day.day.isoformat(),
                start_ms=day.start_ms,
                kind=kind.value,
                value=_rounded(day.total),
                low=_rounded(band.low) if band else None,
                high=_rounded(band.high) if band else None,
                coverage=min(1.0, day.covered_ms / elapsed) if elapsed > 0 else 0.0,
            )
        )
    return result


def out_of_hours(day: DayUse, calendar: SchoolCalendar) -> float | None:
    """Return what was used while the school was closed [canonical unit]."""
    total = day.total
    if total is None:
        return None
    hours = calendar.open_hours(day.day)
    if hours is None:
        return round(total, 3)
    closed = 0.0
    for index, value in enumerate(day.slots):
        at_ms = day.start_ms + index * QUARTER_MS
        if value is not None and not hours[0] <= at_ms < hours[1]:
            closed += value
    return round(closed, 3)


def heat(known: Past) -> list[list[float | None]]:
    """Return the mean use by weekday (Monday first) and hour over the last four weeks."""
    sums = [[0.0] * 24 for _ in range(7)]
    counts = [[0] * 24 for _ in range(7)]
    for day in known.days[-_SHOWN_DAYS - 1 : -1]:
        for hour, value in enumerate(in_hours(day.slots)[:24]):
            if value is not None:
                sums[day.day.weekday()][hour] += value
                counts[day.day.weekday()][hour] += 1
    return [
        [round(sums[d][h] / counts[d][h], 4) if counts[d][h] else None for h in range(24)]
        for d in range(7)
    ]


def usage(
    connection: sqlite3.Connection,
    *,
    role: DeviceRole,
    day: date,
    site: SiteSettings,
    calendar: SchoolCalendar,
    now_ms: int,
) -> schemas.Usage:
    """Return one day of electricity or water."""
    all_meters = meters(adopted(connection), points_by_device(connection), role)
    top = roots(all_meters)
    known = past(connection, top, calendar=calendar, day=day)
    start_ms, end_ms = calendar.bounds(day)
    shares, missing = [], []
    total = known.today.total
    below = 0.0
    top_ids = {meter.device.id for meter in top}
    for meter in all_meters:
        own = use_by_day(connection, meter.points, calendar=calendar, first=day, last=day)[0]
        elapsed = min(end_ms, now_ms) - start_ms
        if own.total is None:
            missing.append(meter.device.name or meter.device.key)
        elif meter.device.parent in top_ids:
            below += own.total
        shares.append(
            schemas.MeterShare(
                device=meter.device.id,
                name=meter.device.name or meter.device.key,
                building=meter.device.building,
                parent=meter.device.parent,
                total=_rounded(own.total),
                share=round(own.total / total, 4) if own.total is not None and total else None,
                coverage=min(1.0, own.covered_ms / elapsed) if elapsed > 0 else 0.0,
            )
        )
    has_children = any(meter.device.parent in top_ids for meter in all_meters)
    return schemas.Usage(
        day=day.isoformat(),
        day_kind=calendar.kind(day).value,
        start_ms=start_ms,
        end_ms=end_ms,
        now_ms=now_ms,
        card=card(known, role=role, site=site, until_ms=min(now_ms, end_ms), hourly=False),
        out_of_hours=out_of_hours(known.today, calendar),
        meters=shares,
        unmetered=round(max(0.0, total - below), 3) if total is not None and has_children else None,
        missing=missing,
        days=days(known, _SHOWN_DAYS, now_ms=now_ms),
        heat=heat(known),
    )
