"""Defrost: known from the controller, a schedule, or a learned signature (rule-book 2.3).

It forgives air, never food, for at most 45 min from its start and six times in 24 hours.
State keys: `defrost_ms` (start of the one that is forgiven), `defrost_on`, `defrosts` (starts of
the last 24 h), `recent` (air of the last minutes), `rise_ms`, `rise_c`, `learned` ([day, minute]),
`lengths` ([start, minutes] of those that ended).
"""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from alerting.port import State
from alerting.rules.memory import number
from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS, from_ms

_KEEP_DAYS = 8
_BACK_K = 1.0
_MAX_RECENT = 24
_KEEP_LENGTHS = 60


def begin(state: State, at_ms: int, limits: Mapping[str, float]) -> None:
    """Begin a defrost; beyond the day's number it is not forgiven, a repeat is no new one."""
    length_ms = limits["defrost_min"] * MINUTE_MS
    if at_ms < number(state, "defrost_ms", -DAY_MS) + length_ms:
        return
    starts = [start for start in state.get("defrosts", ()) if at_ms - start < DAY_MS]
    starts.append(at_ms)
    state["defrosts"] = starts
    if len(starts) <= limits["defrosts_day"]:
        state["defrost_ms"] = at_ms


def take_input(state: State, *, on: bool, at_ms: int, limits: Mapping[str, float]) -> None:
    """Take the controller's word; an input that stays on is no new beginning."""
    if on and not state.get("defrost_on"):
        begin(state, at_ms, limits)
        state["on_ms"] = at_ms
    elif not on and state.get("defrost_on"):
        _ended(state, int(number(state, "on_ms", at_ms)), at_ms)
    state["defrost_on"] = on


def take_schedule(state: State, at_ms: int, limits: Mapping[str, float], zone: ZoneInfo) -> None:
    """Begin the scheduled defrost that is due, `defrost_every_h` hours apart in local time."""
    every = limits["defrost_every_h"]
    if every <= 0:
        return
    local = from_ms(at_ms).astimezone(zone)
    since_min = (local.hour * 60 + local.minute - limits["defrost_first_min"]) % (every * 60)
    start_ms = at_ms - at_ms % MINUTE_MS - round(since_min) * MINUTE_MS
    if at_ms - start_ms < limits["defrost_min"] * MINUTE_MS:
        begin(state, start_ms, limits)


def take_air(
    state: State,
    value: float,
    at_ms: int,
    limits: Mapping[str, float],
    *,
    step_ms: float,
    door_open: bool,
    zone: ZoneInfo,
) -> None:
    """Learn the signature: a quick rise, back within 45 min, at the same time of day, door shut."""
    window_ms = max(limits["defrost_rise_min"] * MINUTE_MS, step_ms)
    length_ms = limits["defrost_min"] * MINUTE_MS
    recent = [item for item in state.get("recent", ()) if at_ms - item[0] <= window_ms]
    if len(recent) >= _MAX_RECENT:
        recent = recent[1::2]
    rise_ms = state.get("rise_ms")
    if rise_ms is None and recent and not door_open:
        low_ms, low_c = min(recent, key=lambda item: item[1])
        if value - low_c >= limits["defrost_rise_k"]:
            state["rise_ms"], state["rise_c"] = low_ms, low_c
            if _expected(state, low_ms, limits, zone):
                begin(state, low_ms, limits)
    elif rise_ms is not None:
        if door_open or at_ms - rise_ms > length_ms:
            state["rise_ms"] = None
        elif value <= number(state, "rise_c") + _BACK_K:
            day, minute = _phase(rise_ms, zone)
            kept = [item for item in state.get("learned", ()) if day - item[0] < _KEEP_DAYS]
            state["learned"] = [*kept, [day, minute]]
            state["rise_ms"] = None
            if state.get("defrost_ms") == rise_ms:
                _ended(state, rise_ms, at_ms)
    recent.append([at_ms, value])
    state["recent"] = recent


def _ended(state: State, start_ms: int, at_ms: int) -> None:
    """Keep how long a defrost took [min], for the drift of months."""
    kept = state.get("lengths", [])[-_KEEP_LENGTHS + 1 :]
    state["lengths"] = [*kept, [start_ms, round((at_ms - start_ms) / MINUTE_MS, 1)]]


def forgives(state: State, at_ms: int, limits: Mapping[str, float]) -> bool:
    """Return whether the air's warmth is a defrost's for now."""
    began = state.get("defrost_ms")
    return began is not None and 0 <= at_ms - began <= limits["defrost_min"] * MINUTE_MS


def _phase(at_ms: int, zone: ZoneInfo) -> tuple[int, int]:
    local = from_ms(at_ms).astimezone(zone)
    return local.toordinal(), local.hour * 60 + local.minute


def _expected(state: State, at_ms: int, limits: Mapping[str, float], zone: ZoneInfo) -> bool:
    """Return whether defrosts began around this time of day on enough of the last seven days."""
    day, minute = _phase(at_ms, zone)
    wide = limits["defrost_phase_min"]
    days = {
        item[0]
        for item in state.get("learned", ())
        if 0 < day - item[0] <= 7 and min((m := abs(item[1] - minute)), 1440 - m) <= wide
    }
    return len(days) >= limits["defrost_days"]


def last_hours(state: State, at_ms: int, hours: float) -> int:
    """Return how many defrosts began in the last hours."""
    return sum(1 for start in state.get("defrosts", ()) if at_ms - start < hours * HOUR_MS)
