"""What wears out before it fails: a compressor that hardly stops, defrosts that take longer."""

import statistics
from collections.abc import Mapping, Sequence

from alerting.cold import defrost
from alerting.cold.layout import layout
from alerting.cold.unit import take
from alerting.port import Context, State, Subject, Verdict
from alerting.rules.cold_storage import PARAMETERS
from alerting.rules.memory import number, say
from caretaker.clock import DAY_MS, HOUR_MS
from caretaker.vocabulary import Reading, Severity, Truth

_LEARN_DAYS = 3.0
_USUAL_DAYS = 7.0
_BACK_PCT = 5.0
_RECENT_MS = 3 * DAY_MS
_ENOUGH = 3
_LEAST_MIN = 5.0


class CompressorDuty:
    """BAD when the compressor runs most of the time and clearly more than it used to.

    Duty is known from power where there is one, else from the air's cycles where it is sampled at
    least every five minutes; the usual duty is the mean of the last week, learned for three days
    before anything is said.
    """

    name = "compressor_duty"
    version = "2"
    parameters = (*PARAMETERS, "duty_h", "duty_hi_pct", "duty_rise_pct")
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
        """Judge the duty at each sample of the air."""
        del now_ms
        unit, limits = layout(subject), context.limits
        state = dict(state)
        verdicts: list[Verdict] = []
        for reading in readings:
            new = take(state, reading, subject=subject, unit=unit, context=context)
            if new and state.get("duty") is not None:
                _duty(state, reading.at_ms, limits, verdicts)
        return state, verdicts


def _duty(state: State, at: int, limits: Mapping[str, float], verdicts: list[Verdict]) -> None:
    duty = number(state, "duty") * 100
    began = state.setdefault("duty_since_ms", at)
    usual, before = number(state, "usual_pct", duty), number(state, "usual_ms", at)
    share = min(1.0, (at - before) / (_USUAL_DAYS * DAY_MS))
    high = duty >= limits["duty_hi_pct"] and duty >= usual + limits["duty_rise_pct"]
    state["usual_ms"] = at
    if not high and not state.get("bad"):
        state["usual_pct"] = usual + share * (duty - usual)
    if at - began < _LEARN_DAYS * DAY_MS:
        return
    if high:
        state["high_ms"] = state.get("high_ms") or at
        if at - number(state, "high_ms") >= limits["duty_h"] * HOUR_MS:
            state["bad"] = state.get("bad") or int(number(state, "high_ms"))
            evidence = {"duty_pct": round(duty), "usual_pct": round(usual)}
            say(verdicts, _notice(at, int(number(state, "bad")), evidence))
    elif duty < limits["duty_hi_pct"] - _BACK_PCT:
        state["high_ms"] = None
        _end(state, at, verdicts)


class DefrostDrift:
    """BAD when defrosts of the last three days take half as long again as they used to, or are
    more than the day's number: ice, a bad seal, a failing heater.
    """

    name = "defrost_drift"
    version = "1"
    parameters = (*PARAMETERS, "defrost_drift_factor")
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
        """Judge each time a defrost has ended."""
        del now_ms
        unit, limits = layout(subject), context.limits
        state = dict(state)
        verdicts: list[Verdict] = []
        for reading in readings:
            known = state.get("lengths")
            take(state, reading, subject=subject, unit=unit, context=context)
            if state.get("lengths") is not known:
                _drift(state, reading.at_ms, limits, verdicts)
        return state, verdicts


def _drift(state: State, at: int, limits: Mapping[str, float], verdicts: list[Verdict]) -> None:
    lengths = state["lengths"]
    recent = [minutes for start, minutes in lengths if at - start <= _RECENT_MS]
    earlier = [minutes for start, minutes in lengths if at - start > _RECENT_MS]
    per_day = defrost.last_hours(state, at, 24)
    longer = False
    usual = new = 0.0
    if len(recent) >= _ENOUGH and len(earlier) >= _ENOUGH:
        usual, new = statistics.median(earlier), statistics.median(recent)
        longer = new >= max(usual * limits["defrost_drift_factor"], usual + _LEAST_MIN)
    if longer or per_day > limits["defrosts_day"]:
        state["bad"] = state.get("bad") or at
        evidence = {"minutes": round(new), "usual_min": round(usual), "per_day": per_day}
        say(verdicts, _notice(at, int(number(state, "bad")), evidence))
    else:
        _end(state, at, verdicts)


def _notice(at: int, since_ms: int, evidence: Mapping[str, float | int | str]) -> Verdict:
    return Verdict(
        Truth.BAD, at, severity=Severity.NOTICE, since_ms=since_ms, evidence=dict(evidence)
    )


def _end(state: State, at: int, verdicts: list[Verdict]) -> None:
    if state.get("bad"):
        since = int(number(state, "bad"))
        state["bad"] = None
        say(verdicts, Verdict(Truth.OK, at, since_ms=since, recovered=True))
