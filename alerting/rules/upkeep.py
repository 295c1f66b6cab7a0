"""What a sensor itself needs: a battery, a calibration."""

from collections.abc import Sequence

from alerting.port import Context, State, Subject, Verdict
from alerting.rules.memory import number, say
from caretaker.clock import DAY_MS
from caretaker.vocabulary import Reading, Severity, Truth
from storage.unit_records import RecordKind

_BACK_PCT = 5.0


class BatteryLow:
    """BAD when a battery shows less than its limit twice; recovered 5 points above it."""

    name = "battery_low"
    version = "1"
    parameters = ("battery_low_pct",)
    timed = False
    downstream_first = False
    linked = frozenset[str]()

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return every device that tells its battery."""
        return [s for s in candidates if any(p.quantity == "battery" for p in s.points)]

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Judge the battery's readings."""
        del now_ms
        points = {p.id for p in subject.points if p.quantity == "battery"}
        limit = context.limits["battery_low_pct"]
        state = dict(state)
        verdicts: list[Verdict] = []
        for reading in readings:
            at, value = reading.at_ms, reading.value
            if reading.point not in points or at <= number(state, "at_ms", -1.0):
                continue
            state["at_ms"] = at
            if value < limit:
                state["low"] = number(state, "low") + 1
                state["since_ms"] = state.get("since_ms") or at
            elif value >= limit + _BACK_PCT or not state.get("bad"):
                if state.get("bad"):
                    since = int(number(state, "since_ms"))
                    say(verdicts, Verdict(Truth.OK, at, since_ms=since, recovered=True))
                state.update(low=0, since_ms=None, bad=None)
                continue
            if number(state, "low") >= 2:
                state["bad"] = True
                say(
                    verdicts,
                    Verdict(
                        Truth.BAD,
                        at,
                        severity=Severity.NOTICE,
                        since_ms=int(number(state, "since_ms")),
                        evidence={"battery_pct": round(value)},
                    ),
                )
        return state, verdicts


class CalibrationDue:
    """BAD when the last recorded calibration, or else the first reading, is a year old."""

    name = "calibration_due"
    version = "1"
    parameters = ("calibration_days",)
    timed = True
    downstream_first = False
    linked = frozenset[str]()

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return every device whose temperature decides about food."""
        return [s for s in candidates if s.device.role.holds_food]

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Judge the age of the last calibration; the verdict bears the day it was due."""
        del readings
        done = [r.at_ms for r in context.records if r.kind is RecordKind.CALIBRATION]
        done = [at for at in done if at <= now_ms]
        last = max(done, default=subject.device.first_heard_ms)
        due = last + round(context.limits["calibration_days"] * DAY_MS)
        if not last:
            return state, []
        if due <= now_ms:
            verdict = Verdict(
                Truth.BAD,
                due,
                severity=Severity.NOTICE,
                since_ms=due,
                evidence={"calibrated_ms": last, "days": round((now_ms - last) / DAY_MS)},
            )
            return {"bad": due}, [verdict]
        if state.get("bad"):
            return {}, [Verdict(Truth.OK, last, since_ms=int(state["bad"]), recovered=True)]
        return state, []
