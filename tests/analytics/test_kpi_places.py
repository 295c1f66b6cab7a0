"""Which meters count for which scope, and which minutes of a cold unit."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from analytics.kpi_job.cold import ColdCourse, Record, course, minutes
from analytics.kpi_job.job import KpiJob
from analytics.kpi_job.places import ColdUnit, Place, places
from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS, QUARTER_MS, ManualClock
from caretaker.config import Area, Building, DeviceSettings, SiteSettings
from caretaker.vocabulary import Arrival, Device, DeviceRole, DeviceStatus, Measured, Point
from ingest.metering import intervals
from storage import kpi as kept
from storage.devices import apply_file_settings
from storage.journal import Journal
from tests.analytics.days import SHANGHAI

SITE = SiteSettings(
    id="s",
    buildings=(Building("a", "A", 100.0, pupils=50), Building("b", "B")),
    areas=(Area("kitchen", "Kitchen", "b"), Area("empty", "Empty")),
)


def meter(number: int, *, building: str = "", area: str = "", parent: int = 0) -> Device:
    return Device(
        number, f"native:s/{number}", "native", DeviceStatus.ADOPTED, name=f"m{number}",
        role=DeviceRole.ELECTRICITY, building=building, area=area, parent=parent,
    )  # fmt: skip


MAIN, SUB_A, SUB_B = meter(1), meter(2, building="a", parent=1), meter(3, building="b", parent=1)
KITCHEN = meter(4, building="b", area="kitchen", parent=3)
DEVICES = (MAIN, SUB_A, SUB_B, KITCHEN)
POINTS = tuple(Point(10 + d.id, d.id, "", "energy") for d in DEVICES)


def found(*devices: Device, points: tuple[Point, ...] = POINTS) -> dict[str, Place]:
    known = places(devices or DEVICES, points, site=SITE, bands=lambda _device: (0.0, 8.0))
    return {place.scope.id: place for place in known}


def ids(place: Place, *, below: bool = False) -> list[int]:
    flows = place.below if below else place.flows
    return [m.device.id for m in flows.get("energy", ())]


def test_each_scope_counts_its_topmost_meters() -> None:
    known = found()
    assert ids(known["s"]) == [1]
    assert ids(known["s"], below=True) == [2, 3]
    assert (ids(known["a"]), ids(known["b"]), ids(known["kitchen"])) == ([2], [3], [4])
    assert ids(known["b"], below=True) == [4]
    assert "empty" not in known
    assert known["a"].pupils == 50


def test_without_a_main_meter_the_campus_is_its_buildings() -> None:
    known = found(SUB_A, SUB_B, KITCHEN)
    assert sorted(ids(known["s"])) == [2, 3]
    assert sorted(ids(known["s"])) == sorted([*ids(known["a"]), *ids(known["b"])])


def test_an_ignored_meter_does_not_count_and_a_register_by_channel_does() -> None:
    ignored = Device(5, "native:s/5", "native", DeviceStatus.IGNORED, role=DeviceRole.ELECTRICITY)
    phases = tuple(Point(20 + n, 1, f"phase-{n}", "energy") for n in range(3))
    known = found(MAIN, ignored, points=(*phases, Point(30, 5, "", "energy")))
    assert [m.points for m in known["s"].flows["energy"]] == [(20, 21, 22)]


def test_a_meter_that_was_never_heard_is_missing_and_not_nothing(tmp_path: Path) -> None:
    start_ms = SHANGHAI.bounds(date(2026, 9, 7))[0]
    site = SiteSettings(
        id="s",
        devices=tuple(
            DeviceSettings(key=f"native:s/{name}", name=name, role="electricity")
            for name in ("north", "south")
        ),
    )
    clock = ManualClock(start_ms)
    journal = Journal(tmp_path / "j", zone=SHANGHAI.zone, arithmetic=intervals, clock=clock)
    journal.open()
    journal.call(lambda c: apply_file_settings(c, site.devices, now_ms=start_ms))
    sent = tuple(Measured("", "energy", start_ms + n * QUARTER_MS, 1.0 * n) for n in range(97))
    journal.append([Arrival("t", b"", start_ms, "native:s/north", "native", sent)])
    journal.roll_up()
    clock.at_ms = start_ms + DAY_MS + HOUR_MS
    job = KpiJob(
        journal, site=site, calendar=SHANGHAI, clock=clock, bands=lambda _device: (0.0, 8.0)
    )
    job.run_once()
    with journal.reader() as connection:
        (day,) = kept.select(
            connection, scope="s", kpis=["electricity_kwh"], period="day", end_ms=start_ms + 1
        )
    assert (day.value, day.reason, day.missing) == (None, "coverage", ("south",))
    journal.close()


# -- cold storage -----------------------------------------------------------------------------

UNIT = ColdUnit(
    Device(9, "t:f", "t", DeviceStatus.ADOPTED, role=DeviceRole.FRIDGE),
    point=1,
    measured=True,
    low_c=0.0,
    high_c=8.0,
)
FULL = 900_000.0


def of_day(means: list[float], records: tuple[Record, ...] = ()) -> tuple[float, float, float]:
    temperatures = np.array(means)
    covered = np.where(np.isnan(temperatures), 0.0, FULL)
    known: ColdCourse = course(UNIT, temperatures, covered, records, 0)
    total = minutes([known], slice(0, len(means)), 0, len(means) * QUARTER_MS)
    return total.compliant, total.monitored, total.required


NAN = float("nan")


@pytest.mark.parametrize(
    ("means", "records", "expected"),
    [
        ([4.0] * 8, (), (120.0, 120.0, 120.0)),
        ([4.0] * 6 + [9.0, -1.0], (), (90.0, 120.0, 120.0)),
        ([4.0] * 4 + [NAN] * 4, (), (60.0, 60.0, 120.0)),
        ([4.0] * 4 + [NAN] * 4, (("probe", HOUR_MS, None, 5.0),), (120.0, 120.0, 120.0)),
        ([4.0] * 4 + [NAN] * 4, (("probe", HOUR_MS, None, 9.0),), (60.0, 60.0, 120.0)),
        ([4.0] * 4 + [20.0] * 4, (("decommissioned", HOUR_MS, None, None),), (60.0, 60.0, 60.0)),
        (
            [20.0] * 2 + [4.0] * 6,
            (("decommissioned", 0, 30 * MINUTE_MS, None),),
            (90.0, 90.0, 90.0),
        ),
    ],
)
def test_minutes_of_a_unit(
    means: list[float], records: tuple[Record, ...], expected: tuple[float, float, float]
) -> None:
    assert of_day(means, records) == pytest.approx(expected)


def test_a_probe_stands_in_for_four_hours_only() -> None:
    compliant, _, required = of_day([NAN] * 32, (("probe", 0, None, 5.0),))
    assert (compliant, required) == (240.0, 480.0)


def test_a_defrost_of_the_air_is_no_breach_of_the_food() -> None:
    air = [4.0] * 8 + [12.0, 12.0] + [4.0] * 8
    unit = ColdUnit(UNIT.device, 1, measured=False, low_c=0.0, high_c=8.0)
    known = course(unit, np.array(air), np.full(len(air), FULL), (), 0)
    assert known.compliant.sum() == len(air) * 15
    long = course(unit, np.array([4.0] * 4 + [15.0] * 8), np.full(12, FULL), (), 0)
    assert 0 < (long.compliant == 0).sum() < 8


def test_nothing_is_required_before_a_unit_was_heard() -> None:
    known = ColdCourse(np.full(8, 15.0), np.full(8, 15.0), np.full(8, 15.0), since_ms=HOUR_MS)
    total = minutes([known], slice(0, 8), 0, 8 * QUARTER_MS)
    assert total.required == 60.0
