"""The job on a simulated school's quarter: the truth, late data, restarts, a new KPI."""

import sqlite3
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from analytics.kpis.inputs import KpiPeriod
from analytics.kpis.periods import containing
from caretaker.calendar import DayKind
from caretaker.clock import DAY_MS, HOUR_MS
from ingest.metering import intervals
from simulators.faults import Fault, FaultKind
from storage.journal import Journal
from storage.kpi import KpiValue
from tests.analytics.school import (
    CALENDAR,
    SITE,
    Truth,
    content,
    days_of,
    forget,
    job_of,
    live,
    open_journal,
    values,
)

FIRST, DAYS = date(2026, 8, 24), 92
LAST = FIRST + timedelta(days=DAYS - 1)
NOW_MS = CALENDAR.bounds(LAST)[1] + HOUR_MS
NIGHTS = CALENDAR.bounds(date(2026, 11, 3))[0]
LEAK = Fault(FaultKind.RUNNING_TOILET, "toilets", NIGHTS, NIGHTS + 14 * DAY_MS, 0.065)
WARM = Fault(FaultKind.COMPRESSOR_FAILURE, "fridge-1", NIGHTS + 9 * HOUR_MS, NIGHTS + 20 * HOUR_MS)


LATE = date(2026, 11, 10)
LATE_MS = CALENDAR.bounds(LATE)[0] + 12 * HOUR_MS


class Quarter:
    """A journal with a quarter in it, its truth, and how long the first run took."""

    def __init__(self, path: Path) -> None:
        self.journal = open_journal(path, first=FIRST)
        self.truth: Truth = live(
            self.journal,
            first=FIRST,
            days=DAYS,
            faults=(LEAK, WARM),
            hold=("teaching-b", LATE_MS, LATE_MS + HOUR_MS),
        )
        self.job, self.clock = job_of(self.journal, NOW_MS)
        began = time.process_time()
        self.written = self.job.run_once()
        self.cpu_s = time.process_time() - began

    def value(self, kpi: str, period: str, day: date, scope: str = SITE.id) -> KpiValue:
        span = containing(KpiPeriod(period), day, CALENDAR)
        assert span is not None
        (found,) = values(
            self.journal,
            scope=scope,
            kpis=(kpi,),
            period=period,
            start_ms=span.start_ms,
            end_ms=span.start_ms + 1,
        )
        return found


@pytest.fixture(scope="module")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quarter]:
    found = Quarter(tmp_path_factory.mktemp("quarter") / "journal.sqlite3")
    yield found
    found.journal.close()


pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kpi-quarter")]

OCTOBER = days_of(date(2026, 10, 1), 31)
A_DAY = date(2026, 10, 20)


@pytest.mark.parametrize(
    ("kpi", "meter", "scope"),
    [
        ("electricity_kwh", "main", SITE.id),
        ("electricity_kwh", "teaching-a", "a"),
        ("electricity_kwh", "canteen-hall", "c"),
        ("water_m3", "water-main", SITE.id),
        ("water_m3", "toilets", "a"),
    ],
)
def test_amounts_are_those_the_school_really_used(
    quarter: Quarter, kpi: str, meter: str, scope: str
) -> None:
    for day in days_of(date(2026, 10, 1), 31):
        assert quarter.value(kpi, "day", day, scope).value == pytest.approx(
            quarter.truth.of(meter, [day]), rel=1e-6, abs=1e-6
        )
    month = quarter.value(kpi, "month", A_DAY, scope)
    assert month.value == pytest.approx(quarter.truth.of(meter, OCTOBER), rel=1e-6)
    assert month.coverage == pytest.approx(1.0)


def test_money_and_carbon_follow_from_the_amounts(quarter: Quarter) -> None:
    kwh, m3 = quarter.truth.of("main", OCTOBER), quarter.truth.of("water-main", OCTOBER)
    october = {
        name: quarter.value(name, "month", A_DAY).value
        for name in ("electricity_cny", "water_cny", "carbon_kg", "energy_kgce", "utilities_cny")
    }
    assert october["electricity_cny"] == pytest.approx(kwh * 0.538, rel=1e-6)
    assert october["water_cny"] == pytest.approx(m3 * 4.1, rel=1e-6)
    assert october["utilities_cny"] == pytest.approx(kwh * 0.538 + m3 * 4.1, rel=1e-6)
    assert october["carbon_kg"] == pytest.approx(kwh * 0.5306, rel=1e-6)
    assert october["energy_kgce"] == pytest.approx(kwh * 0.1229 + m3 * 0.2571, rel=1e-6)


def test_load_figures_are_those_of_the_truth(quarter: Quarter) -> None:
    by_day = {day: quarter.truth.quarters("main", day) for day in OCTOBER}
    base = np.mean([np.sort(q)[:16].mean() * 4 for q in by_day.values()])
    peak = max(q.max() for q in by_day.values()) * 4
    mean = np.mean(np.concatenate(list(by_day.values()))) * 4
    closed = sum(
        q.sum() - (q[28:72].sum() if CALENDAR.kind(day) is DayKind.TEACHING else 0.0)
        for day, q in by_day.items()
    )
    total = sum(q.sum() for q in by_day.values())
    for name, true in (
        ("electricity_base_kw", base),
        ("electricity_peak_kw", peak),
        ("electricity_load_factor", 100 * mean / peak),
        ("electricity_out_of_hours_share", 100 * closed / total),
    ):
        assert quarter.value(name, "month", A_DAY).value == pytest.approx(true, rel=1e-5), name


