"""Electricity: amounts, closed hours, base load, peaks (rule-book 3.1 and 3.2)."""

from collections.abc import Callable

import numpy as np

from analytics.kpis.facts import DayFacts, Flow
from analytics.kpis.inputs import KpiPeriod, ScopeKind
from analytics.kpis.row import (
    BUILDINGS,
    FROM_HOUR,
    FROM_WEEK,
    Combine,
    Direction,
    Guide,
    Kpi,
    Words,
)
from analytics.kpis.shared import against_usual, by_total, share_of, unmetered
from caretaker.calendar import DayKind

ENERGY = "energy"

SPARKS = "Energy Sparks, benchmark_metrics.rb (July 2025), UK primary schools"


def _closed(day: DayFacts, flow: Flow) -> float:
    """Return what a day used while the school was closed [kWh]."""
    first, last = day.open_slots
    return (flow.total or 0.0) - float(np.nansum(flow.amounts[first:last]))


def _of_kind(*kinds: DayKind) -> Callable[[DayFacts, Flow], float]:
    return lambda day, flow: (flow.total or 0.0) if day.kind in kinds else 0.0


KPIS = (
    Kpi(
        name="electricity_kwh",
        subject="electricity",
        unit="kWh",
        needs=(ENERGY,),
        measure=by_total(ENERGY),
        periods=FROM_HOUR,
        hourly=BUILDINGS,
        direction=Direction.LOWER,
        combine=Combine.SUM,
        zh=Words("用电量", "这段时间总共用了多少电。"),
        en=Words("Electricity", "How much electricity was used in the period."),
        formula="sum of what the topmost meters moved",
        reference="rule-book 3.1; register differences by ingest/metering",
    ),
    Kpi(
        name="electricity_kwh_pupil",
        subject="electricity",
        unit="kWh/pupil",
        needs=(ENERGY,),
        measure=by_total(ENERGY, lambda inputs: inputs.pupils),
        decimals=3,
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        usual=False,
        zh=Words("生均用电量", "平均每个学生用了多少电。"),
        en=Words("Electricity per pupil", "Electricity used for each pupil."),
        formula="kWh / mean number of pupils",
        reference="rule-book 6.3 (人均能耗, 公共机构节能条例 Art. 23); guide: Energy Sparks",
        guides=(
            Guide("benchmark_year", lambda n: 221.0 if n else None, f"{SPARKS}, per year"),
            Guide("exemplar_year", lambda n: 196.0 if n else None, f"{SPARKS}, per year"),
        ),
    ),
    Kpi(
        name="electricity_kwh_m2",
        subject="electricity",
        unit="kWh/m2",
        needs=(ENERGY,),
        measure=by_total(ENERGY, lambda inputs: inputs.area_m2),
        decimals=3,
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        usual=False,
        zh=Words("单位面积用电量", "平均每平方米建筑面积用了多少电。"),
        en=Words("Electricity per m2", "Electricity used for each square metre of floor."),
        formula="kWh / floor area",
        reference="rule-book 6.3 (单位建筑面积能耗, 公共机构节能条例 Art. 23)",
    ),
    Kpi(
        name="electricity_kwh_school_day",
        subject="electricity",
        unit="kWh/d",
        needs=(ENERGY,),
        measure=by_total(ENERGY, lambda inputs: float(inputs.school_days), whole_days=True),
        periods=FROM_WEEK,
        direction=Direction.LOWER,
        combine=Combine.SUM,
        zh=Words("每教学日用电量", "总用电量除以教学日天数，周末和假期用的也算在内。"),
        en=Words(
            "Electricity per school day",
            "All electricity of the period over its school days; closed days are paid for too.",
        ),
        formula="kWh of the days that are over / school days among them",
        reference="rule-book 6.3",
    ),
    Kpi(
        name="electricity_against_usual",
        subject="electricity",
        unit="%",
        needs=(ENERGY,),
        measure=against_usual(ENERGY),
        compares=True,
        scale=100.0,
        periods=(KpiPeriod.DAY,),
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        bad=15.0,
        usual=False,
        zh=Words("与平常日相比", "与最近同类日子的中位数相比，多用或少用了百分之几。"),
        en=Words(
            "Against a usual day",
            "How much more or less than the median of recent days of the same kind.",
        ),
        formula="(kWh so far - median of similar days so far) / that median",
        reference="rule-book 3.2 E2 (0 points at +15 %); analytics/usual_day",
    ),
    Kpi(
        name="electricity_out_of_hours_share",
        subject="electricity",
        unit="%",
        needs=(ENERGY,),
        measure=share_of(ENERGY, _closed),
        scale=100.0,
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        good=50.0,
        bad=55.0,
        periods=FROM_WEEK,
        guides=(
            Guide("exemplar", lambda _n: 50.0, SPARKS),
            Guide("benchmark", lambda _n: 55.0, SPARKS),
        ),
        zh=Words("非教学时段用电占比", "闭校时段、周末和假期的用电占总用电的比例。"),
        en=Words(
            "Out-of-hours share",
            "Share used while the school was closed: nights, weekends and holidays.",
        ),
        formula="kWh while closed (school-day-closed + weekend + holiday) / kWh",
        reference="rule-book 3.1, 3.2 E3; Energy Sparks judges it over 12 months",
    ),
    Kpi(
        name="electricity_weekend_share",
        subject="electricity",
        unit="%",
        needs=(ENERGY,),
        measure=share_of(ENERGY, _of_kind(DayKind.WEEKEND)),
        scale=100.0,
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        periods=FROM_WEEK,
        zh=Words("周末用电占比", "周末用电占总用电的比例。"),
        en=Words("Weekend share", "Share used on weekends."),
        formula="kWh on weekend days / kWh",
        reference="rule-book 3.1 (day types)",
    ),
    Kpi(
        name="electricity_holiday_share",
        subject="electricity",
        unit="%",
        needs=(ENERGY,),
        measure=share_of(ENERGY, _of_kind(DayKind.HOLIDAY, DayKind.VACATION)),
        scale=100.0,
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        periods=FROM_WEEK,
        zh=Words("假期用电占比", "节假日和寒暑假用电占总用电的比例。"),
        en=Words("Holiday share", "Share used on public holidays and in vacations."),
        formula="kWh on holidays and vacation days / kWh",
        reference="rule-book 3.1 (day types), 3.2 E9",
    ),
    Kpi(
        name="electricity_unmetered_share",
        subject="electricity",
        unit="%",
        needs=(ENERGY, "energy/below"),
        measure=unmetered(ENERGY),
        scale=100.0,
        direction=Direction.NEUTRAL,
        combine=Combine.RATIO,
        good=-2.0,
        bad=15.0,
        scopes=(ScopeKind.CAMPUS, ScopeKind.BUILDING),
        zh=Words("未分项计量的用电", "总表与下一级分表之和的差占总表的比例；缺的表会点名。"),
        en=Words(
            "Electricity no sub-meter sees",
            "Topmost meters minus those below them; a meter without data is named.",
        ),
        formula="(topmost meters - meters directly below) / topmost meters",
        reference="rule-book 3.5 (main vs sub: -2 % to +15 %)",
    ),
)
