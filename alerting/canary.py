"""The canary: a device of Caretaker's own that crosses its limit on schedule."""

import json
from collections.abc import Sequence

from alerting.port import Context, Notification, Outcome, State, Subject, Verdict
from caretaker.vocabulary import DeviceStatus, Reading, Severity, Truth

NAME = "caretaker-canary"
LIMIT_C = 50.0
HIGH_C, LOW_C = 90.0, 4.0


def key_of(site: str) -> str:
    """Return the canary's key at a site."""
    return f"native:{site}/{NAME}"


def topic_of(site: str, what: str) -> str:
    """Return a topic of the canary's: its readings, or its beat."""
    return f"caretaker/1/{site}/{NAME}/{what}"


def message(value_c: float, *, at_ms: int) -> bytes:
    """Return one reading as a device would send it."""
    return json.dumps({"at": at_ms, "readings": {"temperature_c": value_c}}).encode()


class Canary:
    """BAD above its limit at once, OK below it; its incident is shown to nobody."""

    name = "canary"
    version = "1"
    parameters: tuple[str, ...] = ()
    timed = False
    downstream_first = False
    linked: frozenset[str] = frozenset()

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return the canary alone."""
        return [
            item
            for item in candidates
            if item.device.status is DeviceStatus.INTERNAL and item.device.key.endswith(f"/{NAME}")
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
        """Judge the newest reading."""
        del subject, context, now_ms
        if not readings:
            return state, []
        last = readings[-1]
        evidence = {"at_ms": last.at_ms}
        if last.value > LIMIT_C:
            return {"bad": True}, [
                Verdict(
                    Truth.BAD, last.at_ms, severity=Severity.NOTICE, since_ms=last.at_ms,
                    evidence=evidence,
                )
            ]  # fmt: skip
        return {}, [Verdict(Truth.OK, last.at_ms, recovered=True, evidence=evidence)]


class CanarySink:
    """The channel at the end of the canary's way; it only counts what arrives."""

    name = "(canary)"

    def __init__(self) -> None:
        self.arrived = 0

    def deliver(self, notification: Notification) -> Outcome:
        """Take it."""
        if not notification.over:
            self.arrived += 1
        return Outcome(delivered=True)