def test_the_sub_meters_are_not_counted_twice(quarter: Quarter) -> None:
    below = sum(
        quarter.truth.of(name, OCTOBER)
        for name in ("teaching-a", "teaching-b", "canteen-hall", "air-conditioning")
    )
    main = quarter.truth.of("main", OCTOBER)
    share = quarter.value("electricity_unmetered_share", "month", A_DAY)
    assert share.value == pytest.approx(100 * (main - below) / main, rel=1e-4)
    # The kitchen stands below the hall's meter: the building counts the hall's alone.
    hall = quarter.value("electricity_kwh", "month", A_DAY, "c")
    assert hall.value == pytest.approx(quarter.truth.of("canteen-hall", OCTOBER), rel=1e-6)
    kitchen = quarter.value("electricity_kwh", "month", A_DAY, "kitchen")
    assert kitchen.value == pytest.approx(quarter.truth.of("canteen-kitchen", OCTOBER), rel=1e-6)


def test_the_leak_at_night_is_found_in_size(quarter: Quarter) -> None:
    before = quarter.value("water_night_l_h", "day", date(2026, 11, 1))
    during = quarter.value("water_night_l_h", "day", date(2026, 11, 12))
    assert before.value == pytest.approx(0.0, abs=0.5)
    assert during.value == pytest.approx(65.0, rel=0.02)
    assert quarter.value("water_leak_l_h", "day", date(2026, 11, 12)).parameters["toilets"] == 3.9


def test_cold_chain_minutes_are_near_the_food_itself(quarter: Quarter) -> None:
    days = days_of(date(2026, 11, 1), 20)
    november = quarter.value("cold_compliance_share", "week", date(2026, 11, 3))
    week = days_of(date(2026, 11, 2), 7)
    good = total = 0
    for name in ("fridge-1", "fridge-2", "freezer-1", "sample-fridge"):
        low, high = (-30.0, -15.0) if name == "freezer-1" else (0.0, 8.0)
        for day in week:
            food = quarter.truth.food_c[name, day]
            good += int(((food >= low) & (food <= high)).sum())
            total += len(food)
    true = 100 * good / total
    assert true < 99.9  # the compressor's failure is in it
    assert november.value == pytest.approx(true, abs=0.3)
    assert quarter.value("cold_compliance_share", "week", days[-1]).value is not None


def test_days_add_up_to_months_and_hours_to_days(quarter: Quarter) -> None:
    for kpi in ("electricity_kwh", "water_m3", "electricity_cny", "carbon_kg"):
        days = [quarter.value(kpi, "day", day).value or 0.0 for day in OCTOBER]
        month = quarter.value(kpi, "month", A_DAY)
        assert month.value == pytest.approx(sum(days))
        start_ms, end_ms = CALENDAR.bounds(A_DAY)
        hours = values(
            quarter.journal,
            scope=SITE.id,
            kpis=(kpi,),
            period="hour",
            start_ms=start_ms,
            end_ms=end_ms,
        )
        assert len(hours) == 24
        assert sum(h.value or 0.0 for h in hours) == pytest.approx(
            quarter.value(kpi, "day", A_DAY).value
        )


def test_a_day_is_compared_with_its_like(quarter: Quarter) -> None:
    found = quarter.value("electricity_kwh", "day", A_DAY)
    like = [
        quarter.truth.of("main", [day])
        for n in range(1, 91)
        if (day := A_DAY - timedelta(days=n)) >= FIRST and CALENDAR.kind(day) is DayKind.TEACHING
    ][:20]
    assert found.usual_median == pytest.approx(float(np.median(like)), rel=1e-6)
    assert found.usual_low == pytest.approx(float(np.quantile(like, 0.1)), rel=1e-6)
    week_before = quarter.truth.of("main", [A_DAY - timedelta(days=7)])
    assert found.previous == pytest.approx(week_before, rel=1e-6)
    usual = found.usual_median or 0.0
    against = quarter.value("electricity_against_usual", "day", A_DAY)
    assert against.value == pytest.approx(100 * ((found.value or 0.0) - usual) / usual)


def test_a_quarter_takes_seconds(quarter: Quarter) -> None:
    assert quarter.written > 30_000
    assert quarter.cpu_s < 30  # 7 s of one core when alone; the margin is for a busy machine


def test_nothing_is_written_twice_and_time_brings_only_what_time_changes(quarter: Quarter) -> None:
    assert quarter.job.run_once() == 0
    again, _ = job_of(quarter.journal, NOW_MS)
    assert again.run_once() == 0  # after a restart too


def test_late_data_compute_exactly_what_they_touch(quarter: Quarter, tmp_path: Path) -> None:
    copy = tmp_path / "journal.sqlite3"
    with quarter.journal.reader() as source, sqlite3.connect(copy) as target:
        source.execute("COMMIT")
        source.backup(target)
        source.execute("BEGIN")
    journal = Journal(copy, zone=SITE.zone, arithmetic=intervals, clock=quarter.clock)
    journal.open()
    before = content(journal)
    # An hour of a sub-meter's readings arrives late: what was spread over it is known now.
    journal.append(quarter.truth.held)
    journal.roll_up()
    job, _ = job_of(journal, NOW_MS)
    assert job.run_once() > 0
    after = content(journal)
    changed = {key for key in after if after[key] != before.get(key)}
    places = {(key[0], key[1]) for key in changed}  # type: ignore[index]
    assert ("building", "b") in places
    assert ("building", "a") not in places
    assert ("building", "c") not in places
    start_ms = CALENDAR.bounds(LATE)[0]
    assert all(after[key].end_ms > start_ms for key in changed)
    hours = {key[4] for key in changed if key[3] == "hour"}  # type: ignore[index]
    assert LATE_MS in hours
    # What was computed anew is what a run from nothing finds.
    journal.call(forget)
    fresh, _ = job_of(journal, NOW_MS)
    fresh.run_once()
    assert content(journal) == after
    journal.close()
