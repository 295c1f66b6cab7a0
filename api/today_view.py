"""The first page: the verdict's figures in one read of the journal."""

import sqlite3
from collections.abc import Mapping
from datetime import date, timedelta

from analytics.meters import Meter, in_hours, meters, roots, use_by_day
from analytics.usual_day import usual
from api import schemas, usage_view
from api.cold_view import cold_units
from api.device_view import adopted, latest, online, points_by_device
from api.incident_view import open_briefs
from caretaker.calendar import SchoolCalendar
from caretaker.clock import DAY_MS, HOUR_MS
from caretaker.config import SiteSettings
from caretaker.vocabulary import Device, DeviceRole, DeviceStatus, Point, Reading
from storage import devices as records
from storage import quarantine

_WEEK = 7
_NIGHT_DAYS = 35
_LEAST_KWH = 2.0


def _newest(
    points: list[Point], newest: Mapping[int, Reading], quantity: str
) -> tuple[Point, Reading] | None:
    for point in points:
        if point.quantity == quantity and point.id in newest:
            return point, newest[point.id]
    return None


def _room(device: Device, points: list[Point], newest: Mapping[int, Reading]) -> schemas.Room:
    temperature = _newest(points, newest, "temperature")
    humidity = _newest(points, newest, "humidity")
    co2 = _newest(points, newest, "co2")
    return schemas.Room(
        device=device.id,
        name=device.name or device.key,
        temperature=temperature[1].value if temperature else None,
        humidity=humidity[1].value if humidity else None,
        co2=co2[1].value if co2 else None,
        at_ms=temperature[1].at_ms if temperature else None,
        temperature_point=temperature[0].id if temperature else None,
    )


def _outdoor(
    devices: list[Device], points: dict[int, list[Point]], newest: Mapping[int, Reading]
) -> float | None:
    for device in devices:
        if device.area == "outdoor":
            found = _newest(points[device.id], newest, "temperature")
            if found:
                return found[1].value
    return None


