"""Early warning: the air comes near its limit before it crosses it (analytics 3.3, margin)."""

from collections.abc import Sequence

from alerting.cold import defrost
from alerting.cold.layout import layout
from alerting.cold.records import Tapped, within
from alerting.cold.unit import take
from alerting.port import Context, State, Subject, Verdict
from alerting.rules.cold_storage import PARAMETERS
from alerting.rules.memory import number, say
from caretaker.clock import HOUR_MS
from caretaker.vocabulary import Reading, Severity, Truth


class ColdWarning:
    """BAD when the air is within a margin of its limit; it stands until it kept clear for hours.

    One warning speaks for hours, so that a unit that lives near its limit is not named each time.
    Its score on a cold store is published by `python -m tests.bench.cold`.
    """

    name = "cold_warning"
    version = "1"
    parameters = (*PARAMETERS, "warn_margin_k", "warn_hold_h")
    timed = False
    downstream_first = False
    linked = frozenset({"door", "mains"})

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
        """Judge the margin in event time; defrost, deliveries and cleaning are no warning."""
        del now_ms
        unit, tapped, limits = layout(subject), Tapped.of(context), context.limits
        state = dict(state)
        verdicts: list[Verdict] = []
        for reading in unit.relevant(readings):
            if not take(state, reading, subject=subject, unit=unit, context=context):
                continue
            at, value = reading.at_ms, reading.value
            forgiven = (
                tapped.forgiven(at)
                or defrost.forgives(state, at, limits)
                or within(tapped.decommissioned, at)
            )
            near = value > limits["limit_hi_c"] - limits["warn_margin_k"]
            if near and not forgiven:
                state["near_ms"] = at
                state["bad"] = state.get("bad") or at
                say(verdicts, _warning(state, at, value, limits["limit_hi_c"]))
            elif state.get("bad") and (
                at - number(state, "near_ms") >= limits["warn_hold_h"] * HOUR_MS
            ):
                since = int(number(state, "bad"))
                state["bad"] = None
                say(verdicts, Verdict(Truth.OK, at, since_ms=since, recovered=True))
        return state, verdicts


def _warning(state: State, at: int, value: float, limit_c: float) -> Verdict:
    return Verdict(
        Truth.BAD,
        at,
        severity=Severity.NOTICE,
        since_ms=int(number(state, "bad")),
        evidence={"air_c": round(value, 2), "limit_c": limit_c},
    )
