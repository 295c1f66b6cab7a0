"""What stands in InfluxDB: the names of measurements, tags and fields, with their units.

Storage writes them and the boards read them; a name is changed here or nowhere. Every field is a
float, so that no type conflict can arise; a field that is not known is absent, never 0, and so is
a tag without a value. The `device` tag is the device's stable key; `name` is what people call it.
When a name, role or building changes, the projection writes the device's history again.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Period

MAIN = "main"
"""The `point` tag of a device's unnamed channel."""

NS_PER_MS = 1_000_000


class Family(StrEnum):
    """What a measurement is about."""

    READINGS = "readings"
    ROLLUPS = "rollups"
    KPIS = "kpis"
    INCIDENTS = "incidents"
    COLD = "cold"
    PIPELINE = "pipeline"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement: its tags in line order, and each field with its unit.

    Units are UCUM-like as in `caretaker.quantities`; `1` is a number without a unit, and an empty
    unit says that the unit is the quantity's or the KPI's own.
    """

    name: str
    family: Family
    tags: tuple[str, ...]
    fields: dict[str, str] = field(default_factory=dict)
    about: str = ""


_PLACE = ("site", "building", "device", "point")

RAW: dict[str, Measurement] = {
    quantity.name: Measurement(
        quantity.name,
        Family.READINGS,
        (*_PLACE, "role"),
        {"value": quantity.unit, "quality": "1"},
        f"each reading of {quantity.en} as it came; quality 0 is good",
    )
    for quantity in QUANTITIES.values()
}
"""One measurement for each quantity, by the quantity's name."""

_ROLLUP_FIELDS = {
    "mean": "",
    "low": "",
    "high": "",
    "last": "",
    "amount": "",
    "estimated": "",
    "coverage": "1",
    "count": "1",
}

ROLLUPS: dict[Period, Measurement] = {
    period: Measurement(
        name,
        Family.ROLLUPS,
        (*_PLACE, "quantity", "role", "name"),
        _ROLLUP_FIELDS,
        f"each point by {words}; amount is a counter's consumption, estimated the part of it "
        "that was spread over a gap, coverage the share of time with data",
    )
    for period, name, words in (
        (Period.QUARTER_HOUR, "rollup_15m", "quarter of an hour"),
        (Period.HOUR, "rollup_1h", "hour"),
        (Period.DAY, "rollup_1d", "local day"),
    )
}
"""The measurement of each rollup period."""

_KPI_FIELDS = {
    "value": "",
    "numerator": "",
    "denominator": "",
    "usual_low": "",
    "usual_median": "",
    "usual_high": "",
    "previous": "",
    "last_year": "",
    "target": "",
    "coverage": "1",
    "estimated_share": "1",
    "enough": "1",
}

KPIS: dict[str, Measurement] = {
    period: Measurement(
        f"kpi_{period}",
        Family.KPIS,
        ("site", "scope_kind", "scope", "scope_name", "kpi", *calendar_tags),
        _KPI_FIELDS,
        f"each KPI by {period} for an area, building, campus, school or district, with its usual "
        "band; enough is 0 where the data do not suffice",
    )
    for period, calendar_tags in (
        ("hour", ("hour",)),
        ("day", ("weekday",)),
        ("week", ()),
        ("month", ()),
        ("term", ()),
    )
}
"""The measurement of each KPI period. `hour` is 00 to 23 and `weekday` 1 (Monday) to 7, both of
the site's local time: InfluxQL cannot cut them itself."""

SCOPE_KINDS = ("area", "building", "campus", "school", "district")

INCIDENT = Measurement(
    "incident",
    Family.INCIDENTS,
    ("site", "building", "device", "name", "rule"),
    {
        "id": "1",
        "state_code": "1",
        "severity_code": "1",
        "open": "1",
        "opened_ms": "ms",
        "acknowledge_s": "s",
        "recover_s": "s",
        "closed_ms": "ms",
    },
    "one point for each incident at the time it began, written again as it changes",
)
# State and severity change, so neither is a tag: the old point would stay beside the new one.

