"""How soon people act: acknowledgement and recovery clocks of incidents (rule-book 8.4)."""

from collections.abc import Callable, Sequence
from statistics import fmean, median

from analytics.kpis.facts import Clock
from analytics.kpis.inputs import Inputs, NotEnoughDataError
from analytics.kpis.row import Combine, Direction, Gate, Kpi, Measure, Words
from analytics.usual_day import quantile
from caretaker.clock import HOUR_MS, MINUTE_MS
from caretaker.vocabulary import Severity

FEWEST = 5
"""Orders and checks say something from five on (rule-book 10, data gate)."""

ACKNOWLEDGE_MS = 30 * MINUTE_MS
RECOVER_MS = 2 * HOUR_MS
Took = Callable[[Clock], int | None]


def acknowledged(clock: Clock) -> int | None:
    """Return the time from opening to the first acknowledgement [ms]."""
    return None if clock.acknowledged_ms is None else clock.acknowledged_ms - clock.opened_ms


def recovered(clock: Clock) -> int | None:
    """Return the time from opening to the recovery seen in the data [ms]."""
    return None if clock.recovered_ms is None else clock.recovered_ms - clock.opened_ms


def _clocks(inputs: Inputs) -> list[Clock]:
    """Return the incidents that asked for a person: a notice closes itself."""
    return [c for day in inputs.days for c in day.clocks if c.severity is not Severity.NOTICE]


def _minutes(took: Took, of: Callable[[Sequence[float]], float]) -> Callable[[Inputs], Measure]:
    def measure(inputs: Inputs) -> Measure:
        clocks = _clocks(inputs)
        known = [found / MINUTE_MS for c in clocks if (found := took(c)) is not None]
        if len(known) < FEWEST:
            raise NotEnoughDataError("few-incidents")
        return Measure(
            of(known), count=len(known), parameters={"still_open": len(clocks) - len(known)}
        )

    return measure


def _mean(took: Took) -> Callable[[Inputs], Measure]:
    def measure(inputs: Inputs) -> Measure:
        known = [found / MINUTE_MS for c in _clocks(inputs) if (found := took(c)) is not None]
        if len(known) < FEWEST:
            raise NotEnoughDataError("few-incidents")
        return Measure(fmean(known) * len(known), float(len(known)), count=len(known))

    return measure


def _within(took: Took, limit_ms: int) -> Callable[[Inputs], Measure]:
    """Return the share in time of those due; what is open and overdue has failed."""

    def measure(inputs: Inputs) -> Measure:
        good = due = 0
        for clock in _clocks(inputs):
            found = took(clock)
            if found is None and inputs.now_ms - clock.opened_ms <= limit_ms:
                continue
            due += 1
            good += found is not None and found <= limit_ms
        if due < FEWEST:
            raise NotEnoughDataError("few-incidents")
        return Measure(float(good), float(due), count=due)

    return measure


def _p90(values: Sequence[float]) -> float:
    return quantile(values, 0.9)


_MTTA = "rule-book 8.4: MTTA from alert to acknowledgement, median and P90 beside the mean"
_MTTR = "rule-book 8.4: MTTR(restore) from alert to recovery in the data"


def _time(
    name: str,
    measure: Callable[[Inputs], Measure],
    which: str,
    *,
    zh: Words,
    en: Words,
    span: str,
    reference: str,
) -> Kpi:
    return Kpi(
        name=name,
        subject="response",
        unit="min",
        measure=measure,
        direction=Direction.LOWER,
        combine=Combine.RATIO if which == "mean" else Combine.NONE,
        gate=Gate.NONE,
        usual=False,
        zh=zh,
        en=en,
        formula=f"{which} of {span}; at least {FEWEST}, notices left out",
        reference=reference,
    )


_ACK, _REC = "acknowledged - opened", "recovered - opened"
KPIS = (
    _time(
        "incident_acknowledge_min",
        _minutes(acknowledged, median),
        "median",
        zh=Words("响应时间(中位数)", "从告警到有人确认，一半的告警在这个时间内。"),
        en=Words(
            "Time to acknowledge (median)",
            "From alert to acknowledgement; half of the incidents were faster.",
        ),
        span=_ACK,
        reference=_MTTA,
    ),
    _time(
        "incident_acknowledge_p90_min",
        _minutes(acknowledged, _p90),
        "P90",
        zh=Words("响应时间(P90)", "九成的告警在这个时间内有人确认。"),
        en=Words(
            "Time to acknowledge (P90)", "Nine of ten incidents were acknowledged within this time."
        ),
        span=_ACK,
        reference=_MTTA,
    ),
    _time(
        "incident_acknowledge_mean_min",
        _mean(acknowledged),
        "mean",
        zh=Words("平均响应时间(MTTA)", "从告警到有人确认的平均时间。"),
        en=Words("Mean time to acknowledge (MTTA)", "Mean time from alert to acknowledgement."),
        span=_ACK,
        reference=_MTTA,
    ),
    _time(
        "incident_recover_min",
        _minutes(recovered, median),
        "median",
        zh=Words("恢复时间(中位数)", "从告警到数据恢复正常，一半的告警在这个时间内。"),
        en=Words(
            "Time to recover (median)",
            "From alert to recovery in the data; half of the incidents were faster.",
        ),
        span=_REC,
        reference=_MTTR,
    ),
    _time(
        "incident_recover_p90_min",
        _minutes(recovered, _p90),
        "P90",
        zh=Words("恢复时间(P90)", "九成的告警在这个时间内恢复正常。"),
        en=Words("Time to recover (P90)", "Nine of ten incidents recovered within this time."),
        span=_REC,
        reference=_MTTR,
    ),
    _time(
        "incident_recover_mean_min",
        _mean(recovered),
        "mean",
        zh=Words("平均恢复时间(MTTR)", "从告警到数据恢复正常的平均时间。"),
        en=Words("Mean time to recover (MTTR)", "Mean time from alert to recovery in the data."),
        span=_REC,
        reference=_MTTR,
    ),
    Kpi(
        name="incident_acknowledge_share",
        subject="response",
        unit="%",
        measure=_within(acknowledged, ACKNOWLEDGE_MS),
        scale=100.0,
        direction=Direction.HIGHER,
        combine=Combine.RATIO,
        gate=Gate.NONE,
        good=98.0,
        bad=80.0,
        usual=False,
        zh=Words("30分钟响应率", "30分钟内有人确认的告警占应确认告警的比例，超时算不及时。"),
        en=Words(
            "Acknowledged within 30 min",
            "Share acknowledged within 30 minutes of those due; open and overdue ones failed.",
        ),
        formula="acknowledged within 30 min / (acknowledged + open for over 30 min)",
        reference="rule-book 1.2 N1, 8.4, 10 K1",
    ),
    Kpi(
        name="incident_recover_share",
        subject="response",
        unit="%",
        measure=_within(recovered, RECOVER_MS),
        scale=100.0,
        direction=Direction.HIGHER,
        combine=Combine.RATIO,
        gate=Gate.NONE,
        good=97.0,
        bad=80.0,
        usual=False,
        zh=Words("2小时恢复率", "2小时内恢复正常的告警占应恢复告警的比例，超时算不及时。"),
        en=Words(
            "Recovered within 2 h",
            "Share recovered within two hours of those due; open and overdue ones failed.",
        ),
        formula="recovered within 2 h / (recovered + open for over 2 h)",
        reference="rule-book 1.2 N2, 1.5, 8.4, 10 K2",
    ),
)
