"""KPIs of money and carbon: tariffs, the month's bill, factor sets (rule-book 3.3, 3.4, 6)."""

from dataclasses import replace
from datetime import date, time, timedelta

import numpy as np
import pytest

from analytics.kpis.facts import DayFacts
from analytics.kpis.inputs import KpiPeriod, Rules, Scope, ScopeKind
from analytics.kpis.rows.load import power_factor
from analytics.kpis.tariff import power_factor_percent
from caretaker.clock import HOUR_MS
from caretaker.config import KpiSettings
from caretaker.factors import CARBON, ENERGY, kgce
from caretaker.tariffs import Band, Tariffs, TariffTable, Tier
from tests.analytics.days import RULES, SHANGHAI, day, flow, inputs, month_of, value

TUESDAY, SUNDAY = date(2026, 9, 8), date(2026, 9, 13)


def electric(at: date) -> DayFacts:
    return day(at, {"energy": flow(np.full(96, 1.0))})


# -- vectors of the rule-book, section 11 -----------------------------------------------------


def test_t6_t7_power_factor_and_its_charge() -> None:
    assert [power_factor(10_000, q) for q in (4843, 6000, 8819, 3287)] == [0.90, 0.86, 0.75, 0.95]
    found = [power_factor_percent(f, 0.90) for f in (0.86, 0.75, 0.69, 0.64, 0.95)]
    assert found == [2.0, 7.5, 11.0, 17.0, -0.75]


@pytest.mark.parametrize("standard", [0.85, 0.90])
def test_a_worse_power_factor_never_costs_less(standard: float) -> None:
    percents = [power_factor_percent(n / 100, standard) for n in range(30, 101)]
    assert percents == sorted(percents, reverse=True)
    assert power_factor_percent(standard, standard) == 0


def test_t8_coal_equivalent() -> None:
    cn = ENERGY["CN-GB2589-2020"]
    used = {"electricity": 150_000.0, "water": 6_000.0, "gas": 8_000.0}
    found = [kgce(cn, {name: amount}) for name, amount in used.items()]
    assert found == pytest.approx([18_435, 1_542.6, 10_640])
    assert kgce(ENERGY["CN-SD-audit"], {"electricity": 150_000.0}) == pytest.approx(46_500)


def test_t9_carbon_by_year() -> None:
    by_year = CARBON["CN-national"].by_year
    found = [150_000 * by_year[year] for year in (2021, 2022, 2023)]
    assert found == pytest.approx([83_520, 80_490, 79_590])


# -- money ------------------------------------------------------------------------------------


def priced(*tables: TariffTable, **tariffs: float) -> Rules:
    return Rules(SHANGHAI, KpiSettings(), Tariffs(**tariffs), tables)


def test_flat_price_until_a_table_begins() -> None:
    table = TariffTable("electricity", TUESDAY, 1.0)
    rules = priced(table, electricity_cny_kwh=0.5)
    before, after = electric(TUESDAY - timedelta(days=1)), electric(TUESDAY)
    found = inputs([before, after], rules=rules)
    assert value("electricity_cny", found).value == pytest.approx(96 * 0.5 + 96 * 1.0)


def test_time_of_use_by_hour_season_and_kind_of_day() -> None:
    bands = (
        Band("sharp", 1.5, time(10), time(12), months=(9,), days=("workday",)),
        Band("peak", 1.0, time(9), time(12)),
        Band("valley", 0.2, time(22), time(6)),
    )
    rules = priced(TariffTable("electricity", date(2026, 1, 1), 0.5, bands=bands))

    def cost(at: date) -> float | None:
        return value("electricity_cny", inputs([electric(at)], rules=rules)).value

    assert cost(TUESDAY) == pytest.approx(8 * 1.5 + 4 * 1.0 + 32 * 0.2 + 52 * 0.5)
    assert cost(SUNDAY) == pytest.approx(12 * 1.0 + 32 * 0.2 + 52 * 0.5)
    assert cost(date(2026, 11, 10)) == pytest.approx(12 * 1.0 + 32 * 0.2 + 52 * 0.5)
    share = value("electricity_peak_band_share", inputs([electric(TUESDAY)], rules=rules))
    assert share.value == pytest.approx(100 * 12 / 96)
    assert share.parameters == {"sharp": 8.0, "peak": 4.0, "valley": 32.0, "flat": 52.0}
    flat = inputs([electric(TUESDAY)])
    assert value("electricity_peak_band_share", flat).reason == "no-setting"


