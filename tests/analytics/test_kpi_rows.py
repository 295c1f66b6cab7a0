"""Each KPI by hand-made days: formulas, gates, what is said when data do not suffice."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from analytics.kpis.facts import Clock, DayFacts, Leak
from analytics.kpis.inputs import KpiPeriod, Rules
from analytics.kpis.registry import REGISTRY, by_name
from analytics.kpis.row import Kpi
from analytics.kpis.rows.load import base_guide_kw
from analytics.kpis.texts import REASONS
from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS
from caretaker.config import KpiSettings
from caretaker.tariffs import Tariffs
from caretaker.vocabulary import Severity
from tests.analytics.days import (
    BERLIN,
    RULES,
    day,
    flow,
    inputs,
    run_of,
    value,
)

TUESDAY, SUNDAY, HOLIDAY = date(2026, 9, 8), date(2026, 9, 13), date(2026, 10, 1)


def electric(at: date, kwh: float = 1.0, **more: float) -> DayFacts:
    return day(at, {"energy": flow(np.full(96, kwh), **more)})


# -- vectors of the rule-book, section 11 (the rest stands in test_kpi_money) --------------------


def test_t11_guides_of_a_school_of_600() -> None:
    guides = {
        (kpi.name, guide.name): guide.value(600)
        for kpi in REGISTRY.values()
        for guide in kpi.guides
    }
    assert base_guide_kw(600) == 5.5
    assert guides["electricity_base_kw", "exemplar"] == pytest.approx(3.3)
    assert guides["electricity_daily_peak_kw", "benchmark"] == pytest.approx(53.4)
    assert guides["electricity_daily_peak_kw", "exemplar"] == pytest.approx(46.8)
    assert 600 * (guides["electricity_kwh_pupil", "benchmark_year"] or 0) == 132_600
    assert 600 * (guides["electricity_kwh_pupil", "exemplar_year"] or 0) == 117_600
    assert all(
        kpi.guides == () or "Energy Sparks" in g.source
        for kpi in REGISTRY.values()
        for g in kpi.guides
    )


@pytest.mark.parametrize(
    ("flowing", "pattern"), [(96, "continuous"), (70, "intermittent"), (49, "none")]
)
def test_t12_how_water_ran_over_the_day(flowing: int, pattern: str) -> None:
    amounts = np.zeros(96)
    amounts[:flowing] = 0.01
    found = value("water_flow_share", inputs([day(TUESDAY, {"volume": flow(amounts)})]))
    assert found.value == pytest.approx(100 * flowing / 96)
    assert found.parameters == {"pattern": pattern}


# -- electricity ------------------------------------------------------------------------------


def test_amounts_per_pupil_area_and_school_day() -> None:
    days = run_of(TUESDAY, 7, lambda n: electric(TUESDAY + timedelta(days=n)))
    found = inputs(days, period=KpiPeriod.WEEK)
    assert value("electricity_kwh", found).value == pytest.approx(7 * 96)
    assert value("electricity_kwh_pupil", found).value == pytest.approx(7 * 96 / 600)
    assert value("electricity_kwh_m2", found).value == pytest.approx(7 * 96 / 5_000)
    assert value("electricity_kwh_school_day", found).value == pytest.approx(7 * 96 / 5)


def test_head_counts_are_the_mean_of_the_period() -> None:
    days = [replace(electric(TUESDAY), pupils=500), replace(electric(TUESDAY), pupils=700)]
    assert value("electricity_kwh_pupil", inputs(days)).denominator == 600
    nobody = inputs([replace(electric(TUESDAY), pupils=0)])
    assert value("electricity_kwh_pupil", nobody).reason == "no-setting"


def test_closed_hours_weekends_and_holidays_make_the_out_of_hours_share() -> None:
    opened = np.zeros(96)
    opened[7 * 4 : 18 * 4] = 1.0  # 07:00 to 18:00
    days = [
        day(TUESDAY, {"energy": flow(opened + 0.5)}),
        electric(SUNDAY, 0.25),
        electric(HOLIDAY, 0.25),
    ]
    found = inputs(days, period=KpiPeriod.WEEK)
    found = replace(found, settled_ms=found.start_ms + 3 * DAY_MS)  # three days, in a row
    total = 44 + 48 + 24 + 24
    night = 0.5 * 52
    out = value("electricity_out_of_hours_share", found)
    assert out.value == pytest.approx(100 * (night + 48) / total)
    assert value("electricity_weekend_share", found).value == pytest.approx(100 * 24 / total)
    assert value("electricity_holiday_share", found).value == pytest.approx(100 * 24 / total)


def test_base_load_is_the_lowest_four_hours_and_with_pv_the_night() -> None:
    amounts = np.full(96, 3.0)
    amounts[40:56] = 0.5  # noon, when the roof feeds the house
    amounts[:8], amounts[-8:] = 1.0, 2.0
    plain = inputs([day(TUESDAY, {"energy": flow(amounts)})])
    assert value("electricity_base_kw", plain).value == pytest.approx(2.0)
    export = {"energy": flow(amounts), "energy_export": flow(np.full(96, 0.1))}
    solar = value("electricity_base_kw", inputs([day(TUESDAY, export)]))
    assert solar.value == pytest.approx(4 * 1.5)
    assert solar.parameters == {"method": "22:00-02:00"}
    unused = {"energy": flow(amounts), "energy_export": flow(np.zeros(96))}
    assert value("electricity_base_kw", inputs([day(TUESDAY, unused)])).value == pytest.approx(2.0)


def test_peak_load_factor_and_use_of_the_agreed_capacity() -> None:
    amounts = np.full(96, 1.0)
    amounts[50] = 5.0
    rules = replace(RULES, tariffs=Tariffs(agreed_kw=40.0))
    found = inputs([day(TUESDAY, {"energy": flow(amounts)})], rules=rules)
    assert value("electricity_peak_kw", found).value == pytest.approx(20.0)
    mean_kw = (95 + 5) / 96 * 4
    assert value("electricity_load_factor", found).value == pytest.approx(100 * mean_kw / 20)
    assert value("electricity_capacity_share", found).value == pytest.approx(50.0)
    assert value("electricity_capacity_share", replace(found, rules=RULES)).reason == "no-setting"


def test_a_quarter_hour_spread_over_a_gap_is_no_peak_and_no_base() -> None:
    amounts = np.full(96, 2.0)
    amounts[10:12] = 9.0
    covered = np.full(96, 900_000.0)
    covered[10:12] = 0.0
    gap = replace(flow(amounts), covered_ms=covered)
    found = inputs([day(TUESDAY, {"energy": gap})])
    assert value("electricity_peak_kw", found).value == pytest.approx(8.0)


def test_against_a_usual_day() -> None:
    similar = [electric(TUESDAY, kwh) for kwh in (0.8, 0.9, 1.0, 1.1, 1.2)]
    found = inputs([electric(TUESDAY, 1.5)], similar=similar)
    assert value("electricity_against_usual", found).value == pytest.approx(50.0)
    few = inputs([electric(TUESDAY)], similar=similar[:4])
    assert value("electricity_against_usual", few).reason == "few-similar-days"


def test_what_no_sub_meter_sees_and_the_meter_that_is_missing() -> None:
    whole = electric(TUESDAY, 1.0)
    seen = replace(whole, below={"energy": flow(np.full(96, 0.9))})
    assert value("electricity_unmetered_share", inputs([seen])).value == pytest.approx(10.0)
    lost = replace(flow(np.full(96, 0.5), covered=0.0), missing=("食堂电表",))
    found = value("electricity_unmetered_share", inputs([replace(whole, below={"energy": lost})]))
    assert (found.value, found.reason, found.missing) == (None, "coverage", ("食堂电表",))


# -- gates ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("covered", "enough"), [(0.96, True), (0.92, True), (0.89, False)])
def test_under_90_percent_there_is_no_value(covered: float, enough: bool) -> None:
    found = value("electricity_kwh", inputs([electric(TUESDAY, covered=covered)]))
    assert found.enough is enough
    assert found.coverage == pytest.approx(covered)
    assert found.reason == ("" if enough else "coverage")
    assert found.numerator == pytest.approx(96.0)  # what is known stays as evidence


def test_days_without_any_data_lower_the_coverage() -> None:
    empty = day(TUESDAY + timedelta(days=1), {})
    found = value("electricity_kwh", inputs([electric(TUESDAY), empty], period=KpiPeriod.WEEK))
    assert (found.value, found.coverage) == (None, 0.5)
    assert value("electricity_kwh", inputs([empty])).reason == "no-data"


def test_a_running_day_counts_what_has_elapsed() -> None:
    noon = electric(TUESDAY).cut(0, 48)
    start_ms = noon.start_ms
    running = replace(
        inputs([noon]), end_ms=start_ms + 24 * HOUR_MS, settled_ms=start_ms + 12 * HOUR_MS
    )
    found = value("electricity_kwh", running)
    assert (found.value, found.coverage) == (48.0, 1.0)
    assert value("electricity_kwh", replace(running, settled_ms=start_ms)).reason == "not-begun"
    assert value("electricity_base_kw", running).reason == "not-begun"


def test_every_reason_is_told_in_both_languages() -> None:
    assert set(REASONS["en"]) == set(REASONS["zh-CN"])


@pytest.mark.parametrize("day_length", [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100)])
def test_days_when_clocks_change(day_length: tuple[date, int]) -> None:
    at, slots = day_length
    amounts = np.full(slots, 1.0)
    found = inputs(
        [day(at, {"energy": flow(amounts), "volume": flow(amounts)}, calendar=BERLIN)],
        rules=Rules(BERLIN),
    )
    kwh = value("electricity_kwh", found)
    assert (kwh.value, kwh.coverage) == (slots, 1.0)
    assert value("electricity_load_factor", found).value == pytest.approx(100.0)


# -- water ------------------------------------------------------------------------------------


def nights(levels: list[float]) -> list[DayFacts]:
    """Return days whose night runs at these litres an hour, but for a burst of flushing."""
    found = []
    for number, level in enumerate(levels):
        amounts = np.full(96, 0.2)
        amounts[:20] = level / 4000
        amounts[3:5] += 0.1
        found.append(day(TUESDAY + timedelta(days=number), {"volume": flow(amounts)}))
    return found


def test_night_flow_is_the_20th_percentile_of_seven_smallest_hours() -> None:
    days = nights([50, 60, 55, 40, 45, 65, 70])
    found = inputs(days[6:], before=days[:6])
    night = value("water_night_l_h", found)
    assert night.value == pytest.approx(46.0)  # type 7 quantile of 40, 45, 50, 55, 60, 65, 70
    assert night.parameters == {"nights": 7}
    allowed = replace(RULES, kpi=KpiSettings(night_allowance_l_h=20.0))
    assert value("water_leak_l_h", replace(found, rules=allowed)).value == pytest.approx(26.0)
    few = value("water_night_l_h", inputs(days[2:3], before=days[:2]))
    assert few.reason == "few-nights"


def test_known_leaks_in_hours_litres_and_money() -> None:
    at = day(TUESDAY, {"volume": flow(np.full(96, 0.1))})
    leaks = (
        Leak(at.start_ms, at.start_ms + 6 * HOUR_MS, 100.0),
        Leak(at.start_ms + 4 * HOUR_MS, at.start_ms + 8 * HOUR_MS, 50.0),
    )
    found = inputs([replace(at, leaks=leaks)])
    assert value("water_leak_h", found).value == pytest.approx(8.0)
    assert value("water_leak_share", found).value == pytest.approx(100 * 8 / 24)
    assert value("water_leak_m3", found).value == pytest.approx(0.8)
    assert value("water_leak_cny", found).value == pytest.approx(0.8 * 4.1)
    blind = replace(at, flows={"volume": flow(np.full(96, 0.1), covered=0.5)})
    assert value("water_leak_h", inputs([blind])).reason == "coverage"  # no data is no "no leak"


# -- cold storage, data, people ---------------------------------------------------------------


def test_minutes_nobody_watched_are_failed_minutes() -> None:
    watched = replace(electric(TUESDAY), compliant_min=1_430.0, required_min=1_440.0)
    found = value("cold_compliance_share", inputs([watched]))
    assert found.value == pytest.approx(100 * 1_430 / 1_440)
    assert REGISTRY["cold_compliance_share"].zh.name == "冷链合规率(新鲜度代理指标)"
    assert value("cold_compliance_share", inputs([electric(TUESDAY)])).reason == "no-cold-unit"


def test_coverage_and_estimated_share() -> None:
    known = replace(electric(TUESDAY, estimated=0.2), covered_ms=80, expected_ms=100)
    assert value("data_coverage", inputs([known])).value == pytest.approx(80.0)
    assert value("electricity_estimated_share", inputs([known])).value == pytest.approx(20.0)
    assert value("electricity_kwh", inputs([known])).estimated_share == pytest.approx(0.2)


def clocks(*minutes: tuple[int | None, int | None]) -> DayFacts:
    at = electric(TUESDAY)
    return replace(
        at,
        clocks=tuple(
            Clock(
                at.start_ms,
                Severity.ALARM,
                None if ack is None else at.start_ms + ack * MINUTE_MS,
                None if back is None else at.start_ms + back * MINUTE_MS,
            )
            for ack, back in minutes
        ),
    )


def test_clocks_of_incidents() -> None:
    found = inputs([clocks((10, 60), (20, 100), (30, 120), (40, 130), (100, 600), (None, None))])
    assert value("incident_acknowledge_min", found).value == 30
    assert value("incident_acknowledge_p90_min", found).value == pytest.approx(76)
    assert value("incident_acknowledge_mean_min", found).value == 40
    # The one that nobody took on for a day is overdue: it failed.
    assert value("incident_acknowledge_share", found).value == pytest.approx(100 * 3 / 6)
    assert value("incident_recover_min", found).value == 120
    assert value("incident_recover_share", found).value == pytest.approx(100 * 3 / 6)
    fresh = replace(found, now_ms=found.start_ms + 25 * MINUTE_MS)
    assert value("incident_acknowledge_share", fresh).count == 5  # not yet due


def test_four_incidents_say_nothing_and_notices_do_not_count() -> None:
    four = inputs([clocks(*[(10, 60)] * 4)])
    assert value("incident_acknowledge_min", four).reason == "few-incidents"
    day_ = clocks(*[(10, 60)] * 5)
    notices = replace(day_, clocks=tuple(replace(c, severity=Severity.NOTICE) for c in day_.clocks))
    assert value("incident_acknowledge_share", inputs([notices])).reason == "few-incidents"


# -- the table --------------------------------------------------------------------------------


@pytest.mark.parametrize("kpi", REGISTRY.values(), ids=lambda kpi: kpi.name)
def test_a_row_is_whole(kpi: Kpi) -> None:
    for words in (kpi.zh, kpi.en):
        assert words.name
        assert words.sentence.endswith(("。", "."))
    assert kpi.formula
    assert "rule-book" in kpi.reference
    assert kpi.periods
    assert kpi.scopes


def test_two_rows_of_one_name_are_refused() -> None:
    row = REGISTRY["electricity_kwh"]
    with pytest.raises(ValueError, match="electricity_kwh"):
        by_name([row, row])
