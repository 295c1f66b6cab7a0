"""Money: energy and water by tariff, and what the month's bill adds."""

from analytics.kpis.inputs import Inputs, KpiPeriod, NotEnoughDataError
from analytics.kpis.row import CAMPUS, FROM_HOUR, Combine, Direction, Kpi, Measure, Words
from analytics.kpis.rows.electricity import ENERGY
from analytics.kpis.rows.load import peak_kw, power_factor, reactive
from analytics.kpis.tariff import QUANTITY, charge, power_factor_percent
from caretaker.tariffs import table_of

_MONTH = (KpiPeriod.MONTH,)
_UTILITIES = ("electricity", "water")


def _cost(*utilities: str) -> "_Cost":
    return _Cost(utilities)


class _Cost:
    """Measures what some utilities cost together; those without a meter are left out."""

    def __init__(self, utilities: tuple[str, ...]) -> None:
        self._utilities = utilities

    def __call__(self, inputs: Inputs) -> Measure:
        metered = [
            utility
            for utility in self._utilities
            if any(QUANTITY[utility] in day.flows for day in inputs.days)
        ]
        totals = [inputs.total(QUANTITY[utility]) for utility in metered]
        if not totals:
            raise NotEnoughDataError("no-data")
        found = [charge(inputs, utility).cny for utility in metered]
        cny = sum(found)
        estimated = sum(c * t.estimated_share for c, t in zip(found, totals, strict=True))
        return Measure(
            cny,
            coverage=min(total.coverage for total in totals),
            estimated_share=estimated / cny if cny else 0.0,
            missing=tuple(name for total in totals for name in total.missing),
        )


def _band_share(inputs: Inputs) -> Measure:
    total = inputs.total(ENERGY)
    bands = charge(inputs, "electricity").by_band
    if set(bands) <= {"flat"}:
        raise NotEnoughDataError("no-setting", coverage=total.coverage)
    high = bands.get("sharp", 0.0) + bands.get("peak", 0.0)
    return Measure(
        high,
        total.amount,
        total.coverage,
        total.estimated_share,
        missing=total.missing,
        parameters={name: round(amount, 3) for name, amount in bands.items()},
    )


def _capacity_cny(inputs: Inputs) -> Measure:
    table = table_of(inputs.rules.tables, "electricity", inputs.days[-1].day)
    if table is None or not (table.capacity_cny_kw or table.demand_cny_kw):
        raise NotEnoughDataError("no-setting")
    total = inputs.total(ENERGY)
    quarters = inputs.measured(ENERGY)
    peak = peak_kw(quarters) if quarters.size else 0.0
    agreed = inputs.rules.tariffs.agreed_kw
    return Measure(
        table.capacity_cny_kw * agreed + table.demand_cny_kw * peak,
        coverage=total.coverage,
        estimated_share=total.estimated_share,
        missing=total.missing,
        parameters={"agreed_kw": agreed, "peak_kw": round(peak, 3)},
    )


def _charged(inputs: Inputs) -> tuple[float, Measure]:
    """Return the month's energy and capacity charges [CNY] with their coverage."""
    energy = _cost("electricity")(inputs)
    try:
        capacity = _capacity_cny(inputs).numerator
    except NotEnoughDataError:
        capacity = 0.0
    return energy.numerator + capacity, energy


def _power_factor_cny(inputs: Inputs) -> Measure:
    standard = inputs.rules.tariffs.power_factor_standard
    if standard <= 0:
        raise NotEnoughDataError("switched-off")
    if not inputs.complete:
        raise NotEnoughDataError("running")
    total = inputs.total(ENERGY)
    both = inputs.total("reactive_energy")
    factor = power_factor(total.amount, reactive(inputs))
    percent = power_factor_percent(factor, standard)
    charged, energy = _charged(inputs)
    return Measure(
        charged * percent / 100,
        coverage=min(total.coverage, both.coverage),
        estimated_share=energy.estimated_share,
        missing=total.missing,
        parameters={"power_factor": factor, "standard": standard, "percent": percent},
    )


def _bill(inputs: Inputs) -> Measure:
    if not inputs.complete:
        raise NotEnoughDataError("running")
    charged, energy = _charged(inputs)
    adjusted = 0.0
    if inputs.rules.tariffs.power_factor_standard > 0:
        adjusted = _power_factor_cny(inputs).numerator
    return Measure(
        charged + adjusted,
        coverage=energy.coverage,
        estimated_share=energy.estimated_share,
        missing=energy.missing,
        parameters={"energy_cny": round(energy.numerator, 2), "power_factor_cny": adjusted},
    )


