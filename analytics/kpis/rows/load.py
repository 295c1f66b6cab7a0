"""Electric load: base load, peaks, load factor, power factor (rule-book 3.1 to 3.3)."""

from collections.abc import Callable

import numpy as np

from analytics.kpis.facts import DayFacts, Slots
from analytics.kpis.inputs import Inputs, KpiPeriod, NotEnoughDataError, Total
from analytics.kpis.row import CAMPUS, Combine, Direction, Guide, Kpi, Measure, Words
from analytics.kpis.rows.electricity import ENERGY, SPARKS

EXPORT = "energy_export"
_LOWEST = 16
"""Base load is the mean of the lowest four hours: 16 quarter-hours, 8 half-hours."""


def base_kw(quarters: Slots) -> float:
    """Return a day's base load [kW]: mean of its lowest 16 quarter-hours, times four.

    For half-hourly data this is the mean of the lowest 8 half-hours, times two, as Energy Sparks'
    StatisticalBaseloadCalculator has it.

    >>> base_kw(np.concatenate([np.full(16, 0.5), np.full(80, 3.0)]))
    2.0
    """
    return float(np.partition(quarters, _LOWEST - 1)[:_LOWEST].mean()) * 4


def night_kw(quarters: Slots) -> float:
    """Return the base load of a day with roof PV [kW]: mean of 22:00-24:00 and 00:00-02:00.

    By day, and in the early morning of modelled generation, PV hides the load.

    >>> night_kw(np.concatenate([np.full(8, 0.5), np.zeros(80), np.full(8, 1.5)]))
    4.0
    """
    return float(np.concatenate([quarters[:8], quarters[-8:]]).mean()) * 4


def peak_kw(quarters: Slots) -> float:
    """Return the highest quarter-hour as power [kW].

    >>> peak_kw(np.array([1.0, 5.0, 2.0]))
    20.0
    """
    return float(np.max(quarters)) * 4


