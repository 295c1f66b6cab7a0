"""The state of a unit every five minutes, for the page and the boards; it never says BAD."""

from collections.abc import Mapping, Sequence

from alerting.cold import defrost, food, hot
from alerting.cold.layout import Layout, layout
from alerting.cold.records import Tapped, timeline
from alerting.cold.unit import take
from alerting.port import Context, State, Subject, Verdict
from alerting.rules.cold_storage import PARAMETERS
from alerting.rules.memory import number
from caretaker.vocabulary import DeviceRole, Reading, Truth
from storage.cold_samples import STEP_MS
from storage.unit_records import UnitRecord


class ColdUnit:
    """Follows air, food, exposure clock, defrost, door and compressor of a unit.

    Its verdicts are OK, one each five minutes, with the unit's figures as evidence.
    """

    name = "cold_unit"
    version = "1"
    parameters = (*PARAMETERS, "limit_lo_c", "hot_lo_c", "duty_h")
    timed = False
    downstream_first = False
    linked = frozenset({"door", "mains"})

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return every unit that holds food and has a thermometer."""
        return [s for s in candidates if s.device.role.holds_food and layout(s).air]

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Follow the readings in event time."""
        unit, tapped, limits = layout(subject), Tapped.of(context), context.limits
        state = dict(state)
        heated = subject.device.role is DeviceRole.HOT_HOLDING
        verdicts: list[Verdict] = []

        def event(record: UnitRecord) -> None:
            _event(state, record, limits, heated=heated)

        for reading in timeline(state, readings, tapped, now_ms, event):
            if heated:
                new = _take_hot(state, reading, unit, limits)
            else:
                new = take(state, reading, subject=subject, unit=unit, context=context)
            slot = reading.at_ms // STEP_MS
            if new and slot != number(state, "slot", -1.0):
                state["slot"] = slot
                figures = _figures(
                    state, reading.at_ms, limits, heated=heated, doors=bool(unit.doors)
                )
                verdicts.append(Verdict(Truth.OK, slot * STEP_MS, evidence=figures))
        return state, verdicts


def _take_hot(state: State, reading: Reading, unit: Layout, limits: Mapping[str, float]) -> bool:
    at, value = reading.at_ms, reading.value
    if not limits["physics_lo_c"] <= value <= limits["physics_hi_c"]:
        return False
    if reading.point == unit.food:
        hot.take(state, value, at, limits)
    if reading.point != unit.air or at <= number(state, "at_ms", -1.0):
        return False
    state["at_ms"], state["air_c"] = at, value
    return True


def _event(state: State, record: UnitRecord, limits: Mapping[str, float], *, heated: bool) -> None:
    take = hot.take_event if heated else food.take_event
    take(state, record, limits)


def _figures(
    state: State, at: int, limits: Mapping[str, float], *, heated: bool, doors: bool
) -> dict[str, float | int | str]:
    found: dict[str, float | int | str] = {
        "air_c": round(number(state, "air_c"), 2),
        "exposure_min": round(food.exposure_min(state), 1),
        "decision_min": limits["decision_min"],
        "defrost": int(not heated and defrost.forgives(state, at, limits)),
    }
    if state.get("food_c") is not None:
        found["food_c"] = round(number(state, "food_c"), 2)
    if heated:
        found["limit_lo_c"] = limits["hot_lo_c"]
    else:
        found["limit_hi_c"], found["limit_lo_c"] = limits["limit_hi_c"], limits["limit_lo_c"]
    if doors:
        found["door_open"] = int(bool(state.get("door")))
    if state.get("duty") is not None:
        found["duty"] = round(number(state, "duty"), 3)
    return found
