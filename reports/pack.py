"""The inspector pack as plain data: what each unit of cold storage did, and what people did.

Everything comes from the journal; nothing is filled in. Minutes without a reading count as not
monitored, never as compliant (rule-book 2.3, 2.5).
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from alerting.cold.mean_kinetic import mean_kinetic_c
from alerting.parameters import numbers
from alerting.profiles.parameter import Parameter
from caretaker.clock import MINUTE_MS
from caretaker.config import SiteSettings
from caretaker.vocabulary import Device, DeviceStatus, Point, Quality
from storage import cold_samples, haccp, incidents, unit_records
from storage import devices as records
from storage.cold_samples import STEP_MS, ColdSample
from storage.fold import day_edges
from storage.haccp import Amendment, CorrectiveAction
from storage.incidents import Incident
from storage.unit_records import RecordKind, UnitRecord

SHOWN = (
    "limit_hi_c",
    "limit_lo_c",
    "critical_hi_c",
    "notice_min",
    "alarm_min",
    "food_alarm_min",
    "decision_min",
    "hot_lo_c",
    "tau_min",
)
"""The numbers of the rules that an inspector asks for first."""

_NOT_TRUTH = int(Quality.SUSPECT | Quality.RETAINED)
_GAP_MS = 15 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Day:
    """One local day of a unit; temperatures [degC], None without data; times [min]."""

    start_ms: int
    air_low: float | None
    air_mean: float | None
    air_high: float | None
    food_high: float | None
    mkt_c: float | None
    monitored_min: float
    compliant_min: float
    required_min: float


@dataclass(frozen=True, slots=True)
class Gap:
    """A span without any reading of the unit."""

    start_ms: int
    end_ms: int

    @property
    def minutes(self) -> float:
        """Its length [min]."""
        return (self.end_ms - self.start_ms) / MINUTE_MS


@dataclass(frozen=True, slots=True)
class Action:
    """A corrective-action record with every change made to it."""

    record: CorrectiveAction
    amendments: tuple[Amendment, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of cold storage in the period."""

    device: Device
    points: tuple[Point, ...]
    parameters: tuple[tuple[str, Parameter], ...]
    days: tuple[Day, ...]
    gaps: tuple[Gap, ...]
    samples: tuple[ColdSample, ...]
    incidents: tuple[Incident, ...]
    actions: tuple[Action, ...]
    entries: tuple[UnitRecord, ...]
    readings: int

    @property
    def monitored_share(self) -> float:
        """Minutes with data to minutes in service [1]."""
        required = sum(day.required_min for day in self.days)
        return sum(day.monitored_min for day in self.days) / required if required else 1.0

    @property
    def compliant_share(self) -> float:
        """Minutes with food in its band to minutes in service [1]; unmonitored is not in band."""
        required = sum(day.required_min for day in self.days)
        return sum(day.compliant_min for day in self.days) / required if required else 1.0


@dataclass(frozen=True, slots=True)
class Pack:
    """What an inspector is handed for a period [start_ms, end_ms)."""

    site: SiteSettings
    first_day: date
    last_day: date
    start_ms: int
    end_ms: int
    units: tuple[Unit, ...]


def gather(
    connection: sqlite3.Connection,
    site: SiteSettings,
    *,
    first_day: date,
    last_day: date,
    now_ms: int,
    devices: Sequence[int] = (),
) -> Pack:
    """Return the pack of the local days from `first_day` to `last_day`, both included.

    `devices` names the units; none means every unit of cold storage there is or was.
    """
    start_ms, end_ms = _span(site, first_day, last_day)
    end_ms = min(end_ms, now_ms) if now_ms > start_ms else end_ms
    known = [
        device
        for device in records.devices(connection)
        if device.role.cold
        and device.status in {DeviceStatus.ADOPTED, DeviceStatus.RETIRED}
        and (not devices or device.id in devices)
    ]
    points = records.points(connection)
    units = [
        _unit(
            connection,
            site,
            device,
            [p for p in points if p.device == device.id and p.quantity == "temperature"],
            start_ms=start_ms,
            end_ms=end_ms,
        )
        for device in known
    ]
    return Pack(site, first_day, last_day, start_ms, end_ms, tuple(units))


def readings(
    connection: sqlite3.Connection, unit: Unit, *, start_ms: int, end_ms: int
) -> Iterator[tuple[int, str, float, int]]:
    """Yield (at_ms, channel, degC, quality) of a unit's temperatures, in time order by channel."""
    for point in unit.points:
        for at_ms, value, quality in connection.execute(
            "SELECT at_ms, value, quality FROM reading WHERE point = ? AND at_ms >= ?"
            " AND at_ms < ? ORDER BY at_ms, ordinal",
            (point.id, start_ms, end_ms),
        ):
            yield at_ms, point.channel or "air", value, quality


