"""Water that never stops: every quarter-hour of 24 h has flow (rule-book 4, W1)."""

from collections.abc import Sequence

from alerting.port import Context, State, Subject, Verdict
from alerting.rules.memory import number
from caretaker.clock import HOUR_MS, QUARTER_MS
from caretaker.vocabulary import DeviceRole, Reading, Severity, Truth
from ingest.metering import fallen

_GAP_MS = 2 * QUARTER_MS
_LONGEST_GAP_MS = 3 * HOUR_MS  # a meter that reports by the hour may miss one report
_ZERO_M3 = 0.0005  # half a litre: below the resolution of every meter in use
_TOILET_L_H = 16.7  # one running toilet (rule-book 4)
_LOWEST_OF_MS = 18 * HOUR_MS
"""The leak is the least flow of so long: some of a night is in it, and the run's beginning is not.

In its first hours ordinary use alone may have kept the run going, with less flow than the leak.
"""


class ContinuousFlow:
    """BAD when 96 of 96 quarter-hours had flow; recovered after two quarter-hours without."""

    name = "continuous_flow"
    version = "3"
    parameters = ("flow_h", "upstream_extra_h")
    timed = False
    downstream_first = True
    linked = frozenset[str]()

    def __init__(self, *, price_cny_m3: float) -> None:
        self._price = price_cny_m3
        self._parents: frozenset[int] = frozenset()

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return water meters with a register, those downstream first."""
        meters = [
            subject
            for subject in candidates
            if subject.device.role is DeviceRole.WATER
            and any(point.quantity == "volume" for point in subject.points)
        ]
        self._parents = frozenset(m.device.parent for m in meters if m.device.parent)
        return sorted(meters, key=lambda subject: subject.device.id in self._parents)

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Close each quarter-hour as readings pass its end."""
        del now_ms
        points = {p.id for p in subject.points if p.quantity == "volume" and not p.channel}
        state = dict(state)
        verdicts: list[Verdict] = []
        for reading in readings:
            if reading.point not in points:
                continue
            verdict = self._take(subject, state, reading, context)
            if verdict is not None:
                verdicts.append(verdict)
        return state, verdicts

    def _take(
        self, subject: Subject, state: State, reading: Reading, context: Context
    ) -> Verdict | None:
        last_at = int(number(state, "at_ms"))
        if reading.at_ms <= last_at:
            return None
        before = number(state, "value", reading.value)
        if reading.value == 0.0 and before > 0.0 and not state.get("held"):
            state["held"] = True  # a momentary zero is believed only when it stays (C17)
            return None
        state["held"] = False
        moved = reading.value - before
        if moved < 0:
            rolled, why = fallen(before, reading.value)
            moved = rolled if why == "rollover" else moved
        quarter = reading.at_ms - reading.at_ms % QUARTER_MS
        verdict: Verdict | None = None
        own_gap = round(2.5 * subject.device.interval_s * 1000)
        gap = min(max(_GAP_MS, own_gap), _LONGEST_GAP_MS)
        if not last_at or reading.at_ms - last_at > gap or moved < 0:
            # Unknown in between: a run is proved by data or not at all.
            state.update(run_ms=quarter, moved=0.0, zeros=0, lows=(), quarter_ms=quarter)
        else:
            # A reading at a quarter's very start tells what moved in the quarter before it.
            state["moved"] = number(state, "moved") + moved
            if quarter > int(number(state, "quarter_ms", quarter)):
                verdict = self._close(subject, state, quarter, context)
        state["at_ms"], state["value"] = reading.at_ms, reading.value
        return verdict

    def _close(self, subject: Subject, state: State, quarter: int, context: Context) -> Verdict:
        hours = max(quarter - int(number(state, "quarter_ms", quarter)), QUARTER_MS) / HOUR_MS
        moved = number(state, "moved")
        state["quarter_ms"], state["moved"] = quarter, 0.0
        if moved <= _ZERO_M3:
            state["zeros"] = int(number(state, "zeros")) + 1
            state["run_ms"], state["lows"] = quarter, ()
            recovered = int(number(state, "zeros")) >= 2
            if recovered:
                state["bad"] = None
            return Verdict(Truth.OK, quarter, recovered=recovered)
        state["zeros"] = 0
        flow = moved * 1000 / hours
        run = quarter - int(number(state, "run_ms", quarter))
        if run > QUARTER_MS:  # in its first quarter-hour the flow may have begun late
            state["lows"] = _lowest(state.get("lows") or (), quarter, flow)
        wanted = context.limits["flow_h"] * HOUR_MS
        if subject.device.id in self._parents:
            # A parent's run may begin with the day's ordinary use: downstream speaks first.
            wanted += context.limits["upstream_extra_h"] * HOUR_MS
        if run < wanted:
            return Verdict(Truth.OK, quarter)
        lows = state.get("lows")
        leak = lows[0][1] if lows else flow
        state["bad"] = number(state, "run_ms", quarter)
        return Verdict(
            Truth.BAD,
            quarter,
            severity=Severity.ALARM,
            since_ms=int(number(state, "run_ms", quarter)),
            evidence={
                "flow_l_h": round(leak, 1),
                "toilets": round(leak / _TOILET_L_H, 1),
                "cny_day": round(leak * 24 / 1000 * self._price, 2),
                "hours": round(run / HOUR_MS, 1),
            },
        )


def _lowest(
    lows: Sequence[tuple[int, float]], quarter: int, flow: float
) -> list[tuple[int, float]]:
    """Return the flows [L/h] that are or may become the least of the window; the first one is.

    >>> _lowest([(0, 4.0), (900_000, 64.0)], 1_800_000, 60.0)
    [(0, 4.0), (1800000, 60.0)]
    >>> _lowest([(0, 4.0), (1_800_000, 60.0)], 18 * HOUR_MS, 90.0)
    [(1800000, 60.0), (64800000, 90.0)]
    """
    kept = [low for low in lows if low[0] > quarter - _LOWEST_OF_MS and low[1] < flow]
    return [*kept, (quarter, flow)]
