"""Cold storage: minutes in the band, unmonitored ones failed (rule-book 10, K5)."""

from analytics.kpis.inputs import Inputs, NotEnoughDataError
from analytics.kpis.row import Combine, Direction, Gate, Kpi, Measure, Words


def _compliance(inputs: Inputs) -> Measure:
    required = sum(day.required_min for day in inputs.days)
    if required <= 0:
        raise NotEnoughDataError("no-cold-unit")
    # Missing minutes are failed minutes, so there is no coverage under which to say nothing.
    monitored = sum(day.monitored_min for day in inputs.days)
    return Measure(
        sum(day.compliant_min for day in inputs.days), required, coverage=monitored / required
    )


KPIS = (
    Kpi(
        name="cold_compliance_share",
        subject="cold",
        unit="%",
        needs=("cold_unit",),
        measure=_compliance,
        scale=100.0,
        decimals=2,
        direction=Direction.HIGHER,
        combine=Combine.RATIO,
        gate=Gate.NONE,
        good=99.2,
        bad=97.0,
        usual=False,
        zh=Words(
            "冷链合规率(新鲜度代理指标)",
            "冷藏冷冻设备食品温度达标的分钟占应监测分钟的比例，没监测到的算不达标。",
        ),
        en=Words(
            "Cold-chain compliance (a proxy of freshness)",
            "Minutes with food temperature in its band over all minutes; unmonitored ones failed.",
        ),
        formula="minutes in band / required minutes, by quarter-hours of food temperature "
        "(no food probe: air through a 60-min lag)",
        reference="rule-book 1.5, 2.2, 10 K5",
    ),
)
