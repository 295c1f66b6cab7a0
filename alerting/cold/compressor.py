"""How hard a compressor works, from its power or from the air's cycles; how fast it pulls down.

State keys: `duty` (share of time running, smoothed over hours), `running`, `power_hi` (greatest
power of the last days), `duty_at_ms`, `from_power_ms` (newest power reading).
"""

import math
from collections.abc import Mapping

from alerting.port import State
from alerting.rules.memory import number
from caretaker.clock import DAY_MS, HOUR_MS

_ON_SHARE = 0.3  # of the greatest power seen: a running compressor, not its standby
_STILL_K = 0.04
_POWER_RESTS_MS = HOUR_MS
_GAP_MS = HOUR_MS
CYCLE_MS = 300_000
"""Air sampled less often than this shows no cycles: they last some 10 to 30 minutes."""


def take_power(state: State, value: float, at_ms: int, limits: Mapping[str, float]) -> None:
    """Let a power reading [kW] tell whether the compressor runs."""
    before = number(state, "from_power_ms", at_ms)
    high = number(state, "power_hi") * math.exp(-(at_ms - before) / (7 * DAY_MS))
    state["power_hi"] = max(high, value)
    state["from_power_ms"] = at_ms
    _run(state, value > _ON_SHARE * state["power_hi"] > 0, at_ms, limits)


def take_air(state: State, value: float, at_ms: int, limits: Mapping[str, float]) -> None:
    """Without a power reading, falling air tells that the compressor runs."""
    before = state.get("cycle_c")
    state["cycle_c"] = value
    if at_ms - number(state, "from_power_ms", -_POWER_RESTS_MS) < _POWER_RESTS_MS:
        return
    if before is None:
        return
    running = bool(state.get("running"))
    if abs(value - before) > _STILL_K:
        running = value < before
    _run(state, running, at_ms, limits)


def _run(state: State, running: bool, at_ms: int, limits: Mapping[str, float]) -> None:  # noqa: FBT001
    before = number(state, "duty_at_ms", at_ms)
    state["duty_at_ms"] = at_ms
    spell = at_ms - before
    if 0 < spell <= _GAP_MS:
        # What ran since the last look is what was seen then.
        share = 1.0 - math.exp(-spell / (limits["duty_h"] * HOUR_MS))
        was = 1.0 if state.get("running") else 0.0
        known = state.get("duty")
        state["duty"] = was if known is None else known + share * (was - known)
    state["running"] = running
