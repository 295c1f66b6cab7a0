"""Power cut: how long a closed fridge or freezer keeps its food (rule-book 2.3, power cut)."""

from collections.abc import Mapping, Sequence

from alerting.cold import food
from alerting.cold.layout import layout
from alerting.cold.records import Tapped, timeline, within
from alerting.cold.unit import take
from alerting.port import Context, State, Subject, Verdict
from alerting.rules.memory import number, say
from caretaker.clock import HOUR_MS, MINUTE_MS
from caretaker.vocabulary import Reading, Severity, Truth
from storage.unit_records import RecordKind, UnitRecord

_STAGES = (
    (0.0, Severity.ALARM),
    (0.5, Severity.ALARM),
    (0.75, Severity.CRITICAL),
    (1.0, Severity.CRITICAL),
)
_ZERO_SAMPLES = 2


class PowerCut:
    """BAD from the moment the mains are lost, told anew at 50, 75 and 100 % of the unit's clock.

    The mains are lost when a mains input says so or, without one, when the main meter shows no
    power twice running. Recovered only when the power is back and the food was found within its
    limit afterwards, by its probe, the estimate or a person.
    """

    name = "cold_power_cut"
    version = "1"
    parameters = (
        "closed_clock_min", "meter_zero_kw", "limit_hi_c", "exposure_hi_c", "tau_min", "gap_min",
        "physics_lo_c", "physics_hi_c",
    )  # fmt: skip
    timed = True
    downstream_first = False
    linked = frozenset({"mains", "power"})

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return units of cold storage whose mains somebody watches."""
        found = []
        for subject in candidates:
            unit = layout(subject)
            if subject.device.role.cold and (unit.mains or unit.meter):
                found.append(subject)
        return found

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Let the clock run; a verdict bears the instant when its share was reached."""
        unit, tapped, limits = layout(subject), Tapped.of(context), context.limits
        state = dict(state)
        verdicts: list[Verdict] = []

        def event(record: UnitRecord) -> None:
            _event(state, record, limits, verdicts)

        for reading in timeline(state, readings, tapped, now_ms, event):
            at = reading.at_ms
            _due(state, at, limits, tapped, verdicts)
            if reading.point in unit.mains:
                _mains(state, at, present=reading.value >= 0.5)
            elif reading.point == unit.meter:
                _meter(state, reading, limits)
            else:
                before = state.get("food_at_ms")
                take(state, reading, subject=subject, unit=unit, context=context)
                if state.get("food_at_ms") != before:
                    _found(state, at, number(state, "food_c"), limits, verdicts)
        _due(state, now_ms, limits, tapped, verdicts)
        return state, verdicts


def _meter(state: State, reading: Reading, limits: Mapping[str, float]) -> None:
    """The main meter at zero twice running tells of a power cut."""
    at = reading.at_ms
    zeros = number(state, "zeros") + 1 if abs(reading.value) <= limits["meter_zero_kw"] else 0
    if zeros == 1:
        state["zero_ms"] = at
    state["zeros"] = zeros
    if zeros >= _ZERO_SAMPLES:
        _mains(state, int(number(state, "zero_ms")), present=False)
    elif not zeros:
        _mains(state, at, present=True)


def _mains(state: State, at: int, *, present: bool) -> None:
    if not present and not state.get("lost"):
        state.update(lost=True, stage=-1)
        if state.get("lost_ms") is None:
            state["lost_ms"] = at
        state["back_ms"] = None
    elif present and state.get("lost"):
        state.update(lost=False, back_ms=at, good=0)


def _due(
    state: State,
    to_ms: int,
    limits: Mapping[str, float],
    tapped: Tapped,
    verdicts: list[Verdict],
) -> None:
    """Say which shares of the clock passed up to an instant while the power was away."""
    lost_ms = state.get("lost_ms")
    if lost_ms is None or not state.get("lost") or within(tapped.decommissioned, to_ms):
        return
    clock_ms = limits["closed_clock_min"] * MINUTE_MS
    for stage, (share, severity) in enumerate(_STAGES):
        due = int(lost_ms + share * clock_ms)
        if due <= to_ms and number(state, "stage", -1.0) < stage:
            state["stage"], state["bad"] = stage, True
            say(verdicts, _verdict(state, due, severity, stage, clock_ms))


def _verdict(state: State, at: int, severity: Severity, stage: int, clock_ms: float) -> Verdict:
    lost_ms = int(number(state, "lost_ms"))
    left = max(0.0, clock_ms - (at - lost_ms))
    return Verdict(
        Truth.BAD,
        at,
        severity=severity,
        since_ms=lost_ms,
        stage=stage,
        evidence={
            "share_pct": round(_STAGES[stage][0] * 100),
            "clock_h": round(clock_ms / HOUR_MS, 1),
            "left_min": round(left / MINUTE_MS, 1),
            "food_c": round(number(state, "food_c"), 2) if state.get("food_c") is not None else "",
        },
    )


def _event(
    state: State, record: UnitRecord, limits: Mapping[str, float], verdicts: list[Verdict]
) -> None:
    """Take a person's probe or disposition."""
    food.take_event(state, record, limits)
    if record.kind is RecordKind.DISPOSITION:
        _recover(state, record.at_ms, verdicts)
    elif record.kind is RecordKind.PROBE and record.value is not None:
        _found(state, record.at_ms, record.value, limits, verdicts, times=2)


def _found(
    state: State,
    at: int,
    value: float,
    limits: Mapping[str, float],
    verdicts: list[Verdict],
    *,
    times: int = 1,
) -> None:
    """Food was found at a temperature; within its limit twice after the return, it is well."""
    back = state.get("back_ms")
    if back is None or at < back:
        return
    state["good"] = number(state, "good") + times if value <= limits["limit_hi_c"] else 0
    if state["good"] >= 2:
        _recover(state, at, verdicts)


def _recover(state: State, at: int, verdicts: list[Verdict]) -> None:
    if state.get("lost") or state.get("lost_ms") is None:
        return
    if state.get("bad"):
        since = int(number(state, "lost_ms"))
        say(verdicts, Verdict(Truth.OK, at, since_ms=since, recovered=True))
    state.update(lost_ms=None, back_ms=None, stage=-1, bad=None)
