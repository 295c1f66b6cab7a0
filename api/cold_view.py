"""Cold storage and the charts that prove an incident."""

import json
import sqlite3
from collections.abc import Mapping

from alerting.cold.lag import lagged
from alerting.parameters import limits_of
from api import schemas
from api.device_view import adopted, latest, online, open_incidents, points_by_device
from api.history import downsample
from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS
from caretaker.config import SiteSettings
from caretaker.quantities import QUANTITIES
from caretaker.vocabulary import Device, DeviceRole, Point, Reading
from storage import devices as records
from storage import incidents

_BEFORE_MS = 2 * HOUR_MS


def band_of(device: Device, site: SiteSettings) -> tuple[float, float]:
    """Return (low, high) of a unit's band [degC]."""
    limits = limits_of(site, device)
    if device.role is DeviceRole.HOT_HOLDING:
        return limits["hot_lo_c"], 100.0
    return (-30.0 if device.role is DeviceRole.FREEZER else limits["limit_lo_c"]), limits[
        "limit_hi_c"
    ]


def air_point(points: list[Point]) -> Point | None:
    """Return the point that measures a unit's air."""
    temperatures = [p for p in points if p.quantity == "temperature"]
    for channel in ("air", ""):
        for point in temperatures:
            if point.channel == channel:
                return point
    return next((p for p in temperatures if p.channel not in {"food", "evaporator"}), None)


def raw_series(
    connection: sqlite3.Connection, point: int, *, start_ms: int, end_ms: int, most: int
) -> schemas.Series:
    """Return a point's raw values, at most about `most`, extremes kept."""
    rows = connection.execute(
        "SELECT at_ms, value FROM reading WHERE point = ? AND at_ms >= ? AND at_ms < ?"
        " AND quality & 10 = 0 ORDER BY at_ms",
        (point, start_ms, end_ms),
    ).fetchall()
    kept = downsample([(row[0], row[1]) for row in rows], most)
    return schemas.Series(at_ms=[r[0] for r in kept], value=[round(r[1], 3) for r in kept])


def cold_units(
    connection: sqlite3.Connection, *, site: SiteSettings, now_ms: int
) -> list[schemas.ColdUnit]:
    """Return every unit of cold storage with its last day."""
    points, newest = points_by_device(connection), latest(connection)
    opened, since = open_incidents(connection), _since(connection)
    return [
        _unit(connection, device, points[device.id], newest, opened, since, site, now_ms)
        for device in adopted(connection)
        if device.role.cold
    ]


def _since(connection: sqlite3.Connection) -> dict[int, int]:
    """Return since when something is wrong with each device: a hold begins long after the heat."""
    found: dict[int, int] = {}
    for item in incidents.listing(connection, state="open", limit=1000):
        if item.state != incidents.RECOVERING:
            found[item.device] = min(item.since_ms, found.get(item.device, item.since_ms))
    return found


def _unit(
    connection: sqlite3.Connection,
    device: Device,
    points: list[Point],
    newest: Mapping[int, Reading],
    opened: Mapping[int, int],
    since: Mapping[int, int],
    site: SiteSettings,
    now_ms: int,
) -> schemas.ColdUnit:
    air = air_point(points)
    food = next((p for p in points if p.quantity == "temperature" and p.channel == "food"), None)
    low, high = band_of(device, site)
    reading = newest.get(air.id) if air else None
    incident = incidents.find(connection, opened[device.id]) if device.id in opened else None

    def value(quantity: str) -> float | None:
        point = next((p for p in points if p.quantity == quantity), None)
        found = newest.get(point.id) if point else None
        return found.value if found else None

    if not online(device, points, newest, now_ms):
        state = "silent"
    elif incident is not None and incident.state != incidents.RECOVERING:
        state = incident.severity.value
    elif reading is not None and reading.value > high:
        state = "warm"
    else:
        state = "ok"
    exposure = _exposure_min(connection, device.id)
    return schemas.ColdUnit(
        device=device.id,
        name=device.name or device.key,
        role=device.role.value,
        air=reading.value if reading else None,
        air_point=air.id if air else None,
        air_at_ms=reading.at_ms if reading else None,
        food=newest[food.id].value if food and food.id in newest else None,
        food_point=food.id if food else None,
        limit_low=low,
        limit_high=high,
        state=state,
        since_ms=since.get(device.id) if state != "ok" else None,
        incident=incident.id if incident else None,
        series=raw_series(connection, air.id, start_ms=now_ms - DAY_MS, end_ms=now_ms + 1, most=288)
        if air
        else schemas.Series(at_ms=[], value=[]),
        exposure_min=exposure,
        door=value("door"),
        power_kw=value("power"),
        excursions=_excursions(connection, device.id, now_ms),
    )


