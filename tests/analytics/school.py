"""A simulated school's quarter in a journal, and what it really used."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from analytics.kpi_job.job import KpiJob
from caretaker.calendar import SchoolCalendar
from caretaker.clock import MINUTE_MS, ManualClock
from caretaker.config import SiteSettings
from caretaker.vocabulary import Arrival, Device, DeviceRole, Measured
from ingest.metering import intervals
from simulators.day import UNITS, campus_day
from simulators.faults import Fault
from simulators.refrigeration import Condition
from simulators.school_day import school_day
from simulators.site import BY_ID, demo_site
from simulators.weather import Values
from storage import kpi as kept
from storage.devices import apply_file_settings
from storage.journal import Journal
from storage.kpi import KpiValue

SITE = demo_site()
CALENDAR = SchoolCalendar(SITE.calendar, SITE.zone)
METERS = {
    name: "volume" if BY_ID[name].role is DeviceRole.WATER else "energy"
    for name in (
        "main",
        "teaching-a",
        "teaching-b",
        "canteen-hall",
        "canteen-kitchen",
        "air-conditioning",
        "water-main",
        "toilets",
        "irrigation",
        "canteen-water",
    )
}


@dataclass(slots=True)
class Truth:
    """What each meter's register added minute by minute, by day, and each unit's food [degC].

    `held` are readings that were kept back, to arrive late.
    """

    minutes: dict[tuple[str, date], Values] = field(default_factory=dict)
    food_c: dict[tuple[str, date], Values] = field(default_factory=dict)
    held: list[Arrival] = field(default_factory=list)

    def of(self, meter: str, days: Sequence[date]) -> float:
        """Return what a meter's circuit used on these days."""
        return float(sum(self.minutes[meter, day].sum() for day in days))

    def quarters(self, meter: str, day: date) -> Values:
        """Return what a meter's circuit used by quarter-hour."""
        found: Values = self.minutes[meter, day].reshape(-1, 15).sum(axis=1)
        return found


def band(device: Device) -> tuple[float, float]:
    """Return the band of a unit."""
    return (-30.0, -15.0) if device.role is DeviceRole.FREEZER else (0.0, 8.0)


def days_of(first: date, count: int) -> list[date]:
    """Return `count` days from `first` on."""
    return [first + timedelta(days=n) for n in range(count)]


def open_journal(path: Path, *, first: date, site: SiteSettings = SITE) -> Journal:
    """Return a journal that knows the site's devices."""
    start_ms = CALENDAR.bounds(first)[0]
    journal = Journal(path, zone=site.zone, arithmetic=intervals, clock=ManualClock(start_ms))
    journal.open()
    journal.call(lambda c: apply_file_settings(c, site.devices, now_ms=start_ms))
    return journal


def live(
    journal: Journal,
    *,
    first: date,
    days: int,
    faults: Sequence[Fault] = (),
    cold: bool = True,
    hold: tuple[str, int, int] = ("", 0, 0),
) -> Truth:
    """Let the school live through the days: readings every quarter-hour, like its meters send.

    `hold` is (meter, from, to): what it sends within [ms UTC) is kept back in `Truth.held`.
    """
    truth = Truth()
    registers = {name: 1_000.0 * number + 500.0 for number, name in enumerate(METERS, 1)}
    conditions = {name: Condition(unit.set_c, unit.set_c) for name, unit in UNITS.items()}
    for day in days_of(first, days):
        found = campus_day(
            school_day(day, calendar=CALENDAR, seed=1),
            seed=1,
            pupils=SITE.pupils,
            faults=faults,
            conditions=conditions,
        )
        conditions = found.after
        start_ms = CALENDAR.bounds(day)[0]
        arrivals: list[Arrival] = []
        for name, quantity in METERS.items():
            added = found.per_minute(name)
            truth.minutes[name, day] = added
            edges = registers[name] + np.concatenate(([0.0], np.cumsum(added)))
            registers[name] = float(edges[-1])
            measured = [
                Measured("", quantity, start_ms + minute * MINUTE_MS, float(edges[minute]))
                for minute in range(0, len(added), 15)
            ]
            late = [m for m in measured if name == hold[0] and hold[1] <= m.at_ms < hold[2]]
            if late:
                truth.held.append(_arrival(name, start_ms, late))
            arrivals.append(_arrival(name, start_ms, [m for m in measured if m not in late]))
        for name in UNITS if cold else ():
            levels = found.levels[name]
            truth.food_c[name, day] = levels["food.temperature_c"]
            channels = ("air", "food") if name == "fridge-1" else ("air",)
            measured = [
                Measured(
                    channel,
                    "temperature",
                    start_ms + minute * MINUTE_MS,
                    float(levels[f"{channel}.temperature_c"][minute]),
                )
                for channel in channels
                for minute in range(0, found.day.minutes, 5)
            ]
            arrivals.append(_arrival(name, start_ms, measured))
        journal.append(arrivals)
    end_ms = CALENDAR.bounds(first + timedelta(days=days))[0]
    journal.append(
        [
            _arrival(name, end_ms, [Measured("", METERS[name], end_ms, registers[name])])
            for name in METERS
        ]
    )
    journal.roll_up()
    return truth


def _arrival(name: str, at_ms: int, measured: Sequence[Measured]) -> Arrival:
    spec = BY_ID[name]
    return Arrival(
        topic=name,
        payload=b"{}",
        received_ms=at_ms,
        device=spec.key,
        driver=spec.dialect.value,
        measured=tuple(measured),
    )


def job_of(journal: Journal, now_ms: int, site: SiteSettings = SITE) -> tuple[KpiJob, ManualClock]:
    """Return the job on a journal, with its clock."""
    clock = ManualClock(now_ms)
    return KpiJob(journal, site=site, calendar=CALENDAR, clock=clock, bands=band), clock


def values(journal: Journal, **wanted: object) -> list[KpiValue]:
    """Return the stored values of `storage.kpi.select`."""
    with journal.reader() as connection:
        return kept.select(connection, **wanted)  # type: ignore[arg-type]


def content(journal: Journal) -> dict[object, KpiValue]:
    """Return what is stored, but for when it was written."""
    return {v.key: replace(v, revision=0, now_ms=0) for v in values(journal)}


def forget(connection: sqlite3.Connection) -> None:
    """Take all KPIs away, so that the next run begins from nothing."""
    connection.execute("DELETE FROM kpi_value")
    connection.execute("DELETE FROM setting WHERE key LIKE 'kpi.%'")
