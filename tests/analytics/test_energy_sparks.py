"""Energy Sparks' formulas on real school meters, against a calculation that shares no code."""

import os
from datetime import date, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from analytics.kpi_job.job import KpiJob
from caretaker.calendar import SchoolCalendar
from caretaker.clock import DAY_MS, HOUR_MS, ManualClock
from caretaker.config import CalendarSettings, DeviceSettings, SiteSettings, Term
from caretaker.vocabulary import Arrival, Measured
from ingest.metering import intervals
from storage import kpi as kept
from storage.devices import apply_file_settings
from storage.journal import Journal

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "energy_sparks_schools"
FIRST, LAST = date(2016, 9, 5), date(2016, 12, 16)
# British bank holidays of that autumn: none. Weekends, and the week of half-term, are closed.
HALF_TERM = tuple(date(2016, 10, 24) + timedelta(days=n) for n in range(5))
SITE = SiteSettings(
    id="sparks",
    zone=ZoneInfo("UTC"),  # the data count local half-hours, 48 a day
    pupils=300,
    calendar=CalendarSettings(
        country="GB", terms=(Term(FIRST, LAST),), closed=HALF_TERM, opens=time(7), closes=time(18)
    ),
    devices=(DeviceSettings(key="native:sparks/main", name="main", role="electricity"),),
)
CALENDAR = SchoolCalendar(SITE.calendar, SITE.zone)

pytestmark = pytest.mark.slow


def half_hours(meter: str) -> "pd.Series[float]":
    path = DATA / "kwh_halfhourly.parquet"
    if not path.is_file():
        if os.environ.get("CI", "") not in {"", "0", "false"}:
            pytest.fail("the real school meters are not beside the project")
        pytest.skip("the real school meters are not beside the project")
    found = pd.read_parquet(path, columns=[meter])[meter].astype("float64")
    term = found[str(FIRST) : str(LAST)]
    assert len(term) == ((LAST - FIRST).days + 1) * 48
    assert term.notna().all()
    return term


def term_values(kwh: "pd.Series[float]", folder: Path) -> dict[str, kept.KpiValue]:
    """Send the meter's register through the journal and return the term's KPIs."""
    start_ms = CALENDAR.bounds(FIRST)[0]
    clock = ManualClock(start_ms)
    journal = Journal(folder / "j.sqlite3", zone=SITE.zone, arithmetic=intervals, clock=clock)
    journal.open()
    journal.call(lambda c: apply_file_settings(c, SITE.devices, now_ms=start_ms))
    register = 10_000 + np.concatenate(([0.0], np.cumsum(kwh.to_numpy())))
    measured = tuple(
        Measured("", "energy", start_ms + n * HOUR_MS // 2, float(value))
        for n, value in enumerate(register)
    )
    clock.at_ms = start_ms + len(kwh) * HOUR_MS // 2 + DAY_MS
    journal.append([Arrival("t", b"{}", clock.at_ms, "native:sparks/main", "native", measured)])
    journal.roll_up()
    job = KpiJob(
        journal, site=SITE, calendar=CALENDAR, clock=clock, bands=lambda _device: (0.0, 8.0)
    )
    job.run_once()
    with journal.reader() as connection:
        found = kept.select(connection, scope="sparks", period="term")
    journal.close()
    return {value.kpi: value for value in found}


@pytest.mark.parametrize("meter", ["banes1_elec2", "banes3_elec1"])
def test_base_load_out_of_hours_and_peak_are_energy_sparks(meter: str, tmp_path: Path) -> None:
    kwh = half_hours(meter)
    found = term_values(kwh, tmp_path)
    days = kwh.to_numpy().reshape(-1, 48)
    dates = [FIRST + timedelta(days=n) for n in range(len(days))]
    open_day = np.array([d.weekday() < 5 and d not in HALF_TERM for d in dates])
    base = np.sort(days, axis=1)[:, :8].mean(axis=1).mean() * 2
    closed = days.sum() - days[open_day][:, 14:36].sum()
    peak = np.sort(days[open_day], axis=1)[:, -3:].mean(axis=1).mean() * 2
    for name, true in (
        ("electricity_kwh", days.sum()),
        ("electricity_base_kw", base),
        ("electricity_out_of_hours_share", 100 * closed / days.sum()),
        ("electricity_daily_peak_kw", peak),
        ("electricity_peak_kw", days.max() * 2),
        ("electricity_load_factor", 100 * days.mean() / days.max()),
        ("electricity_kwh_pupil", days.sum() / 300),
    ):
        assert found[name].value == pytest.approx(true, rel=0.01), name
        assert found[name].coverage > 0.99
    weekend = np.array([d.weekday() >= 5 for d in dates])
    assert found["electricity_weekend_share"].value == pytest.approx(
        100 * days[weekend].sum() / days.sum(), rel=0.01
    )
