"""A planned power cut is told ahead, so that the canteen can prepare (rule-book 2.3)."""

from collections.abc import Sequence

from alerting.cold.records import Tapped
from alerting.port import Context, State, Subject, Verdict
from caretaker.clock import HOUR_MS, MINUTE_MS
from caretaker.vocabulary import Reading, Severity, Truth


class PlannedOutage:
    """BAD from a day before a recorded planned outage until it begins."""

    name = "planned_outage"
    version = "1"
    parameters = ("planned_notice_h", "closed_clock_min")
    timed = True
    downstream_first = False
    linked = frozenset[str]()

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return units of cold storage."""
        return [s for s in candidates if s.device.role.cold]

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Look ahead from `now_ms`; the verdict bears the instant when it was due."""
        del subject, readings
        ahead = round(context.limits["planned_notice_h"] * HOUR_MS)
        for start, end in sorted(Tapped.of(context).planned):
            if start - ahead <= now_ms < start:
                hours = (min(end, start + 7 * 24 * HOUR_MS) - start) / HOUR_MS
                keeps = context.limits["closed_clock_min"] * MINUTE_MS
                verdict = Verdict(
                    Truth.BAD,
                    start - ahead,
                    severity=Severity.NOTICE,
                    since_ms=start,
                    evidence={
                        "starts_ms": start,
                        "hours": round(hours, 1),
                        "clock_h": round(keeps / HOUR_MS, 1),
                    },
                )
                return {"bad": start}, [verdict]
        if state.get("bad"):
            began = int(state["bad"])
            return {}, [Verdict(Truth.OK, began, since_ms=began, recovered=True)]
        return state, []
