"""Water: amounts, night flow and leaks (rule-book 4)."""

from collections.abc import Callable, Sequence

import numpy as np

from analytics.kpis.facts import Flow
from analytics.kpis.inputs import Inputs, KpiPeriod, NotEnoughDataError, ScopeKind
from analytics.kpis.row import (
    BUILDINGS,
    FROM_HOUR,
    FROM_WEEK,
    Combine,
    Direction,
    Kpi,
    Measure,
    Words,
)
from analytics.kpis.shared import against_usual, by_total, unmetered
from analytics.kpis.tariff import local_minutes
from analytics.usual_day import quantile
from caretaker.clock import HOUR_MS

VOLUME = "volume"
_NIGHT_ENDS_MIN = 5 * 60
_NIGHT_WHOLE = 0.9
_NIGHTS = 7
_FEWEST_NIGHTS = 4
_TOILET_L_H = 16.7


def night_minimum_l_h(flow: Flow, minutes: Sequence[float]) -> float | None:
    """Return the smallest rolling hour between 00:00 and 05:00 [L/h]; None with gaps in the night.

    `minutes` are the local minutes at which the day's quarter-hours begin.
    """
    window = np.asarray(minutes) < _NIGHT_ENDS_MIN
    amounts = flow.measured_or_nan[window]
    known = ~np.isnan(amounts)
    if len(amounts) < 4 or known.mean() < _NIGHT_WHOLE:
        return None
    rolling = np.lib.stride_tricks.sliding_window_view(amounts, 4).sum(axis=1)
    whole = rolling[~np.isnan(rolling)]
    return float(whole.min()) * 1000 if whole.size else None


def _night(inputs: Inputs) -> Measure:
    """Return the 20th percentile of the nights' smallest hours (UKWIR 99/WM/08/21)."""
    zone = inputs.rules.calendar.zone
    one_day = inputs.period is KpiPeriod.DAY
    days = (*inputs.before, *inputs.days)[-_NIGHTS:] if one_day else inputs.days
    nights: list[float] = []
    wanted = 0
    for day in days:
        if day.start_ms + 5 * HOUR_MS > inputs.settled_ms:
            continue
        wanted += 1
        flow = day.flows.get(VOLUME)
        if flow is not None:
            minutes = local_minutes(day.start_ms, len(flow.amounts), zone).tolist()
            found = night_minimum_l_h(flow, minutes)
            if found is not None:
                nights.append(found)
    if len(nights) < _FEWEST_NIGHTS:
        raise NotEnoughDataError("few-nights", coverage=len(nights) / wanted if wanted else 0.0)
    return Measure(
        quantile(nights, 0.2), coverage=len(nights) / wanted, count=len(nights),
        parameters={"nights": len(nights)},
    )  # fmt: skip


def _leak_estimate(inputs: Inputs) -> Measure:
    found = _night(inputs)
    allowance = inputs.rules.kpi.night_allowance_l_h
    leak = max(0.0, found.numerator - allowance)
    return Measure(
        leak,
        coverage=found.coverage,
        count=found.count,
        parameters={"allowance_l_h": allowance, "toilets": round(leak / _TOILET_L_H, 1)},
    )


def union_ms(spans: Sequence[tuple[int, int]]) -> int:
    """Return the time that spans cover together.

    >>> union_ms([(0, 10), (5, 20), (30, 40)])
    30
    """
    total, reached = 0, -1
    for start, end in sorted(spans):
        if end > max(start, reached):
            total += end - max(start, reached)
            reached = end
    return total


def _leak_hours(inputs: Inputs) -> Measure:
    total = inputs.total(VOLUME)
    spans = [(leak.start_ms, leak.end_ms) for day in inputs.days for leak in day.leaks]
    elapsed = min(inputs.end_ms, inputs.now_ms) - inputs.start_ms
    return Measure(
        union_ms(spans) / HOUR_MS,
        elapsed / HOUR_MS,
        coverage=total.coverage,
        missing=total.missing,
    )


def _leaked(inputs: Inputs, price: Callable[[Inputs], float]) -> Measure:
    total = inputs.total(VOLUME)
    litres = sum(
        leak.flow_l_h * (leak.end_ms - leak.start_ms) / HOUR_MS
        for day in inputs.days
        for leak in day.leaks
    )
    return Measure(litres / 1000 * price(inputs), coverage=total.coverage, missing=total.missing)