STATE_CODES = {"pending": 1, "firing": 2, "acknowledged": 3, "recovering": 4, "resolved": 5}
"""The number of each incident state in the field `state_code`."""

SEVERITY_CODES = {"notice": 1, "alarm": 2, "critical": 3}
"""The number of each severity in the field `severity_code`."""

INCIDENT_EVENT = Measurement(
    "incident_event",
    Family.INCIDENTS,
    ("site", "building", "device", "name", "rule", "severity", "event"),
    {"id": "1"},
    "what happened to an incident, for annotations; id is the incident's number",
)

COLD_UNIT = Measurement(
    "cold_unit",
    Family.COLD,
    ("site", "building", "device", "name", "role"),
    {
        "air_c": "degC",
        "food_c": "degC",
        "limit_hi_c": "degC",
        "limit_lo_c": "degC",
        "exposure_min": "min",
        "decision_min": "min",
        "defrost": "1",
        "door_open": "1",
        "duty": "1",
    },
    "each cold-storage unit: air, food (probe or estimate), band, exposure clock, states",
)

PIPELINE = Measurement(
    "pipeline",
    Family.PIPELINE,
    ("site", "part"),
    {
        "lag_s": "s",
        "ok": "1",
        "received_total": "1",
        "emitted_total": "1",
        "rejected_total": "1",
        "readings_total": "1",
        "quarantine_held": "1",
        "devices_total": "1",
        "devices_silent": "1",
        "coverage": "1",
        "estimated_share": "1",
        "journal_bytes": "byte",
    },
    "Caretaker itself, once a minute: parts ingest, journal, projection, alerting, devices",
)

DEVICE_HEALTH = Measurement(
    "device_health",
    Family.PIPELINE,
    ("site", "building", "device", "name", "role"),
    {"silent_s": "s", "coverage": "1", "estimated_share": "1"},
    "each device once an hour: how long it was silent, and its last hour's coverage and "
    "estimated share",
)

CALENDAR_DAY = Measurement(
    "calendar_day",
    Family.CALENDAR,
    ("site", "kind", "name"),
    {"day": "1"},
    "one point at local midnight of each day that is no common school day; kind is holiday, "
    "vacation, makeup or intervention",
)

PROBE = Measurement(
    "caretaker_probe",
    Family.PIPELINE,
    ("site",),
    {"ok": "1"},
    "one point that tells a refused row from a store that refuses everything",
)

MEASUREMENTS: dict[str, Measurement] = {
    item.name: item
    for item in (
        *RAW.values(),
        *ROLLUPS.values(),
        *KPIS.values(),
        INCIDENT,
        INCIDENT_EVENT,
        COLD_UNIT,
        PIPELINE,
        DEVICE_HEALTH,
        CALENDAR_DAY,
        PROBE,
    )
}
"""Every measurement, by name."""


def point_tag(channel: str) -> str:
    """Return the `point` tag of a channel.

    >>> point_tag(""), point_tag("l1")
    ('main', 'l1')
    """
    return channel or MAIN


def time_ns(at_ms: int, ordinal: int = 0) -> int:
    """Return the nanoseconds [ns since 1970] that keep two readings of one millisecond apart.

    The last six digits hold the ordinal; 1,000,000 readings of one point fit a millisecond.

    >>> time_ns(1_788_220_800_123, 7)
    1788220800123000007
    >>> time_ns(5, 3) - time_ns(5, 2)
    1
    """
    return at_ms * NS_PER_MS + ordinal % NS_PER_MS


def consumed(quantity: str) -> bool:
    """Return whether a quantity's rollups carry an `amount` (counters), not only a level.

    >>> consumed("energy"), consumed("temperature")
    (True, False)
    """
    return QUANTITIES[quantity].kind is Kind.COUNTER
