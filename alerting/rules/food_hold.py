"""Food hold (A4): the exposure clock has run out; only a recorded disposition ends it."""

from collections.abc import Mapping, Sequence

from alerting.cold import food, hot
from alerting.cold.layout import layout
from alerting.cold.records import Tapped, timeline, within
from alerting.cold.unit import take
from alerting.port import Context, State, Subject, Verdict
from alerting.rules.memory import number, say
from caretaker.vocabulary import DeviceRole, Reading, Severity, Truth
from storage.unit_records import UnitRecord


class FoodHold:
    """BAD once food was out of its limit for the decision time in all, over any number of times.

    The clock survives recovery and restarts. In hot holding it runs below the limit.
    """

    name = "food_hold"
    version = "1"
    parameters = (
        "limit_hi_c", "exposure_hi_c", "hot_lo_c", "decision_min", "tau_min", "gap_min",
        "physics_lo_c", "physics_hi_c",
    )  # fmt: skip
    timed = False
    downstream_first = False
    linked = frozenset[str]()

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return every unit that holds food."""
        return [subject for subject in candidates if subject.device.role.holds_food]

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Let the clock run with the readings; a disposition resets it at its instant."""
        unit, tapped, limits = layout(subject), Tapped.of(context), context.limits
        if not unit.air:
            return state, [Verdict(Truth.UNKNOWN, now_ms, evidence={"why": "no_thermometer"})]
        state = dict(state)
        verdicts: list[Verdict] = []
        heated = subject.device.role is DeviceRole.HOT_HOLDING

        def event(record: UnitRecord) -> None:
            _event(state, record, limits, verdicts, heated=heated)

        for reading in timeline(state, unit.relevant(readings), tapped, now_ms, event):
            if tapped.decommissioned and within(tapped.decommissioned, reading.at_ms):
                continue
            if not heated:
                take(state, reading, subject=subject, unit=unit, context=context)
            elif reading.point == unit.food and reading.value >= limits["physics_lo_c"]:
                hot.take(state, reading.value, reading.at_ms, limits)
            if verdict := _judge(state, reading.at_ms, limits, heated=heated):
                say(verdicts, verdict)
        return state, verdicts


def _event(
    state: State,
    record: UnitRecord,
    limits: Mapping[str, float],
    verdicts: list[Verdict],
    *,
    heated: bool,
) -> None:
    take = hot.take_event if heated else food.take_event
    take(state, record, limits)
    held = state.get("bad")
    if held is not None and not food.exposure_min(state):
        state["bad"] = None
        say(verdicts, Verdict(Truth.OK, record.at_ms, since_ms=held, recovered=True))


def _judge(state: State, at: int, limits: Mapping[str, float], *, heated: bool) -> Verdict | None:
    exposure = food.exposure_min(state)
    if exposure < limits["decision_min"]:
        return None
    if state.get("bad") is None:
        state["bad"] = at
    return Verdict(
        Truth.BAD,
        at,
        severity=Severity.CRITICAL,
        since_ms=int(number(state, "bad")),
        evidence={
            "food_c": round(number(state, "food_c"), 2),
            "limit_c": limits["hot_lo_c"] if heated else limits["exposure_hi_c"],
            "exposure_min": round(exposure, 1),
            "decision_min": limits["decision_min"],
            "left_min": 0.0,
            "at_ms": at,
        },
    )
