"""Hot holding too cool: food below its limit (rule-book 2.3, hot holding low)."""

from collections.abc import Mapping, Sequence

from alerting.cold import hot
from alerting.cold.food import exposure_min, left_min
from alerting.cold.layout import layout
from alerting.cold.records import Tapped, timeline, within
from alerting.port import Context, State, Subject, Verdict
from alerting.rules.memory import delay_ms, interval_ms, number, observe, say
from caretaker.vocabulary import DeviceRole, Reading, Severity, Truth
from storage.unit_records import UnitRecord


class HotHolding:
    """BAD after 15 min below the limit, critical as the two-hour clock nears its end.

    It begins to judge when food has been hot and ends with a recorded disposition, so that a
    cabinet switched off after the meal is no alarm once somebody said what became of the rest.
    """

    name = "hot_holding_low"
    version = "1"
    parameters = (
        "hot_lo_c", "hot_low_min", "hot_hysteresis_k", "decision_min", "critical_share",
        "clear_samples", "physics_lo_c",
    )  # fmt: skip
    timed = False
    downstream_first = False
    linked = frozenset[str]()

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return hot cabinets; one without a thermometer is UNKNOWN."""
        return [s for s in candidates if s.device.role is DeviceRole.HOT_HOLDING]

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Judge the food in event time."""
        unit, tapped, limits = layout(subject), Tapped.of(context), context.limits
        if not unit.food:
            return state, [Verdict(Truth.UNKNOWN, now_ms, evidence={"why": "no_thermometer"})]
        state = dict(state)
        verdicts: list[Verdict] = []

        def event(record: UnitRecord) -> None:
            _event(state, record, limits, verdicts)

        for reading in timeline(state, readings, tapped, now_ms, event):
            at = reading.at_ms
            if reading.point != unit.food or at <= number(state, "food_at_ms", -1.0):
                continue
            if reading.value < limits["physics_lo_c"]:
                continue
            observe(state, at, number(state, "food_at_ms", at))
            if within(tapped.decommissioned, at):
                _end(state, at, verdicts)
                continue
            hot.take(state, reading.value, at, limits)
            _judge(subject, state, at, limits, verdicts)
        if state.get("bad") and within(tapped.decommissioned, now_ms):
            _end(state, now_ms, verdicts)
        return state, verdicts


def _event(
    state: State, record: UnitRecord, limits: Mapping[str, float], verdicts: list[Verdict]
) -> None:
    hot.take_event(state, record, limits)
    if not state.get("loaded"):
        _end(state, record.at_ms, verdicts)


def _end(state: State, at: int, verdicts: list[Verdict]) -> None:
    hot.emptied(state)
    if state.get("bad"):
        began = int(number(state, "bad"))
        say(verdicts, Verdict(Truth.OK, at, since_ms=began, recovered=True))
    state["bad"] = None


def _judge(
    subject: Subject,
    state: State,
    at: int,
    limits: Mapping[str, float],
    verdicts: list[Verdict],
) -> None:
    value = number(state, "food_c")
    warm = value >= limits["hot_lo_c"] + limits["hot_hysteresis_k"]
    state["fine"] = number(state, "fine") + 1 if warm else 0
    since = state.get("low_since_ms")
    every = interval_ms(subject, state)
    if since is None or at - since < delay_ms(limits, "hot_low_min", every):
        if state.get("bad") and number(state, "fine") >= limits["clear_samples"]:
            began = int(number(state, "bad"))
            state["bad"] = None
            say(verdicts, Verdict(Truth.OK, at, since_ms=began, recovered=True))
        return
    state["bad"] = state.get("bad") or since
    decisive = limits["decision_min"] * limits["critical_share"] / 100
    severity = Severity.CRITICAL if exposure_min(state) >= decisive else Severity.ALARM
    say(
        verdicts,
        Verdict(
            Truth.BAD,
            at,
            severity=severity,
            since_ms=int(number(state, "bad")),
            evidence={
                "food_c": round(value, 2),
                "limit_c": limits["hot_lo_c"],
                "exposure_min": round(exposure_min(state), 1),
                "left_min": round(left_min(state, limits), 1),
                "at_ms": at,
            },
        ),
    )