def _meter(
    connection: sqlite3.Connection,
    meter: Meter,
    points: list[Point],
    newest: Mapping[int, Reading],
    *,
    calendar: SchoolCalendar,
    now_ms: int,
) -> schemas.MeterNow:
    day = calendar.day_of(now_ms)
    own = use_by_day(connection, meter.points, calendar=calendar, first=day, last=day)[0]
    power = next((p for p in points if p.quantity == "power" and not p.channel), None)
    reading = newest.get(power.id) if power else None
    hours = in_hours(own.slots)
    passed = min(len(hours), (now_ms - own.start_ms) // HOUR_MS)
    return schemas.MeterNow(
        device=meter.device.id,
        name=meter.device.name or meter.device.key,
        role=meter.device.role.value,
        online=online(meter.device, points, newest, now_ms),
        total=None if own.total is None else round(own.total, 3),
        unit=usage_view.UNITS[meter.device.role],
        power_kw=reading.value if reading else None,
        power_point=power.id if power else None,
        at_ms=max((newest[p].at_ms for p in meter.points if p in newest), default=None),
        hours=schemas.Series(
            at_ms=[own.start_ms + hour * HOUR_MS for hour in range(passed)],
            value=[None if v is None else round(v, 3) for v in hours[:passed]],
        ),
    )


def _leaks(opened: list[schemas.IncidentBrief], now_ms: int) -> list[schemas.Worth]:
    result = []
    for item in opened:
        per_day = item.evidence.get("cny_day")
        if isinstance(per_day, int | float) and item.state != "recovering":
            lasted = now_ms - item.since_ms
            result.append(
                schemas.Worth(
                    kind=item.rule,
                    device=item.device,
                    device_name=item.device_name,
                    cny=round(per_day * lasted / DAY_MS, 2),
                    cny_per_day=float(per_day),
                    evidence=item.evidence,
                    incident=item.id,
                )
            )
    return result


def nights(
    connection: sqlite3.Connection,
    found: list[Meter],
    *,
    site: SiteSettings,
    calendar: SchoolCalendar,
    day: date,
) -> list[schemas.Worth]:
    """Return the meters that used more out of hours on `day` than on nine of ten such days."""
    result = []
    for meter in found:
        known = usage_view.past(connection, [meter], calendar=calendar, day=day, days=_NIGHT_DAYS)
        kind = calendar.kind(day)
        before = [usage_view.out_of_hours(d, calendar) or 0.0 for d in known.similar(kind)]
        expected, used = usual(before), usage_view.out_of_hours(known.today, calendar)
        if expected is None or used is None or used <= expected.high:
            continue
        excess = used - expected.median
        if excess < _LEAST_KWH:
            continue
        cny = round(excess * site.tariffs.electricity_cny_kwh, 2)
        result.append(
            schemas.Worth(
                kind="out_of_hours",
                device=meter.device.id,
                device_name=meter.device.name or meter.device.key,
                cny=cny,
                cny_per_day=cny,
                evidence={
                    "day": day.isoformat(),
                    "kwh": round(used, 1),
                    "usual_kwh": round(expected.median, 1),
                    "excess_kwh": round(excess, 1),
                },
                incident=None,
            )
        )
    return result


def today(
    connection: sqlite3.Connection,
    *,
    site: SiteSettings,
    calendar: SchoolCalendar,
    now_ms: int,
    last_reading_ms: int | None,
) -> schemas.Today:
    """Return everything the first page shows."""
    devices, points, newest = adopted(connection), points_by_device(connection), latest(connection)
    day = calendar.day_of(now_ms)
    opened = open_briefs(connection, site=site, now_ms=now_ms)
    cards: dict[DeviceRole, schemas.UsageCard] = {}
    week: list[schemas.Day] = []
    until_ms = min(now_ms, last_reading_ms or now_ms)
    for role in (DeviceRole.ELECTRICITY, DeviceRole.WATER):
        top = roots(meters(devices, points, role))
        known = usage_view.past(connection, top, calendar=calendar, day=day)
        cards[role] = usage_view.card(known, role=role, site=site, until_ms=until_ms, hourly=True)
        if role is DeviceRole.ELECTRICITY:
            week = usage_view.days(known, _WEEK, now_ms=now_ms)
    electric = meters(devices, points, DeviceRole.ELECTRICITY)
    parents = {meter.device.parent for meter in electric}
    leaves = [meter for meter in electric if meter.device.id not in parents]
    worth = _leaks(opened, now_ms) + nights(
        connection, leaves, site=site, calendar=calendar, day=day - timedelta(days=1)
    )
    return schemas.Today(
        now_ms=now_ms,
        last_reading_ms=last_reading_ms,
        day_kind=calendar.kind(day).value,
        week_number=calendar.week_number(day),
        outdoor_c=_outdoor(devices, points, newest),
        incidents=opened,
        electricity=cards[DeviceRole.ELECTRICITY],
        water=cards[DeviceRole.WATER],
        cold=schemas.Cold(units=cold_units(connection, site=site, now_ms=now_ms)),
        rooms=[
            _room(d, points[d.id], newest)
            for d in devices
            if d.role is DeviceRole.ROOM and d.area != "outdoor"
        ],
        meters=[
            _meter(connection, m, points[m.device.id], newest, calendar=calendar, now_ms=now_ms)
            for m in (*electric, *meters(devices, points, DeviceRole.WATER))
        ],
        worth=sorted(worth, key=lambda item: -item.cny_per_day),
        week=week,
        counts=_counts(connection, devices, points, newest, now_ms, opened, cards),
    )


def _counts(
    connection: sqlite3.Connection,
    devices: list[Device],
    points: dict[int, list[Point]],
    newest: Mapping[int, Reading],
    now_ms: int,
    opened: list[schemas.IncidentBrief],
    cards: Mapping[DeviceRole, schemas.UsageCard],
) -> schemas.Counts:
    return schemas.Counts(
        devices=len(devices),
        online=sum(online(d, points[d.id], newest, now_ms) for d in devices),
        inbox=len(records.devices(connection, status=DeviceStatus.HEARD.value)),
        quarantine=sum(quarantine.counts(connection).values()),
        open_incidents=len(opened),
        estimated=round(max(card.estimated for card in cards.values()), 4),
    )