KPIS = (
    Kpi(
        name="electricity_cny",
        subject="cost",
        unit="CNY",
        needs=(ENERGY,),
        measure=_cost("electricity"),
        decimals=2,
        periods=FROM_HOUR,
        direction=Direction.LOWER,
        combine=Combine.SUM,
        zh=Words("电费", "按单价、阶梯或尖峰平谷电价计算的电量电费。"),
        en=Words("Electricity cost", "Energy charge by the flat, tiered or time-of-use tariff."),
        formula="sum of kWh x price of its hour, day and season; tiers by use since they began",
        reference="rule-book 3.4; 发改价格〔2021〕1093号",
    ),
    Kpi(
        name="water_cny",
        subject="cost",
        unit="CNY",
        needs=("volume",),
        measure=_cost("water"),
        decimals=2,
        periods=FROM_HOUR,
        direction=Direction.LOWER,
        combine=Combine.SUM,
        zh=Words("水费", "按单价或阶梯水价计算的水费。"),
        en=Words("Water cost", "Cost of water by the flat or tiered tariff."),
        formula="sum of m3 x price; tiers by use since they began",
        reference="rule-book 4.4 (节约用水条例 Art. 15)",
    ),
    Kpi(
        name="utilities_cny",
        subject="cost",
        unit="CNY",
        needs=("utility",),
        measure=_cost(*_UTILITIES),
        decimals=2,
        direction=Direction.LOWER,
        combine=Combine.SUM,
        zh=Words("水电费", "电费与水费之和。"),
        en=Words("Electricity and water cost", "Both utilities together."),
        formula="electricity_cny + water_cny",
        reference="rule-book 1.4 (节约水电费用)",
    ),
    Kpi(
        name="electricity_peak_band_share",
        subject="cost",
        unit="%",
        needs=(ENERGY,),
        measure=_band_share,
        scale=100.0,
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        zh=Words("尖峰时段用电占比", "尖、峰电价时段用电占总用电的比例。"),
        en=Words("Share in dear hours", "Share of electricity used at sharp and peak prices."),
        formula="kWh in bands sharp and peak / kWh",
        reference="rule-book 3.4",
    ),
    Kpi(
        name="electricity_capacity_cny",
        subject="cost",
        unit="CNY",
        needs=(ENERGY,),
        measure=_capacity_cny,
        decimals=2,
        direction=Direction.LOWER,
        combine=Combine.SUM,
        periods=_MONTH,
        scopes=CAMPUS,
        zh=Words("容(需)量电费", "按合同容量和当月最大需量收取的电费。"),
        en=Words("Capacity charge", "A month's charge on agreed capacity and highest demand."),
        formula="capacity_cny_kw x agreed_kw + demand_cny_kw x highest quarter-hour",
        reference="rule-book 3.4 (bill schema)",
    ),
    Kpi(
        name="electricity_power_factor_cny",
        subject="cost",
        unit="CNY",
        needs=(ENERGY, "reactive_energy"),
        measure=_power_factor_cny,
        decimals=2,
        direction=Direction.LOWER,
        combine=Combine.SUM,
        periods=_MONTH,
        scopes=CAMPUS,
        zh=Words("力调电费", "功率因数低于标准时加收、高于标准时减收的电费。"),
        en=Words("Power-factor charge", "Surcharge below the standard, rebate above it."),
        formula="(energy + capacity charge) x percent of the table for the month's power factor",
        reference="rule-book 3.3; (83)水电财字第215号; off unless the bill has it",
    ),
    Kpi(
        name="electricity_bill_cny",
        subject="cost",
        unit="CNY",
        needs=(ENERGY,),
        measure=_bill,
        decimals=2,
        direction=Direction.LOWER,
        combine=Combine.SUM,
        periods=_MONTH,
        scopes=CAMPUS,
        zh=Words("当月电费合计", "电量电费、容(需)量电费与力调电费之和，月末才有。"),
        en=Words(
            "Electricity bill", "Energy, capacity and power-factor charges, once the month is over."
        ),
        formula="electricity_cny + electricity_capacity_cny + electricity_power_factor_cny",
        reference="rule-book 3.3, 3.4",
    ),
)