def test_tiers_go_on_from_what_was_used_since_they_began() -> None:
    tiers = (Tier(0.0, 1.0), Tier(100.0, 2.0))
    rules = priced(TariffTable("electricity", date(2026, 1, 1), 1.0, tiers=tiers))
    found = replace(inputs([electric(TUESDAY)], rules=rules), used_before=lambda _utility: 50.0)
    assert value("electricity_cny", found).value == pytest.approx(50 * 1.0 + 46 * 2.0)
    unknown = replace(found, used_before=lambda _utility: None)
    assert value("electricity_cny", unknown).reason == "tier-unknown"
    building = Scope(ScopeKind.BUILDING, "a", "A")
    assert value("electricity_cny", replace(found, scope=building)).reason == "tiers-of-campus"
    new_year = [electric(date(2026, 12, 31)), electric(date(2027, 1, 1))]
    over = replace(inputs(new_year, rules=rules), used_before=lambda _utility: 1_000.0)
    assert value("electricity_cny", over).value == pytest.approx(96 * 2.0 + 96 * 1.0)


def test_the_months_bill() -> None:
    table = TariffTable("electricity", date(2026, 1, 1), 0.5, capacity_cny_kw=20, demand_cny_kw=10)
    rules = priced(table, agreed_kw=50.0, power_factor_standard=0.90)
    days = [
        day(
            date(2026, 9, n),
            {"energy": flow(np.full(96, 1.0)), "reactive_energy": flow(np.full(96, 0.6))},
        )
        for n in range(1, 31)
    ]
    found = inputs(days, span=month_of(TUESDAY), period=KpiPeriod.MONTH, rules=rules)
    assert value("power_factor", found).value == 0.86
    energy, capacity = 30 * 96 * 0.5, 20 * 50 + 10 * 4
    assert value("electricity_capacity_cny", found).value == pytest.approx(capacity)
    charge = value("electricity_power_factor_cny", found)
    assert charge.value == pytest.approx((energy + capacity) * 0.02)
    assert value("electricity_bill_cny", found).value == pytest.approx((energy + capacity) * 1.02)
    off = replace(found, rules=priced(table, agreed_kw=50.0))
    assert value("electricity_power_factor_cny", off).reason == "switched-off"
    assert value("electricity_bill_cny", off).value == pytest.approx(energy + capacity)
    running = replace(found, settled_ms=found.end_ms - HOUR_MS)
    assert value("electricity_bill_cny", running).reason == "running"


# -- carbon -----------------------------------------------------------------------------------


def test_carbon_and_coal_say_their_set_and_year() -> None:
    both = {"energy": flow(np.full(96, 1.0)), "volume": flow(np.full(96, 0.1))}
    found = inputs([day(TUESDAY, both)])
    carbon = value("carbon_kg", found)
    assert carbon.value == pytest.approx(96 * 0.5306)
    assert carbon.parameters == {"factors": "CN-national", "years": "2023"}
    coal = value("energy_kgce", found)
    assert coal.value == pytest.approx(96 * 0.1229 + 9.6 * 0.2571)
    assert coal.parameters["carriers"] == "electricity+water"
    assert value("energy_kgce_person", found).value == pytest.approx((coal.value or 0) / 640)
    own = replace(RULES, kpi=KpiSettings(carbon_kg_kwh=0.7))
    assert value("carbon_kg", replace(found, rules=own)).value == pytest.approx(96 * 0.7)
    old = day(date(2012, 5, 8), both)
    assert value("carbon_kg", inputs([old])).reason == "no-factor"
