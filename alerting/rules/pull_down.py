"""How fast a unit cools after it got warm: a weak compressor shows before it fails."""

import statistics
from collections.abc import Mapping, Sequence

from alerting.cold.layout import layout
from alerting.port import Context, State, Subject, Verdict
from alerting.rules.memory import number, say
from caretaker.clock import HOUR_MS, MINUTE_MS
from caretaker.vocabulary import Reading, Severity, Truth

_RISE_K = 2.0
_BACK_SHARE = 0.25
_KEEP, _RECENT, _SLOW = 40, 10, 8
_LONGEST_MS = 6 * HOUR_MS
_EASE_K = 0.02  # how fast the low mark follows a warmer set point [K a sample]


class PullDown:
    """BAD when eight of the last ten pull-downs took twice as long a kelvin as those before.

    A pull-down is the way from the top of a rise of 2 K or more (door, delivery, defrost) down to
    a quarter of it. It is compared with the median of those before, twenty at least: one load of
    warm food is slow, eight are a weak compressor.
    """

    name = "slow_pull_down"
    version = "2"
    parameters = ("pull_down_factor", "physics_lo_c", "physics_hi_c")
    timed = False
    downstream_first = False
    linked = frozenset[str]()

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return units of cold storage with a thermometer."""
        return [s for s in candidates if s.device.role.cold and layout(s).air]

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Follow the air up and down; judge at the end of each pull-down."""
        del now_ms
        air, limits = layout(subject).air, context.limits
        state = dict(state)
        verdicts: list[Verdict] = []
        for reading in readings:
            at, value = reading.at_ms, reading.value
            if reading.point != air or at <= number(state, "at_ms", -1.0):
                continue
            if limits["physics_lo_c"] <= value <= limits["physics_hi_c"]:
                state["at_ms"] = at
                if _follow(state, value, at):
                    _judge(state, at, limits, verdicts)
        return state, verdicts


def _follow(state: State, value: float, at: int) -> bool:
    """Follow the air; return whether a pull-down has ended."""
    low, top = state.get("low_c"), state.get("top_c")
    if low is None or value < low:
        state["low_c"] = low = value
    if top is None:
        if value - low >= _RISE_K:
            state["top_c"], state["top_ms"] = value, at
        else:
            state["low_c"] = low + min(_EASE_K, value - low)
        return False
    if value >= top:
        state["top_c"], state["top_ms"] = value, at
        return False
    began = int(number(state, "top_ms"))
    if value > low + _BACK_SHARE * (top - low):
        if at - began > _LONGEST_MS:  # it does not come back: other rules speak of that
            state["top_c"], state["low_c"] = None, value
        return False
    took = (at - began) / MINUTE_MS / (top - value)
    kept = state.get("took", [])[-_KEEP + 1 :]
    state["took"] = [*kept, round(took, 3)]
    state["top_c"] = None
    return True


def _judge(state: State, at: int, limits: Mapping[str, float], verdicts: list[Verdict]) -> None:
    took = state["took"]
    if len(took) < 3 * _RECENT:
        return
    usual, recent = statistics.median(took[:-_RECENT]), sorted(took[-_RECENT:])
    if recent[_RECENT - _SLOW] >= limits["pull_down_factor"] * usual:
        state["bad"] = state.get("bad") or at
        evidence = {
            "min_per_k": round(statistics.median(recent), 1),
            "usual_min_per_k": round(usual, 1),
        }
        say(
            verdicts,
            Verdict(
                Truth.BAD,
                at,
                severity=Severity.NOTICE,
                since_ms=int(number(state, "bad")),
                evidence=evidence,
            ),
        )
    elif state.get("bad"):
        since = int(number(state, "bad"))
        state["bad"] = None
        say(verdicts, Verdict(Truth.OK, at, since_ms=since, recovered=True))
