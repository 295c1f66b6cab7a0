"""How well the rest is known: coverage and estimated share (rule-book 3.5)."""

from analytics.kpis.inputs import Inputs, NotEnoughDataError
from analytics.kpis.row import Combine, Direction, Gate, Kpi, Measure, Words
from analytics.kpis.shared import share_of


def _coverage(inputs: Inputs) -> Measure:
    expected = sum(day.expected_ms for day in inputs.days)
    if expected <= 0:
        raise NotEnoughDataError("no-data")
    covered = float(sum(day.covered_ms for day in inputs.days))
    return Measure(covered, float(expected), coverage=covered / expected)


def _estimated(name: str, quantity: str, zh: str, en: str) -> Kpi:
    return Kpi(
        name=name,
        subject="data",
        unit="%",
        needs=(quantity,),
        measure=share_of(quantity, lambda _day, flow: flow.estimated_total),
        scale=100.0,
        decimals=2,
        direction=Direction.LOWER,
        combine=Combine.RATIO,
        gate=Gate.NONE,
        usual=False,
        zh=Words(f"{zh}估计占比", f"{zh}里由缺口摊算、不是实测的部分。"),
        en=Words(f"Estimated share of {en}", f"Part of the {en} spread over gaps, not measured."),
        formula="amount spread over gaps / amount",
        reference="rule-book 3.5 (estimated values)",
    )


KPIS = (
    Kpi(
        name="data_coverage",
        subject="data",
        unit="%",
        measure=_coverage,
        scale=100.0,
        direction=Direction.HIGHER,
        combine=Combine.RATIO,
        gate=Gate.NONE,
        good=95.0,
        bad=90.0,
        usual=False,
        zh=Words("数据覆盖率", "各设备有数据的时间占应有时间的比例。"),
        en=Words("Data coverage", "Time with data over time expected, all devices together."),
        formula="sum of time with data / sum of time expected; a device by its best point",
        reference="rule-book 3.5 (95 % good, 90 % usable)",
    ),
    _estimated("electricity_estimated_share", "energy", "用电量", "electricity"),
    _estimated("water_estimated_share", "volume", "用水量", "water"),
)
