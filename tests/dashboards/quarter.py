"""A quarter of a campus as it stands in InfluxDB, by the names of `caretaker.measurements`.

A small writer, so that the boards are tested before and without the projection. Names are as
hostile as a person can type them.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from analytics.kpis.inputs import KpiPeriod
from analytics.kpis.registry import REGISTRY
from caretaker.measurements import MEASUREMENTS, time_ns

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 25, 10, 35, tzinfo=ZONE)
MIDNIGHT = NOW.replace(hour=0, minute=0)
DAYS = 91
SITE = "demo"

HOSTILE = ("冷藏柜 1号 (后厨)", 'a"b/c\\d|e', ".*", "O'Brien, x=1 $^[]{}+?")
"""The four cold units' names; each is also part of another's pattern."""
METERS = {
    "energy": (("总电表", ""), ("教学楼A电表", "a"), ("食堂|电表", "c")),
    "volume": (("总水表", ""), ("厕所/水表", "a")),
}

_HOURLY = {
    "electricity_kwh": 40.0,
    "water_m3": 1.2,
    "electricity_cny": 22.0,
    "water_cny": 4.9,
    "carbon_kg": 21.0,
}


def ms(at: datetime) -> int:
    """Return milliseconds since 1970."""
    return round(at.timestamp() * 1000)


def _escaped(text: str) -> str:
    for char in ("\\", ",", "=", " "):
        text = text.replace(char, f"\\{char}") if char != "\\" else text
    return text


def line(
    measurement: str, at: datetime, tags: Mapping[str, str], fields: Mapping[str, float | None]
) -> str:
    """Return one line; it must fit the measurement's own tags and fields."""
    known = MEASUREMENTS[measurement]
    assert set(tags) <= set(known.tags), (measurement, set(tags) - set(known.tags))
    assert set(fields) <= set(known.fields), (measurement, set(fields) - set(known.fields))
    key = measurement + "".join(f",{k}={_escaped(v)}" for k, v in sorted(tags.items()) if v)
    values = ",".join(f"{k}={v}" for k, v in fields.items() if v is not None)
    return f"{key} {values} {time_ns(ms(at))}"


def _load(at: datetime) -> float:
    """Return a school's load as a share of its daytime load."""
    if at.weekday() >= 5:
        return 0.2
    return 1.0 if 7 <= at.hour < 18 else 0.25


def _kpi(
    period: str, kpi: str, at: datetime, value: float, *, site: str = SITE, **tags: str
) -> str:
    scope = {"scope_kind": "campus", "scope": site, "scope_name": f"{site}校区"} | tags
    return line(
        f"kpi_{period}",
        at,
        {"site": site, "kpi": kpi, **scope},
        {
            "value": value,
            "numerator": value,
            "denominator": 1.0,
            "usual_low": value * 0.85,
            "usual_median": value * 0.96,
            "usual_high": value * 1.1,
            "previous": value * 1.03,
            "last_year": value * 1.08,
            "target": value * 0.9,
            "coverage": 0.991,
            "estimated_share": 0.004,
            "enough": 1.0,
        },
    )


def kpis() -> Iterator[str]:
    """Return KPI rows of hours, days, weeks, months and terms: those that each KPI has."""
    named = {p: [n for n, row in REGISTRY.items() if p in row.periods] for p in KpiPeriod}
    assert set(named[KpiPeriod.HOUR]) == set(_HOURLY)
    for hours in range(DAYS * 24 + 11):
        at = MIDNIGHT - timedelta(days=DAYS) + timedelta(hours=hours)
        for kpi, usual in _HOURLY.items():
            yield _kpi("hour", kpi, at, usual * _load(at), hour=f"{at.hour:02d}")
    for days in range(DAYS + 1):
        at = MIDNIGHT - timedelta(days=days)
        weekday = str(at.isoweekday())
        for kpi in named[KpiPeriod.DAY]:
            yield _kpi("day", kpi, at, _day_value(kpi), weekday=weekday)
            yield _kpi("day", kpi, at, _day_value(kpi) * 0.9, site="west", weekday=weekday)
        for building in ("a", "c"):
            place = {"scope_kind": "building", "scope": building, "scope_name": f"楼{building}"}
            yield _kpi("day", "electricity_kwh", at, 200.0, weekday=weekday, **place)
    for period, step in ((KpiPeriod.WEEK, 7), (KpiPeriod.MONTH, 30), (KpiPeriod.TERM, 90)):
        for days in range(0, DAYS, step):
            at = MIDNIGHT - timedelta(days=MIDNIGHT.weekday() + days)
            for kpi in named[period]:
                yield _kpi(period.value, kpi, at, _day_value(kpi))


def _day_value(kpi: str) -> float:
    if REGISTRY[kpi].unit == "%":
        return 53.0
    return 0.93 if kpi == "power_factor" else _HOURLY.get(kpi, 0.5) * 12


def meters() -> Iterator[str]:
    """Return hourly and daily rollups of meters."""
    for quantity, named in METERS.items():
        for name, building in named:
            tags = {
                "site": SITE,
                "building": building,
                "device": f"native:{name.encode().hex()}",
                "point": "main",
                "quantity": quantity,
                "role": "electricity" if quantity == "energy" else "water",
                "name": name,
            }
            for hours in range(DAYS * 24):
                at = MIDNIGHT - timedelta(hours=hours)
                yield line("rollup_1h", at, tags, {"amount": 12 * _load(at), "coverage": 1.0})
            for days in range(DAYS):
                at = MIDNIGHT - timedelta(days=days)
                yield line("rollup_1d", at, tags, {"amount": 150.0, "coverage": 1.0})