def _span(site: SiteSettings, first_day: date, last_day: date) -> tuple[int, int]:
    begin = datetime.combine(first_day, time(), tzinfo=site.zone)
    end = datetime.combine(last_day + timedelta(days=1), time(), tzinfo=site.zone)
    return int(begin.timestamp() * 1000), int(end.timestamp() * 1000)


def _unit(
    connection: sqlite3.Connection,
    site: SiteSettings,
    device: Device,
    points: Sequence[Point],
    *,
    start_ms: int,
    end_ms: int,
) -> Unit:
    samples = cold_samples.load(connection, device.id, start_ms=start_ms, end_ms=end_ms)
    entries = [
        entry
        for entry in unit_records.listing(connection, device=device.id, since_ms=start_ms)
        if entry.at_ms < end_ms
    ]
    off = [entry for entry in entries if entry.kind is RecordKind.DECOMMISSIONED]
    found = numbers(site, device, today=None)
    gaps, count = _gaps(connection, points, off, start_ms=start_ms, end_ms=end_ms)
    edges = [edge for edge in day_edges(start_ms, end_ms - 1, site.zone) if edge >= start_ms]
    return Unit(
        device=device,
        points=tuple(points),
        parameters=tuple((name, found[name]) for name in SHOWN if name in found),
        days=tuple(_day(samples, off, start, min(end, end_ms)) for start, end in pairwise(edges)),
        gaps=tuple(gaps),
        samples=tuple(samples),
        incidents=tuple(
            item
            for item in reversed(incidents.listing(connection, state="all", limit=100_000))
            if item.device == device.id and item.since_ms < end_ms and _ended(item) >= start_ms
        ),
        actions=tuple(
            Action(record, tuple(haccp.amendments(connection, record.id)))
            for record in reversed(
                haccp.listing(connection, device=device.id, start_ms=start_ms, end_ms=end_ms)
            )
        ),
        entries=tuple(entries),
        readings=count,
    )


def _ended(item: Incident) -> int:
    return item.closed_ms or item.recovered_ms or 2**62


def _gaps(
    connection: sqlite3.Connection,
    points: Sequence[Point],
    off: Sequence[UnitRecord],
    *,
    start_ms: int,
    end_ms: int,
) -> tuple[list[Gap], int]:
    """Return spans of over 15 minutes without a good reading while in service, and how many."""
    marks = ", ".join("?" * len(points))
    rows = [
        row[0]
        for row in connection.execute(
            f"SELECT at_ms FROM reading WHERE point IN ({marks})"  # noqa: S608  (only marks)
            " AND at_ms >= ? AND at_ms < ? AND quality & ? = 0 ORDER BY at_ms",
            (*(point.id for point in points), start_ms, end_ms, _NOT_TRUTH),
        )
    ]
    found = [
        Gap(before, after)
        for before, after in pairwise([start_ms, *rows, end_ms])
        if after - before > _GAP_MS and not any(e.holds((before + after) // 2) for e in off)
    ]
    return found, len(rows)


def _day(
    samples: Sequence[ColdSample], off: Sequence[UnitRecord], start_ms: int, end_ms: int
) -> Day:
    """Return a day by its five-minute samples; a sample speaks for the step that it ends."""
    inside = [
        s
        for s in samples
        if start_ms <= s.at_ms < end_ms and not any(e.holds(s.at_ms) for e in off)
    ]
    airs = [s.air_c for s in inside if s.air_c is not None]
    foods = [s.food_c for s in inside if s.food_c is not None]
    step = STEP_MS / MINUTE_MS
    idle = sum(
        max(0, min(end_ms, e.until_ms or end_ms) - max(start_ms, e.at_ms)) / MINUTE_MS for e in off
    )
    required = max(0.0, (end_ms - start_ms) / MINUTE_MS - idle)
    return Day(
        start_ms=start_ms,
        air_low=min(airs, default=None),
        air_mean=sum(airs) / len(airs) if airs else None,
        air_high=max(airs, default=None),
        food_high=max(foods, default=None),
        mkt_c=mean_kinetic_c(airs, [1.0] * len(airs)) if airs else None,
        monitored_min=min(required, len(airs) * step),
        compliant_min=min(required, sum(step for s in inside if _in_band(s))),
        required_min=required,
    )


def _in_band(sample: ColdSample) -> bool:
    food = sample.food_c
    if food is None:
        return False
    low = sample.limit_lo_c if sample.limit_lo_c is not None else float("-inf")
    high = sample.limit_hi_c if sample.limit_hi_c is not None else float("inf")
    return low <= food <= high