def daily_peak_kw(quarters: Slots) -> float:
    """Return the mean of a day's three highest half-hours [kW] (Energy Sparks' statistical peak).

    >>> daily_peak_kw(np.array([1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 0.0, 0.0]))
    8.0
    """
    halves = quarters[: len(quarters) // 2 * 2].reshape(-1, 2).sum(axis=1)
    return float(np.sort(halves)[-3:].mean()) * 2


def base_guide_kw(pupils: int) -> float | None:
    """Return Energy Sparks' base-load guide of a primary school [kW].

    >>> base_guide_kw(600), base_guide_kw(100), base_guide_kw(0)
    (5.5, 1.0, None)
    """
    if pupils <= 0:
        return None
    return 1.0 if pupils < 150 else 1.0 + (pupils - 150) / 100


def _per_pupil(factor: float) -> Callable[[int], float | None]:
    return lambda pupils: factor * pupils if pupils > 0 else None


def _daily(
    inputs: Inputs, of_day: Callable[[DayFacts, Slots], float], *, school_days: bool = False
) -> Measure:
    """Return the mean over days that are over and measured nearly whole, of a figure of the day."""
    whole = inputs.whole_days()
    total = whole.total(ENERGY)
    found: list[float] = []
    for day, flow in whole.flows(ENERGY):
        quarters = flow.measured
        if len(quarters) >= 0.9 * day.slots and (not school_days or day.open_ms is not None):
            found.append(of_day(day, quarters))
    if not found:
        raise NotEnoughDataError("few-days", coverage=total.coverage, missing=total.missing)
    return _measure(total, sum(found), float(len(found)), count=len(found))


def _measure(total: Total, numerator: float, denominator: float, count: int = 0) -> Measure:
    return Measure(
        numerator,
        denominator,
        coverage=total.coverage,
        estimated_share=total.estimated_share,
        count=count,
        missing=total.missing,
    )


def _base(inputs: Inputs) -> Measure:
    """Choose by whether the scope feeds back into the grid."""
    solar = any((flow.total or 0.0) > 0 for _, flow in inputs.flows(EXPORT))

    def of_day(day: DayFacts, quarters: Slots) -> float:
        if not solar:
            return base_kw(quarters)
        night = day.flows[ENERGY].measured_or_nan
        ends = np.concatenate([night[:8], night[-8:]])
        return float(np.nanmean(ends)) * 4 if not np.isnan(ends).all() else base_kw(quarters)

    found = _daily(inputs, of_day)
    method = "22:00-02:00" if solar else "lowest-4h"
    return Measure(
        found.numerator,
        found.denominator,
        found.coverage,
        found.estimated_share,
        found.count,
        found.missing,
        {"method": method},
    )


def _peak(inputs: Inputs) -> Measure:
    total = inputs.total(ENERGY)
    quarters = inputs.measured(ENERGY)
    if not quarters.size:
        raise NotEnoughDataError("no-data", coverage=total.coverage, missing=total.missing)
    return _measure(total, peak_kw(quarters), 1.0)


def _load_factor(inputs: Inputs) -> Measure:
    total = inputs.total(ENERGY)
    quarters = inputs.measured(ENERGY)
    if not quarters.size:
        raise NotEnoughDataError("no-data", coverage=total.coverage, missing=total.missing)
    return _measure(total, float(quarters.mean()) * 4, peak_kw(quarters))


def _capacity(inputs: Inputs) -> Measure:
    agreed = inputs.rules.tariffs.agreed_kw
    if agreed <= 0:
        raise NotEnoughDataError("no-setting")
    found = _peak(inputs)
    return Measure(
        found.numerator,
        agreed,
        found.coverage,
        found.estimated_share,
        missing=found.missing,
        parameters={"agreed_kw": agreed},
    )


def power_factor(active_kwh: float, reactive_kvarh: float) -> float:
    """Return P / sqrt(P^2 + Q^2), rounded to 0.01 as the bill does (rule-book 3.1; T6).

    >>> [power_factor(10_000, q) for q in (4843, 6000, 8819, 3287)]
    [0.9, 0.86, 0.75, 0.95]
    """
    return round(active_kwh / float(np.hypot(active_kwh, reactive_kvarh)), 2)


def reactive(inputs: Inputs) -> float:
    """Return the reactive energy of the period [kvarh]: forward and reverse both count."""
    found = inputs.total("reactive_energy").amount
    if any("reactive_energy_export" in day.flows for day in inputs.days):
        found += inputs.total("reactive_energy_export").amount
    return found


def _power_factor(inputs: Inputs) -> Measure:
    total = inputs.total(ENERGY)
    both = inputs.total("reactive_energy")
    if total.amount <= 0:
        raise NotEnoughDataError("no-denominator", coverage=total.coverage)
    factor = power_factor(total.amount, reactive(inputs))
    coverage = min(total.coverage, both.coverage)
    return Measure(factor, 1.0, coverage, max(total.estimated_share, both.estimated_share))


KPIS = (
    Kpi(
        name="electricity_base_kw",
        subject="electricity",
        unit="kW",
        needs=(ENERGY,),
        measure=_base,
        decimals=2,
        direction=Direction.LOWER,
        combine=Combine.SUM,
        guides=(
            Guide("guide", base_guide_kw, SPARKS),
            Guide(
                "exemplar",
                lambda n: None if (base := base_guide_kw(n)) is None else 0.6 * base,
                SPARKS,
            ),
        ),
        zh=Words("基础负荷", "一天中用电最低的四个小时的平均功率：没人时还在用的电。"),
        en=Words(
            "Base load",
            "Mean power of the four lowest hours of the day: what runs when nobody is there.",
        ),
        formula="mean over days of 4 x mean of the lowest 16 quarter-hours "
        "(with PV: mean of 22:00-02:00)",
        reference="rule-book 3.1; Energy Sparks StatisticalBaseloadCalculator (8 half-hours x 2)",
    ),
    Kpi(
        name="electricity_peak_kw",
        subject="electricity",
        unit="kW",
        needs=(ENERGY,),
        measure=_peak,
        direction=Direction.LOWER,
        combine=Combine.NONE,
        zh=Words("最大需量", "这段时间里最高的一刻钟平均功率。"),
        en=Words("Peak", "The highest quarter-hour of the period as mean power."),
        formula="4 x highest measured quarter-hour",
        reference="rule-book 3.1 (max demand; 15 min unconfirmed)",
    ),
    Kpi(
        name="electricity_daily_peak_kw",
        subject="electricity",
        unit="kW",
        needs=(ENERGY,),
        measure=lambda inputs: _daily(
            inputs, lambda _day, quarters: daily_peak_kw(quarters), school_days=True
        ),
        direction=Direction.LOWER,
        combine=Combine.NONE,
        guides=(
            Guide("benchmark", _per_pupil(0.089), SPARKS),
            Guide("exemplar", _per_pupil(0.078), SPARKS),
        ),
        zh=Words("教学日平均峰值", "教学日里最高三个半小时的平均功率，再按天平均。"),
        en=Words(
            "Usual school-day peak", "Mean of the three highest half-hours of each school day."
        ),
        formula="mean over school days of 2 x mean of the 3 highest half-hours",
        reference="rule-book 3.2 E7; Energy Sparks statistical_peak_kw",
    ),
    Kpi(
        name="electricity_load_factor",
        subject="electricity",
        unit="%",
        needs=(ENERGY,),
        measure=_load_factor,
        scale=100.0,
        direction=Direction.HIGHER,
        combine=Combine.NONE,
        zh=Words("负荷率", "平均功率与最高功率之比，越高用电越平稳。"),
        en=Words("Load factor", "Mean power over peak power: higher is steadier."),
        formula="mean kW / highest kW",
        reference="rule-book 3.1",
    ),
    Kpi(
        name="electricity_capacity_share",
        subject="electricity",
        unit="%",
        needs=(ENERGY,),
        measure=_capacity,
        scale=100.0,
        direction=Direction.LOWER,
        combine=Combine.NONE,
        scopes=CAMPUS,
        bad=100.0 / 1.1,
        zh=Words("合同容量使用率", "最大需量占合同容量的比例。"),
        en=Words("Use of agreed capacity", "The peak as a share of the agreed capacity."),
        formula="peak kW / agreed_kw",
        reference="rule-book 3.2 E8: bad from where peak x 1.10 passes the agreed capacity",
    ),
    Kpi(
        name="power_factor",
        subject="electricity",
        unit="1",
        needs=(ENERGY, "reactive_energy"),
        measure=_power_factor,
        decimals=2,
        direction=Direction.HIGHER,
        combine=Combine.NONE,
        periods=(KpiPeriod.DAY, KpiPeriod.MONTH),
        zh=Words("功率因数", "有功占视在的比例；按月考核。"),
        en=Words("Power factor", "Active over apparent energy; billed by the month."),
        formula="P / sqrt(P^2 + Q^2), rounded to 0.01; Q forward and reverse added",
        reference="rule-book 3.1, 3.3; (83)水电财字第215号",
    ),
)