def factors() -> Iterator[str]:
    """Return a quarter of days of a meter that reports its power factor."""
    tags = {"site": SITE, "device": "native:main", "point": "main", "quantity": "power_factor",
            "role": "electricity", "name": "总电表"}  # fmt: skip
    for days in range(DAYS):
        yield line("rollup_1d", MIDNIGHT - timedelta(days=days), tags, {"mean": 0.94, "count": 96})


def cold() -> Iterator[str]:
    """Return four cold units, each minute of the last week; the third is too warm now."""
    for place, name in enumerate(HOSTILE):
        tags = {"site": SITE, "building": "c", "device": f"native:cold-{place}", "name": name,
                "role": "freezer" if place == 1 else "fridge"}  # fmt: skip
        limit = -15.0 if place == 1 else 8.0
        for minutes in range(0, 7 * 1440, 5):
            at = NOW - timedelta(minutes=minutes)
            defrost = 1.0 if at.hour in {3, 15} and at.minute < 25 else 0.0
            warm = 9.4 if place == 2 and minutes < 25 else limit - 4
            yield line(
                "cold_unit",
                at,
                tags,
                {
                    "air_c": warm + math.sin(minutes / 9) + 3 * defrost,
                    "food_c": warm - 0.5,
                    "limit_hi_c": limit,
                    "limit_lo_c": None if place == 1 else 0.0,
                    "exposure_min": 23.0 if place == 2 else 0.0,
                    "decision_min": 120.0,
                    "defrost": defrost,
                    "door_open": 1.0 if place == 0 and at.hour == 11 and at.minute < 3 else 0.0,
                    "duty": 0.4 + 0.05 * place,
                },
            )


def incidents() -> Iterator[str]:
    """Return a quarter's incidents: done, one unanswered for 50 minutes, one being handled."""
    rules = ("cold_storage_warm", "device_silent", "continuous_flow")
    for number in range(1, 41):
        began = NOW - timedelta(days=2 * number % 88 + 1, minutes=number * 7)
        name = HOSTILE[number % 4]
        severity = number % 3 + 1
        yield _incident(number, began, name, rules[number % 3], severity, answered_s=300.0 * number,
                        recovered_s=600.0 * number)  # fmt: skip
    late = NOW - timedelta(minutes=50)
    yield _incident(98, late, HOSTILE[2], "cold_storage_warm", 3)
    yield _incident(1, late, "水表", "continuous_flow", 2, site="late")
    early = NOW - timedelta(minutes=200)
    yield _incident(99, early, "总水表", "continuous_flow", 2, answered_s=400.0)


def _incident(
    number: int,
    began: datetime,
    name: str,
    rule: str,
    severity: int,
    *,
    answered_s: float | None = None,
    recovered_s: float | None = None,
    site: str = SITE,
) -> str:
    state = 5.0 if recovered_s else 3.0 if answered_s else 2.0
    tags = {"site": site, "building": "c", "device": f"native:{number % 4}", "name": name,
            "rule": rule}  # fmt: skip
    return line(
        "incident",
        began,
        tags,
        {
            "id": float(number),
            "state_code": state,
            "severity_code": float(severity),
            "open": 0.0 if recovered_s else 1.0,
            "opened_ms": float(ms(began)),
            "acknowledge_s": answered_s,
            "recover_s": recovered_s,
            "closed_ms": ms(began) + recovered_s * 1000 if recovered_s else None,
        },
    )


def events() -> Iterator[str]:
    """Return what annotations show."""
    for number in range(1, 30):
        tags = {"site": SITE, "device": "native:1", "name": HOSTILE[number % 4],
                "rule": "device_silent", "severity": "alarm", "event": "opened"}  # fmt: skip
        at = NOW - timedelta(days=number)
        yield line("incident_event", at, tags, {"id": float(number)})
    for days, kind, name in ((55, "holiday", "国庆节"), (46, "makeup", "调休"),
                             (88, "vacation", "暑假"),
                             (20, "intervention", "换 LED 灯")):  # fmt: skip
        at = MIDNIGHT - timedelta(days=days)
        yield line("calendar_day", at, {"site": SITE, "kind": kind, "name": name}, {"day": 1.0})


def pipeline() -> Iterator[str]:
    """Return Caretaker's own figures of two days and each device's health."""
    for minutes in range(2 * 1440):
        at = NOW - timedelta(minutes=minutes)
        for part, fields in (
            ("ingest", {"lag_s": 0.4, "readings_total": 1e6 - minutes * 120.0, "ok": 1.0}),
            ("projection", {"lag_s": 3.2, "ok": 1.0}),
            ("journal", {"quarantine_held": 3.0, "journal_bytes": 4.2e8}),
            (
                "devices",
                {
                    "devices_total": 22.0,
                    "devices_silent": 1.0,
                    "coverage": 0.984,
                    "estimated_share": 0.004,
                },
            ),
        ):
            yield line("pipeline", at, {"site": SITE, "part": part}, fields)
    for hours in range(48):
        for place, name in enumerate(HOSTILE):
            tags = {"site": SITE, "building": "c", "device": f"native:cold-{place}", "name": name,
                    "role": "fridge"}  # fmt: skip
            fields = {"silent_s": 40.0 * 10**place, "coverage": 0.99, "estimated_share": 0.0}
            yield line("device_health", NOW - timedelta(hours=hours), tags, fields)


def lines() -> list[str]:
    """Return the whole quarter."""
    assert NOW.astimezone(UTC)
    return [*kpis(), *meters(), *factors(), *cold(), *incidents(), *events(), *pipeline()]