def _exposure_min(connection: sqlite3.Connection, device: int) -> float | None:
    """Return how long the unit's food was above its limit since its last disposition [min]."""
    row = connection.execute(
        "SELECT state FROM rule_state WHERE rule = 'food_hold' AND device = ?", (device,)
    ).fetchone()
    exposure = json.loads(row[0]).get("exposure_ms") if row else None
    return exposure / MINUTE_MS if isinstance(exposure, int | float) else None


def _excursions(
    connection: sqlite3.Connection, device: int, now_ms: int
) -> list[schemas.Excursion]:
    rows = connection.execute(
        "SELECT since_ms, recovered_ms, evidence ->> 'peak_c' FROM incident WHERE device = ?"
        " AND rule = 'cold_storage_warm' AND opened_ms > ? ORDER BY id DESC LIMIT 50",
        (device, now_ms - 7 * DAY_MS),
    )
    return [schemas.Excursion(start_ms=r[0], end_ms=r[1], peak=float(r[2] or 0)) for r in rows]


def chart(
    connection: sqlite3.Connection,
    incident: incidents.Incident,
    *,
    site: SiteSettings,
    now_ms: int,
) -> schemas.Evidence | None:
    """Return the chart that proves an incident: its device's values around it."""
    device = records.find(connection, incident.device)
    if device is None:
        return None
    points = records.points(connection, device.id)
    end_ms = min(now_ms, (incident.recovered_ms or now_ms) + HOUR_MS) + 1
    # A hold is the end of a long story: it is told from where it got warm.
    before_ms = 2 * _BEFORE_MS if incident.rule == "food_hold" else _BEFORE_MS
    start_ms = max(incident.since_ms - before_ms, end_ms - 3 * DAY_MS)
    wanted: list[Point] = []
    low: float | None = None
    high: float | None = None
    if device.role.cold:
        air = air_point(points)
        wanted = [air] if air else []
        low, high = band_of(device, site)
    elif incident.rule == "continuous_flow":
        wanted = [p for p in points if p.quantity == "volume"]
    else:
        wanted = points[:1]
    lines = []
    for point in wanted:
        if QUANTITIES[point.quantity].kind == "counter":
            series = _hourly(connection, point.id, start_ms - DAY_MS, end_ms)
        else:
            series = raw_series(connection, point.id, start_ms=start_ms, end_ms=end_ms, most=400)
        lines.append(
            schemas.Line(
                point=point.id,
                channel=point.channel,
                quantity=point.quantity,
                unit=QUANTITIES[point.quantity].unit,
                at_ms=series.at_ms,
                value=series.value,
            )
        )
    if device.role.cold and len(lines) == 1:
        lines += _food(connection, device, points, lines[0], site)
    return schemas.Evidence(
        series=lines, limit_low=low, limit_high=high, start_ms=start_ms, end_ms=end_ms
    )


def _food(
    connection: sqlite3.Connection,
    device: Device,
    points: list[Point],
    air: schemas.Line,
    site: SiteSettings,
) -> list[schemas.Line]:
    """Return the food beside the air of a chart: measured, else as it lags (rule-book 2.2)."""
    if not air.at_ms:
        return []
    start_ms, end_ms = air.at_ms[0], air.at_ms[-1] + 1
    probe = next((p for p in points if p.quantity == "temperature" and p.channel == "food"), None)
    if probe is not None:
        series = raw_series(connection, probe.id, start_ms=start_ms, end_ms=end_ms, most=400)
    else:
        tau_min = limits_of(site, device)["tau_min"]
        food, before_ms, values = 0.0, 0, list[float | None]()
        for at_ms, value in zip(air.at_ms, air.value, strict=True):
            gap = not before_ms or at_ms - before_ms > HOUR_MS
            minutes = (at_ms - before_ms) / MINUTE_MS
            known = value if value is not None else food
            food = known if gap else lagged(food, known, minutes=minutes, tau_min=tau_min)
            before_ms = at_ms
            values.append(round(food, 2))
        series = schemas.Series(at_ms=air.at_ms, value=values)
    return [
        schemas.Line(
            point=probe.id if probe else 0,
            channel="food",
            quantity="temperature",
            unit=air.unit,
            at_ms=series.at_ms,
            value=series.value,
        )
    ]


def _hourly(
    connection: sqlite3.Connection, point: int, start_ms: int, end_ms: int
) -> schemas.Series:
    rows = connection.execute(
        "SELECT start_ms, amount FROM rollup WHERE point = ? AND period = 'hour'"
        " AND start_ms >= ? AND start_ms < ? ORDER BY start_ms",
        (point, start_ms, end_ms),
    ).fetchall()
    return schemas.Series(at_ms=[r[0] for r in rows], value=[round(r[1], 4) for r in rows])