def _hours_only(inputs: Inputs) -> Measure:
    found = _leak_hours(inputs)
    return Measure(found.numerator, coverage=found.coverage, missing=found.missing)


KPIS = (
    Kpi(
        name="water_m3",
        subject="water",
        unit="m3",
        needs=(VOLUME,),
        measure=by_total(VOLUME),
        decimals=3,
        periods=FROM_HOUR,
        hourly=BUILDINGS,
        direction=Direction.LOWER,
        combine=Combine.SUM,
        zh=Words("用水量", "这段时间总共用了多少水。"),
        en=Words("Water", "How much water was used in the period."),
        formula="sum of what the topmost meters moved",
        reference="rule-book 4.1",
    ),
    Kpi(
        name="water_l_pupil",
        subject="water",
        unit="L/(pupil d)",
        needs=(VOLUME,),
        measure=by_total(
            VOLUME,
            lambda inputs: inputs.pupils * inputs.school_days,
            factor=1000.0,
            whole_days=True,
        ),
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        zh=Words("生均日用水量", "平均每个学生每个教学日用了多少升水。"),
        en=Words("Water per pupil and school day", "Litres for each pupil on each school day."),
        formula="1000 x m3 of the days that are over / (pupils x school days)",
        reference="rule-book 4.2 W8, 4.4",
    ),
    Kpi(
        name="water_m3_pupil",
        subject="water",
        unit="m3/pupil",
        needs=(VOLUME,),
        measure=by_total(VOLUME, lambda inputs: inputs.pupils),
        decimals=4,
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        usual=False,
        zh=Words("生均用水量", "平均每个学生用了多少水。"),
        en=Words("Water per pupil", "Water used for each pupil."),
        formula="m3 / mean number of pupils",
        reference="rule-book 4.4",
    ),
    Kpi(
        name="water_m3_person",
        subject="water",
        unit="m3/person",
        needs=(VOLUME,),
        measure=by_total(VOLUME, lambda inputs: inputs.persons),
        decimals=4,
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        usual=False,
        zh=Words("人均用水量", "平均每个师生员工用了多少水。"),
        en=Words("Water per person", "Water used for each pupil and member of staff."),
        formula="m3 / mean of pupils and staff",
        reference="rule-book 6.3",
    ),
    Kpi(
        name="water_m3_m2",
        subject="water",
        unit="m3/m2",
        needs=(VOLUME,),
        measure=by_total(VOLUME, lambda inputs: inputs.area_m2),
        decimals=5,
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        usual=False,
        zh=Words("单位面积用水量", "平均每平方米建筑面积用了多少水。"),
        en=Words("Water per m2", "Water used for each square metre of floor."),
        formula="m3 / floor area",
        reference="rule-book 6.3",
    ),
    Kpi(
        name="water_m3_school_day",
        subject="water",
        unit="m3/d",
        needs=(VOLUME,),
        measure=by_total(VOLUME, lambda inputs: float(inputs.school_days), whole_days=True),
        decimals=3,
        periods=FROM_WEEK,
        direction=Direction.LOWER,
        combine=Combine.SUM,
        zh=Words("每教学日用水量", "总用水量除以教学日天数。"),
        en=Words("Water per school day", "All water of the period over its school days."),
        formula="m3 of the days that are over / school days among them",
        reference="rule-book 4.4",
    ),
    Kpi(
        name="water_against_usual",
        subject="water",
        unit="%",
        needs=(VOLUME,),
        measure=against_usual(VOLUME),
        compares=True,
        scale=100.0,
        periods=(KpiPeriod.DAY,),
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        usual=False,
        zh=Words("用水与平常日相比", "与最近同类日子的中位数相比，多用或少用了百分之几。"),
        en=Words(
            "Water against a usual day",
            "How much more or less than the median of recent days of the same kind.",
        ),
        formula="(m3 so far - median of similar days so far) / that median",
        reference="rule-book 4.2 W8; analytics/usual_day",
    ),
    Kpi(
        name="water_night_l_h",
        subject="water",
        unit="L/h",
        needs=(VOLUME,),
        measure=_night,
        direction=Direction.LOWER,
        combine=Combine.SUM,
        usual=False,
        zh=Words("夜间最小流量", "凌晨0至5点里用水最少的一小时，取最近七夜的第20百分位。"),
        en=Words(
            "Minimum night flow",
            "The smallest hour between midnight and five, 20th percentile of seven nights.",
        ),
        formula="P20 over nights (a day: its last 7) of the smallest rolling hour 00:00-05:00",
        reference="rule-book 4.1; UKWIR 99/WM/08/21",
    ),
    Kpi(
        name="water_leak_l_h",
        subject="water",
        unit="L/h",
        needs=(VOLUME,),
        measure=_leak_estimate,
        direction=Direction.LOWER,
        combine=Combine.SUM,
        good=0.0,
        usual=False,
        zh=Words("估计漏水量", "夜间最小流量减去允许的夜间用水。"),
        en=Words("Estimated leak", "Minimum night flow less what may run at night."),
        formula="max(0, water_night_l_h - night_allowance_l_h)",
        reference="rule-book 4.1 (leak_est), 4.3 (a toilet: 16.7 L/h)",
    ),
    Kpi(
        name="water_leak_h",
        subject="water",
        unit="h",
        needs=(VOLUME,),
        measure=_hours_only,
        direction=Direction.LOWER,
        combine=Combine.SUM,
        good=0.0,
        usual=False,
        zh=Words("漏水时长", "有漏水告警的小时数，到现在为止。"),
        en=Words("Leak hours", "Hours so far in which a leak was known and not mended."),
        formula="hours covered by water incidents with a leak rate, from their first bad reading",
        reference="rule-book 10, K9 (hours with W1-W4 open)",
    ),
    Kpi(
        name="water_leak_share",
        subject="water",
        unit="%",
        needs=(VOLUME,),
        measure=_leak_hours,
        scale=100.0,
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        good=1.0,
        bad=8.0,
        usual=False,
        zh=Words("漏水时间占比", "有漏水的小时占总小时的比例。"),
        en=Words("Share of hours with a leak", "Hours with a leak over all hours."),
        formula="leak hours / hours of the period so far",
        reference="rule-book 10, K9 (levels 1, 2, 4, 8 %)",
    ),
    Kpi(
        name="water_leak_m3",
        subject="water",
        unit="m3",
        needs=(VOLUME,),
        measure=lambda inputs: _leaked(inputs, lambda _inputs: 1.0),
        decimals=3,
        direction=Direction.LOWER,
        combine=Combine.SUM,
        good=0.0,
        usual=False,
        zh=Words("漏掉的水", "已发现的漏水到现在为止漏了多少。"),
        en=Words("Water leaked", "What known leaks have let run so far."),
        formula="sum over leak incidents of their flow x hours",
        reference="rule-book 4.3",
    ),
    Kpi(
        name="water_leak_cny",
        subject="water",
        unit="CNY",
        needs=(VOLUME,),
        measure=lambda inputs: _leaked(inputs, lambda i: i.rules.tariffs.water_cny_m3),
        decimals=2,
        direction=Direction.LOWER,
        combine=Combine.SUM,
        good=0.0,
        usual=False,
        zh=Words("漏水损失", "漏掉的水按水价计算的钱。"),
        en=Words("Cost of leaks", "Water leaked, at the flat price of water."),
        formula="water_leak_m3 x water_cny_m3",
        reference="rule-book 4.3",
    ),
    Kpi(
        name="water_unmetered_share",
        subject="water",
        unit="%",
        needs=(VOLUME, "volume/below"),
        measure=unmetered(VOLUME),
        scale=100.0,
        direction=Direction.NEUTRAL,
        combine=Combine.RATIO,
        good=-2.0,
        bad=15.0,
        scopes=(ScopeKind.CAMPUS, ScopeKind.BUILDING),
        zh=Words("未分项计量的用水", "总表与下一级分表之和的差占总表的比例。"),
        en=Words("Water no sub-meter sees", "Topmost meters minus those below them."),
        formula="(topmost meters - meters directly below) / topmost meters",
        reference="rule-book 3.5 (main vs sub)",
    ),
)
