"""A fridge that freezes its food: air below the lower limit (rule-book 2.3, too cold)."""

from collections.abc import Mapping, Sequence

from alerting.cold.layout import layout
from alerting.cold.records import Tapped, within
from alerting.port import Context, State, Subject, Verdict
from alerting.rules.memory import delay_ms, interval_ms, number, observe, say
from caretaker.clock import MINUTE_MS
from caretaker.vocabulary import DeviceRole, Reading, Truth


class TooCold:
    """BAD after 30 min below the limit; recovered by two samples above it with hysteresis."""

    name = "cold_storage_cold"
    version = "1"
    parameters = (
        "limit_lo_c", "too_cold_min", "hysteresis_k", "clear_samples", "clear_min", "gap_min",
        "physics_lo_c", "physics_hi_c",
    )  # fmt: skip
    timed = False
    downstream_first = False
    linked = frozenset[str]()

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return fridges and sample fridges; a freezer is meant to be cold."""
        return [
            subject
            for subject in candidates
            if subject.device.role in (DeviceRole.FRIDGE, DeviceRole.SAMPLE_FRIDGE)
            and layout(subject).air
        ]

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Judge the air in event time."""
        del now_ms
        unit, tapped, limits = layout(subject), Tapped.of(context), context.limits
        state = dict(state)
        verdicts: list[Verdict] = []
        for reading in readings:
            at, value = reading.at_ms, reading.value
            if reading.point != unit.air or at <= number(state, "at_ms", -1.0):
                continue
            if limits["physics_lo_c"] <= value <= limits["physics_hi_c"]:
                _count(state, at, value, limits)
                if within(tapped.decommissioned, at):
                    state["since_ms"] = None
                _judge(subject, state, at, limits, verdicts)
        return state, verdicts


def _count(state: State, at: int, value: float, limits: Mapping[str, float]) -> None:
    """Count for how long it was too cold, and how often in a row it was well again."""
    low, before_ms = limits["limit_lo_c"], number(state, "at_ms", at)
    if at - before_ms > 2 * limits["gap_min"] * MINUTE_MS:
        state["since_ms"], state["fine"] = None, 0
    observe(state, at, before_ms)
    state["at_ms"], state["air_c"] = at, value
    state["since_ms"] = (state.get("since_ms") or at) if value < low else None
    state["low_c"] = min(number(state, "low_c", value), value)
    if value < low + limits["hysteresis_k"]:
        state["fine"] = 0
        return
    if not state.get("fine"):
        state["fine_ms"] = at
    state["fine"] = number(state, "fine") + 1


def _judge(
    subject: Subject,
    state: State,
    at: int,
    limits: Mapping[str, float],
    verdicts: list[Verdict],
) -> None:
    every, since = interval_ms(subject, state), state["since_ms"]
    if since is not None and at - since >= delay_ms(limits, "too_cold_min", every):
        state["bad"] = state.get("bad") or since
        evidence = {
            "air_c": round(number(state, "air_c"), 2),
            "low_c": round(number(state, "low_c"), 2),
            "limit_c": limits["limit_lo_c"],
        }
        began = int(number(state, "bad"))
        say(verdicts, Verdict(Truth.BAD, at, since_ms=began, evidence=evidence))
    elif (
        number(state, "fine") >= limits["clear_samples"]
        and at - number(state, "fine_ms") >= limits["clear_min"] * MINUTE_MS
    ):
        if state.get("bad"):
            began = int(number(state, "bad"))
            say(verdicts, Verdict(Truth.OK, at, since_ms=began, recovered=True))
        state["bad"], state["low_c"] = None, number(state, "air_c")
