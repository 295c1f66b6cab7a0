"""Coal equivalent and carbon by dated factor sets (rule-book 6.1 to 6.3)."""

from collections.abc import Callable, Mapping

from analytics.kpis.inputs import Inputs, NotEnoughDataError
from analytics.kpis.row import FROM_HOUR, Combine, Direction, Kpi, Measure, Words
from analytics.kpis.shared import Denominator
from caretaker.factors import CARBON, ENERGY, kgce

CARRIERS: Mapping[str, tuple[str, float]] = {
    "electricity": ("energy", 1.0),
    "water": ("volume", 1.0),
    "gas": ("gas_volume", 1.0),
    "heat_mj": ("heat_energy", 3.6),
}
"""Carrier -> (quantity, factor from its canonical unit to the carrier's)."""


def _one(_inputs: Inputs) -> float:
    return 1.0


def _kgce(denominator: Denominator = _one) -> Callable[[Inputs], Measure]:
    def measure(inputs: Inputs) -> Measure:
        factors = ENERGY[inputs.rules.kpi.energy_factors]
        found, estimated, coverage = 0.0, 0.0, 1.0
        missing: list[str] = []
        counted: list[str] = []
        for carrier, (quantity, factor) in CARRIERS.items():
            if carrier not in factors.kgce or not any(quantity in d.flows for d in inputs.days):
                continue
            total = inputs.total(quantity)
            part = kgce(factors, {carrier: total.amount * factor})
            found += part
            estimated += part * total.estimated_share
            coverage = min(coverage, total.coverage)
            missing += total.missing
            counted.append(carrier)
        if not counted:
            raise NotEnoughDataError("no-data")
        return Measure(
            found,
            denominator(inputs),
            coverage=coverage,
            estimated_share=estimated / found if found else 0.0,
            missing=tuple(missing),
            parameters={"factors": factors.name, "carriers": "+".join(counted)},
        )

    return measure


def _carbon(denominator: Denominator = _one) -> Callable[[Inputs], Measure]:
    def measure(inputs: Inputs) -> Measure:
        settings = inputs.rules.kpi
        grid = CARBON[settings.carbon_factors]
        total = inputs.total("energy")
        found = 0.0
        years: dict[int, None] = {}
        for day, flow in inputs.flows("energy"):
            if settings.carbon_kg_kwh > 0:
                factor = settings.carbon_kg_kwh
            else:
                dated = grid.of_year(day.day.year)
                if dated is None:
                    raise NotEnoughDataError("no-factor", coverage=total.coverage)
                years[dated[0]] = None
                factor = dated[1]
            found += factor * (flow.total or 0.0)
        own = settings.carbon_kg_kwh > 0
        return Measure(
            found,
            denominator(inputs),
            coverage=total.coverage,
            estimated_share=total.estimated_share,
            missing=total.missing,
            parameters={
                "factors": "own" if own else grid.name,
                "years": "+".join(str(year) for year in years),
            },
        )

    return measure


def _area(inputs: Inputs) -> float:
    return inputs.area_m2


def _persons(inputs: Inputs) -> float:
    return inputs.persons


KPIS = (
    Kpi(
        name="energy_kgce",
        subject="carbon",
        unit="kgce",
        needs=("utility",),
        measure=_kgce(),
        direction=Direction.LOWER,
        combine=Combine.SUM,
        zh=Words("综合能耗", "各种能源和水折成的标准煤。"),
        en=Words("Energy as coal equivalent", "All metered carriers and water as standard coal."),
        formula="sum of amount x kgce factor of the site's set",
        reference="rule-book 6.1; GB/T 2589-2020",
    ),
    Kpi(
        name="energy_kgce_m2",
        subject="carbon",
        unit="kgce/m2",
        needs=("utility",),
        measure=_kgce(_area),
        decimals=4,
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        usual=False,
        zh=Words("单位建筑面积能耗", "平均每平方米建筑面积的综合能耗。"),
        en=Words("Energy per m2", "Coal equivalent for each square metre of floor."),
        formula="kgce / floor area",
        reference="rule-book 6.3; 公共机构节能条例 Art. 23(2)",
    ),
    Kpi(
        name="energy_kgce_person",
        subject="carbon",
        unit="kgce/person",
        needs=("utility",),
        measure=_kgce(_persons),
        decimals=3,
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        usual=False,
        zh=Words("人均综合能耗", "平均每个师生员工的综合能耗。"),
        en=Words("Energy per person", "Coal equivalent for each pupil and member of staff."),
        formula="kgce / mean of pupils and staff",
        reference="rule-book 6.3; 公共机构节能条例 Art. 23(2)",
    ),
    Kpi(
        name="carbon_kg",
        subject="carbon",
        unit="kgCO2",
        needs=("energy",),
        measure=_carbon(),
        periods=FROM_HOUR,
        direction=Direction.LOWER,
        combine=Combine.SUM,
        zh=Words("用电碳排放", "用电量乘以当年电网平均排放因子。"),
        en=Words("Carbon of electricity", "Electricity times its year's grid factor."),
        formula="sum of kWh x grid factor of the day's year (the newest published before it)",
        reference="rule-book 6.2",
    ),
    Kpi(
        name="carbon_kg_m2",
        subject="carbon",
        unit="kgCO2/m2",
        needs=("energy",),
        measure=_carbon(_area),
        decimals=3,
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        usual=False,
        zh=Words("单位建筑面积碳排放", "平均每平方米建筑面积的用电碳排放。"),
        en=Words("Carbon per m2", "Carbon of electricity for each square metre of floor."),
        formula="kgCO2 / floor area",
        reference="rule-book 6.3 (单位建筑面积二氧化碳排放)",
    ),
    Kpi(
        name="carbon_kg_person",
        subject="carbon",
        unit="kgCO2/person",
        needs=("energy",),
        measure=_carbon(_persons),
        decimals=3,
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        usual=False,
        zh=Words("人均碳排放", "平均每个师生员工的用电碳排放。"),
        en=Words("Carbon per person", "Carbon of electricity for each pupil and member of staff."),
        formula="kgCO2 / mean of pupils and staff",
        reference="rule-book 6.2, 6.3",
    ),
)
