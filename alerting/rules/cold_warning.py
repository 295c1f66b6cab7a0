"""Early warning: the air comes near its limit in a way that the unit's usual course is not."""

from collections.abc import Mapping, Sequence

from alerting.cold import course, defrost
from alerting.cold.layout import layout
from alerting.cold.records import Tapped, within
from alerting.cold.unit import take
from alerting.port import Context, State, Subject, Verdict
from alerting.rules.cold_storage import PARAMETERS
from alerting.rules.memory import interval_ms, number, say
from caretaker.clock import HOUR_MS, MINUTE_MS
from caretaker.vocabulary import Reading, Severity, Truth

WARM_DAY, STEADY_RISE, UNSEEN = "warm_day", "steady_rise", "unseen"


class ColdWarning:
    """BAD when the air is about to cross its limit, told by the unit's own last day and week.

    Three signs, and the evidence says which: the air comes near and the warmest tenth of the last
    day was near too (no reserve is left); it has risen for 2.5 hours without a pause above all of
    the last week; it is far above all of the last week. One warning speaks until nothing was near
    for `warn_hold_h`. Once the air is above the limit it is no warning any more: it begins none.
    Its score on a cold store is published by `python -m tests.bench.cold`.
    """

    name = "cold_warning"
    version = "2"
    parameters = (
        *PARAMETERS, "warn_margin_k", "warn_day_share", "warn_near_k", "warn_rise_k",
        "warn_unseen_k", "warn_min", "warn_hold_h",
    )  # fmt: skip
    timed = False
    downstream_first = False
    linked = frozenset({"door", "mains"})

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return units of cold storage with a thermometer."""
        return [s for s in candidates if s.device.role.cold and layout(s).air]

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Judge in event time; defrost, deliveries and cleaning warn of nothing, teach nothing."""
        del now_ms
        unit, tapped, limits = layout(subject), Tapped.of(context), context.limits
        state = dict(state)
        verdicts: list[Verdict] = []
        for reading in unit.relevant(readings):
            if not take(state, reading, subject=subject, unit=unit, context=context):
                continue
            at, value = reading.at_ms, reading.value
            if (
                tapped.forgiven(at)
                or defrost.forgives(state, at, limits)
                or within(tapped.decommissioned, at)
            ):
                state["sign_ms"] = None
                _end(state, at, limits, verdicts)
                continue
            if state.get("rise_ms") is None:  # a quick rise teaches nothing of the usual course
                course.take(state, value, at)
            sign = _sign(state, value, limits)
            state["sign_ms"] = (number(state, "sign_ms") or at) if sign else None
            over = value > limits["limit_hi_c"]
            lasted = sign and (
                at - number(state, "sign_ms") + interval_ms(subject, state)
                >= limits["warn_min"] * MINUTE_MS
            )
            if state.get("bad") and (sign or over):
                state["near_ms"] = at
            if lasted and (state.get("bad") or not over):
                state["near_ms"] = at
                state["bad"] = state.get("bad") or at
                say(verdicts, _warning(state, at, value, sign, limits))
            else:
                _end(state, at, limits, verdicts)
        return state, verdicts


def _sign(state: State, value: float, limits: Mapping[str, float]) -> str:
    """Return why a crossing is near; nothing where it is not."""
    if state.get("rise_ms") is not None:  # as quick as this is a defrost, a door or a delivery
        return ""
    below_k = limits["limit_hi_c"] - value
    warm, week = course.warm_c(state), course.week_c(state)
    if warm is not None:
        reserve_k = limits["warn_day_share"] * (limits["limit_hi_c"] - warm)
        if below_k + reserve_k < limits["warn_margin_k"]:
            return WARM_DAY
    if week is None or value <= week or below_k >= limits["warn_near_k"]:
        return ""
    rise = course.rise(state, value)
    if rise is None:  # on its way down again
        return ""
    if rise.by_k >= limits["warn_rise_k"] and below_k <= rise.pace_k_h:
        return STEADY_RISE
    return UNSEEN if value - week >= limits["warn_unseen_k"] else ""


def _warning(
    state: State, at: int, value: float, sign: str, limits: Mapping[str, float]
) -> Verdict:
    figures = {"warm_c": course.warm_c(state), "week_c": course.week_c(state)}
    return Verdict(
        Truth.BAD,
        at,
        severity=Severity.NOTICE,
        since_ms=int(number(state, "bad")),
        evidence={
            "air_c": round(value, 2),
            "limit_c": limits["limit_hi_c"],
            "sign": sign,
            **{name: round(figure, 2) for name, figure in figures.items() if figure is not None},
        },
    )


def _end(state: State, at: int, limits: Mapping[str, float], verdicts: list[Verdict]) -> None:
    """Let the warning end once nothing was near for hours."""
    if state.get("bad") and at - number(state, "near_ms") >= limits["warn_hold_h"] * HOUR_MS:
        since = int(number(state, "bad"))
        state["bad"] = None
        say(verdicts, Verdict(Truth.OK, at, since_ms=since, recovered=True))
