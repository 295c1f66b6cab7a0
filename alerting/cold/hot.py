"""Hot holding: from when food was hot until it is served, it must stay above its limit.

State keys: `loaded` (food was hot since the last disposition), `cooled` (it was not since then),
`food_c`, `food_at_ms`, `low_since_ms`, `exposure_ms` (time below the limit in all).
"""

from collections.abc import Mapping

from alerting.cold.food import time_out_ms
from alerting.cold.records import took
from alerting.port import State
from alerting.rules.memory import number
from storage.unit_records import RecordKind, UnitRecord


def take(state: State, value: float, at_ms: int, limits: Mapping[str, float]) -> None:
    """Take a temperature of the food; the clock runs once the food has been hot."""
    before, before_ms = state.get("food_c"), number(state, "food_at_ms", at_ms)
    if at_ms < before_ms:
        return
    state["food_c"], state["food_at_ms"] = value, at_ms
    low = limits["hot_lo_c"]
    if value < low:
        state["cooled"] = True
    elif state.get("loaded") or state.get("cooled", True):
        # After a disposition the cabinet is still hot: new food is what heats up anew.
        state["loaded"], state["low_since_ms"] = True, None
    if not state.get("loaded"):
        return
    if value < low and state.get("low_since_ms") is None:
        state["low_since_ms"] = at_ms
    if before is not None:
        out = time_out_ms(-before, -value, at_ms - before_ms, limit_c=-low)
        if out:
            state["exposure_ms"] = number(state, "exposure_ms") + out


def take_event(state: State, record: UnitRecord, limits: Mapping[str, float]) -> None:
    """Take what a person recorded: a disposition ends the service, a probe is the food."""
    took(state, record)
    if record.kind is RecordKind.DISPOSITION:
        emptied(state)
        state["disposed_ms"] = record.at_ms
    elif record.kind is RecordKind.PROBE and record.value is not None:
        state["manual_ms"] = record.at_ms
        take(state, record.value, record.at_ms, limits)


def emptied(state: State) -> None:
    """Nothing is held hot any more."""
    state.update(loaded=False, cooled=False, low_since_ms=None, exposure_ms=0.0)
