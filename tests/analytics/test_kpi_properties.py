"""What holds for any data: parts add up, days partition months, less data never looks better."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.kpi_job.load import _flow, _Quarters
from analytics.kpis.facts import Flow
from analytics.kpis.inputs import KpiPeriod, Rules
from analytics.kpis.registry import REGISTRY
from analytics.kpis.row import Combine, Result, roll_up
from analytics.meters import Meter
from caretaker.tariffs import TariffTable, Tier
from caretaker.vocabulary import Device, DeviceStatus
from tests.analytics.days import RULES, SHANGHAI, day, flow, inputs, value

FIRST = date(2026, 9, 1)
ADDITIVE = (
    "electricity_kwh",
    "electricity_cny",
    "carbon_kg",
    "energy_kgce",
    "water_m3",
    "water_cny",
    "utilities_cny",
)
_AMOUNTS = st.lists(st.floats(0.0, 50.0), min_size=96, max_size=96)


def _constant(amount: float, _utility: str) -> float:
    return amount


def both(amounts: list[float], **more: float) -> dict[str, Flow]:
    return {"energy": flow(amounts, **more), "volume": flow(np.array(amounts) / 50, **more)}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.01, 50.0), min_size=2, max_size=31), st.sampled_from(ADDITIVE))
def test_days_add_up_to_their_month(levels: list[float], name: str) -> None:
    days = [day(FIRST + timedelta(days=n), both([level] * 96)) for n, level in enumerate(levels)]
    month = value(name, inputs(days, period=KpiPeriod.MONTH)).value
    parts = [value(name, inputs([one])).value for one in days]
    assert None not in parts
    assert month == pytest.approx(sum(part or 0.0 for part in parts))


@settings(max_examples=40, deadline=None)
@given(_AMOUNTS, st.sampled_from(ADDITIVE))
def test_hours_add_up_to_their_day(amounts: list[float], name: str) -> None:
    whole = day(FIRST, both(amounts))
    hours = [whole.cut(4 * n, 4 * n + 4) for n in range(24)]
    parts = [value(name, inputs([hour], period=KpiPeriod.HOUR)).value for hour in hours]
    assert value(name, inputs([whole])).value == pytest.approx(sum(p or 0.0 for p in parts))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0.0, 900.0), min_size=1, max_size=20),
    st.lists(st.floats(1.0, 500.0), min_size=0, max_size=4),
)
def test_tiers_cost_the_same_however_the_use_is_cut(uses: list[float], steps: list[float]) -> None:
    above = [0.0, *np.cumsum(steps).tolist()]
    tiers = tuple(Tier(edge, 0.5 + 0.1 * n) for n, edge in enumerate(above))
    tables = (TariffTable("electricity", date(2026, 1, 1), 0.5, tiers=tiers),)
    rules = Rules(SHANGHAI, tables=tables)
    days = [
        day(FIRST + timedelta(days=n), {"energy": flow(np.full(96, use / 96))})
        for n, use in enumerate(uses)
    ]
    whole = value("electricity_cny", inputs(days, rules=rules)).value
    before, parts = 0.0, 0.0
    for one, use in zip(days, uses, strict=True):
        part = replace(inputs([one], rules=rules), used_before=partial(_constant, before))
        parts += value("electricity_cny", part).value or 0.0
        before += use
    assert whole == pytest.approx(parts, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=96, max_size=96), st.sampled_from(sorted(REGISTRY)))
def test_losing_data_never_raises_coverage_nor_brings_a_value(lost: list[bool], name: str) -> None:
    amounts = np.linspace(1.0, 3.0, 96)
    full = [day(FIRST + timedelta(days=n), both(amounts.tolist())) for n in range(7)]
    fewer = np.where(lost, np.nan, amounts)
    part = [*full[:6], day(full[6].day, both(fewer.tolist()))]
    before = value(name, inputs(full, period=KpiPeriod.WEEK))
    after = value(name, inputs(part, period=KpiPeriod.WEEK))
    assert after.coverage <= before.coverage + 1e-12
    assert before.enough or not after.enough


_PART = st.builds(
    lambda n, d, c: Result(100 * n / d, numerator=n, denominator=d, coverage=c),
    st.floats(0.0, 1e6),
    st.floats(1.0, 1e6),
    st.floats(0.9, 1.0),
)
_RATIO = next(k for k in REGISTRY.values() if k.combine is Combine.RATIO and k.scale == 100)
_SUM = REGISTRY["electricity_kwh"]


@settings(max_examples=100, deadline=None)
@given(st.lists(_PART, min_size=2, max_size=8), st.integers(1, 7))
def test_a_roll_up_does_not_depend_on_the_levels_between(parts: list[Result], cut: int) -> None:
    cut = min(cut, len(parts) - 1)
    schools = [roll_up(_RATIO, parts[:cut]), roll_up(_RATIO, parts[cut:])]
    district, direct = roll_up(_RATIO, schools), roll_up(_RATIO, parts)
    assert district.value == pytest.approx(direct.value)
    assert direct.value == pytest.approx(
        100 * sum(p.numerator or 0 for p in parts) / sum(p.denominator or 0 for p in parts)
    )
    assert district.coverage == direct.coverage == min(p.coverage for p in parts)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0.0, 1e6), min_size=2, max_size=8), st.integers(1, 7))
def test_sums_roll_up_as_sums(amounts: list[float], cut: int) -> None:
    parts = [Result(a, numerator=a, denominator=1.0, coverage=1.0) for a in amounts]
    cut = min(cut, len(parts) - 1)
    levels = roll_up(_SUM, [roll_up(_SUM, parts[:cut]), roll_up(_SUM, parts[cut:])])
    assert levels.value == pytest.approx(sum(amounts))
    assert levels.denominator == 1.0


def test_one_campus_without_data_leaves_the_school_without() -> None:
    known = Result(5.0, numerator=5.0, denominator=1.0, coverage=1.0)
    unknown = Result(None, coverage=0.5, reason="coverage", missing=("总表",))
    found = roll_up(_SUM, [known, unknown])
    assert (found.value, found.reason, found.missing) == (None, "member", ("总表",))
    median = roll_up(REGISTRY["incident_acknowledge_min"], [known, known])
    assert (median.value, median.reason) == (None, "not-additive")
    assert roll_up(REGISTRY["incident_acknowledge_min"], [known]).value == 5.0


def _meter(number: int) -> Meter:
    device = Device(number, f"native:m/{number}", "native", DeviceStatus.ADOPTED, name=f"m{number}")
    return Meter(device, (number,))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.one_of(st.none(), st.floats(0, 9)), min_size=8, max_size=8),
        min_size=1,
        max_size=5,
    )
)
def test_meters_add_up_and_the_worst_one_says_how_well_all_are_known(
    rows: list[list[float | None]],
) -> None:
    quarters = {}
    for number, row in enumerate(rows):
        amounts = np.array([np.nan if a is None else a for a in row])
        covered = np.where(np.isnan(amounts), 0.0, 900_000.0)
        quarters[number] = _Quarters(amounts, np.zeros(8), covered, amounts)
    meters = [_meter(number) for number in range(len(rows))]
    found = _flow(meters, quarters, slice(0, 8))
    assert found is not None
    known = [a for row in rows for a in row if a is not None]
    assert (found.total or 0.0) == pytest.approx(sum(known))
    blind = [f"m{n}" for n, row in enumerate(rows) if all(a is None for a in row)]
    assert list(found.missing) == blind
    worst = min(sum(a is not None for a in row) for row in rows)
    assert found.covered_total_ms <= worst * 900_000.0
    # A building of the same meters is the campus of them: the sum of parts is the whole.
    halves = [_flow(part, quarters, slice(0, 8)) for part in (meters[:1], meters[1:]) if part]
    assert sum((half.total or 0.0) if half else 0.0 for half in halves) == pytest.approx(sum(known))


def test_rules_default_to_the_sites_settings() -> None:
    assert RULES.kpi.carbon_factors == "CN-national"
