"""The usual course of a unit's air: how warm its last day and its last week were, how it rises.

All is made of half-hour means in event time, so it is the same for a sample each minute and one
each quarter-hour, and a door opened for a moment moves little of it. What a defrost or a delivery
forgives is left out by the caller. State keys: `half` (number of the running half hour since
1970), `half_sum`, `half_n`; `halves` (means of the last day, null where there was no air), `days`
([day, warmest half hour] of the last week, a rise's length aside); and as of the last half hour
that ended `warm_c`, `week_c`, `rise_c`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from alerting.port import State

HALF_MS = 1_800_000
_DAY = 48
_TENTH = 5
"""The fifth-warmest of 48 half hours: the day was warmer for hardly more than two hours."""
_ENOUGH = 12
"""Half hours that must be known of a day: a quarter of it."""
_RISING = 5
"""Half hours, 2.5 hours: a rise that goes on for so long is longer than usual use takes."""
_RISING_H = 2.5
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Rise:
    """A rise of the air: by how much so far [K], and its pace of the last 2.5 hours [K/h]."""

    by_k: float
    pace_k_h: float


def take(state: State, value_c: float, at_ms: int) -> None:
    """Take a sample of the air [degC] into the half hour it belongs to; samples come in order."""
    half = at_ms // HALF_MS
    if half != state.get("half"):
        if "half" in state:
            _close(state, half)
        state["half"], state["half_sum"], state["half_n"] = half, 0.0, 0
    state["half_sum"] += value_c
    state["half_n"] += 1


def warm_c(state: State) -> float | None:
    """Return what the warmest tenth of the last day was at least [degC]; None: too little known.

    >>> state: State = {}
    >>> for n in range(60):
    ...     take(state, 6.0 if n % 12 == 0 else 3.0, n * HALF_MS)
    >>> warm_c(state), week_c(state)
    (3.0, 6.0)
    """
    found: float | None = state.get("warm_c")
    return found


def week_c(state: State) -> float | None:
    """Return the warmest of the last week [degC], the last 2.5 hours aside; None: not a day old."""
    found: float | None = state.get("week_c")
    return found


def rise(state: State, value_c: float) -> Rise | None:
    """Return the rise that goes on, each half hour as warm as the one before or warmer.

    It is none [0 K] before it is 2.5 h long; None where the air falls: below its last half hour.

    >>> state: State = {}
    >>> for n in range(12):
    ...     take(state, 3.0 + max(0, n - 5) * 0.4, n * HALF_MS)
    >>> found = rise(state, 5.5)
    >>> round(found.by_k, 1), round(found.pace_k_h, 2), rise(state, 4.0)
    (2.5, 0.84, None)
    """
    halves = state.get("halves")
    if not halves or halves[-1] is None or value_c < halves[-1]:
        return None
    start: float | None = state.get("rise_c")
    if start is None:
        return Rise(0.0, 0.0)
    return Rise(value_c - start, (value_c - halves[-_RISING]) / _RISING_H)


def _close(state: State, half: int) -> None:
    """End the running half hour and learn from it; those without air are unknown."""
    before: Sequence[float | None] = state.get("halves", ())
    mean = round(state["half_sum"] / state["half_n"], 3)
    halves = [*before, mean, *[None] * min(half - state["half"] - 1, _DAY)]
    known_days = state.get("days", [])
    state["days"] = _week(known_days, halves[max(0, len(before) - _RISING) : -_RISING], half)
    state["halves"] = halves = halves[-_DAY:]
    known = sorted((value for value in halves if value is not None), reverse=True)
    state["warm_c"] = known[_TENTH - 1] if len(known) >= _ENOUGH else None
    state["rise_c"] = _rise(halves)
    whole = len(halves) == _DAY
    state["week_c"] = max((top for _, top in state["days"]), default=None) if whole else None


def _week(
    days: Sequence[Sequence[float]], older: Sequence[float | None], half: int
) -> list[Sequence[float]]:
    """Return the warmest half hours by day, with those that became older than a rise."""
    today = half // _DAY
    kept = [item for item in days if today - item[0] <= _WEEK]
    tops = [value for value in older if value is not None]
    if tops and kept and kept[-1][0] == today:
        return [*kept[:-1], [today, max(kept[-1][1], *tops)]]
    return [*kept, [today, max(tops)]] if tops else kept


def _rise(halves: Sequence[float | None]) -> float | None:
    """Return where the rise that still goes on began [degC], if it is long enough."""
    start = len(halves) - 1
    later = halves[-1]
    while start > 0 and later is not None:
        earlier = halves[start - 1]
        if earlier is None or earlier > later:
            break
        start, later = start - 1, earlier
    return halves[start] if len(halves) - start >= _RISING else None
