"""Food temperature by probe or lag filter, and the exposure clock (rule-book 2.2 and 2.3).

State keys: `food_c`, `food_at_ms`, `probe_ms`, `food_since_ms` (out of limit since), `exposure_ms`,
`estimate_ms` (until when the estimate is of low quality).
"""

from collections.abc import Mapping

from alerting.cold.lag import lagged
from alerting.cold.records import took
from alerting.port import State
from alerting.rules.memory import number
from caretaker.clock import MINUTE_MS
from storage.unit_records import RecordKind, UnitRecord


def time_out_ms(before_c: float, after_c: float, span_ms: float, *, limit_c: float) -> float:
    """Return for how long food was above the limit between two values, straight between them.

    >>> time_out_ms(7.0, 9.0, 600.0, limit_c=8.0), time_out_ms(9.0, 9.5, 600.0, limit_c=8.0)
    (300.0, 600.0)
    """
    above, was = after_c > limit_c, before_c > limit_c
    if above == was:
        return span_ms if above else 0.0
    share = (max(before_c, after_c) - limit_c) / abs(after_c - before_c)
    return span_ms * share


def take_food(state: State, value: float, at_ms: int, limits: Mapping[str, float]) -> None:
    """Let a food temperature move the clocks; above `exposure_hi_c` the exposure clock runs."""
    before, before_ms = state.get("food_c"), number(state, "food_at_ms", at_ms)
    state["food_c"], state["food_at_ms"] = value, at_ms
    if value > limits["limit_hi_c"]:
        if state.get("food_since_ms") is None:
            state["food_since_ms"] = at_ms
    else:
        state["food_since_ms"] = None
    if before is not None and at_ms > before_ms:
        out = time_out_ms(before, value, at_ms - before_ms, limit_c=limits["exposure_hi_c"])
        if out:
            state["exposure_ms"] = number(state, "exposure_ms") + out


def take_probe(state: State, value: float, at_ms: int, limits: Mapping[str, float]) -> None:
    """Take a buffered probe's value, which is the food's as far as anybody knows."""
    if at_ms > number(state, "probe_ms"):
        state["probe_ms"] = at_ms
        take_food(state, value, at_ms, limits)


def take_air(state: State, value: float, at_ms: int, limits: Mapping[str, float]) -> None:
    """Estimate the food from air, unless a probe tells it; after a gap food is taken to be air."""
    gap_ms = limits["gap_min"] * MINUTE_MS
    if at_ms - number(state, "probe_ms", -gap_ms - 1) <= gap_ms:
        return
    before, before_ms = state.get("food_c"), number(state, "food_at_ms")
    if before is None or at_ms - before_ms > gap_ms:
        state["estimate_ms"] = at_ms + 3 * limits["tau_min"] * MINUTE_MS
        take_food(state, value, at_ms, limits)
        return
    minutes = (at_ms - before_ms) / MINUTE_MS
    food = lagged(before, value, minutes=minutes, tau_min=limits["tau_min"])
    take_food(state, food, at_ms, limits)


def take_event(state: State, record: UnitRecord, limits: Mapping[str, float]) -> None:
    """Take what a person recorded: a manual probe is food, a disposition resets the clock."""
    took(state, record)
    if record.kind is RecordKind.DISPOSITION:
        state["exposure_ms"] = 0.0
        state["disposed_ms"] = record.at_ms
    elif record.kind is RecordKind.PROBE and record.value is not None:
        state["manual_ms"] = record.at_ms
        if record.at_ms >= number(state, "food_at_ms"):
            take_food(state, record.value, record.at_ms, limits)


def exposure_min(state: State) -> float:
    """Return what the exposure clock shows [min]."""
    return number(state, "exposure_ms") / MINUTE_MS


def left_min(state: State, limits: Mapping[str, float]) -> float:
    """Return how long until the food must be decided on [min]."""
    return max(0.0, limits["decision_min"] - exposure_min(state))
