"""Water that runs when it should not: night flow and leaks (rule-book 4)."""

from collections.abc import Callable, Sequence

import numpy as np

from analytics.kpis.facts import Flow
from analytics.kpis.inputs import Inputs, KpiPeriod, NotEnoughDataError
from analytics.kpis.row import Combine, Direction, Kpi, Measure, Words
from analytics.kpis.rows.water import VOLUME
from analytics.kpis.tariff import local_minutes
from analytics.usual_day import quantile
from caretaker.clock import HOUR_MS

_NIGHT_ENDS_MIN = 5 * 60
_NIGHT_WHOLE = 0.9
_NIGHTS = 7
_FEWEST_NIGHTS = 4
_TOILET_L_H = 16.7
_ZERO_M3 = 0.0005  # half a litre: below the resolution of every meter in use


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


def flow_pattern(flowing: int, quarters: int = 96) -> str:
    """Return how water ran over a day (Neptune R900 leak flags; rule-book 4.2 W1, W1b; T12).

    >>> flow_pattern(96), flow_pattern(70), flow_pattern(49)
    ('continuous', 'intermittent', 'none')
    """
    if flowing >= quarters:
        return "continuous"
    return "intermittent" if flowing * 96 >= 50 * quarters else "none"


def _flowing(inputs: Inputs) -> Measure:
    """Count the quarter-hours with flow on days that are over."""
    whole = inputs.whole_days()
    total = whole.total(VOLUME)
    quarters = whole.measured(VOLUME)
    if not quarters.size:
        raise NotEnoughDataError("no-data", coverage=total.coverage, missing=total.missing)
    flowing = int((quarters > _ZERO_M3).sum())
    return Measure(
        float(flowing),
        float(quarters.size),
        coverage=total.coverage,
        missing=total.missing,
        parameters={"pattern": flow_pattern(flowing, quarters.size)},
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
        name="water_flow_share",
        subject="water",
        unit="%",
        needs=(VOLUME,),
        measure=_flowing,
        scale=100.0,
        periods=(KpiPeriod.DAY,),
        direction=Direction.LOWER,
        combine=Combine.NONE,
        good=100.0 * 50 / 96,
        bad=100.0,
        zh=Words("有水流的时间占比", "一天里有水流的刻钟占比，100%就是一直没停过。"),
        en=Words(
            "Time with flow", "Share of the day's quarter-hours with flow; 100 % never stops."
        ),
        formula="quarter-hours with flow / quarter-hours measured (all: continuous; from 50 of 96: "
        "intermittent)",
        reference="rule-book 4.2 W1, W1b",
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
)
