"""A device that stopped talking: silence is an alert, and never an all-clear (rule-book 2.3)."""

import itertools
from collections.abc import Mapping, Sequence

from alerting.port import Context, State, Subject, Verdict
from alerting.profiles import numbers_of
from alerting.profiles.base import BASE
from alerting.rules.memory import number, say
from caretaker.clock import MINUTE_MS
from caretaker.vocabulary import Device, DeviceStatus, Reading, Severity, Truth

_COLD_DEFAULT_S = 300
_SLACK_MS = MINUTE_MS
_FUTURE_MS = 5 * MINUTE_MS  # as far ahead as a device's clock is believed (ingest/times.py)
_GAPS = 20


class DeviceSilent:
    """BAD after three missed check-ins, an alarm after 30 min where food depends on it.

    Never heard counts as silent since it was registered. What fell into Caretaker's own downtime
    is judged when the backlog has arrived: a gap that is still one then is told as late.
    `gaps` in its state are the times without data, for the unmonitored minutes.
    """

    name = "device_silent"
    version = "2"
    parameters = ("missed", "silent_alarm_min", "other_silent_min")
    timed = True
    downstream_first = False
    linked = frozenset[str]()

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return every device: one that was never heard is silent too."""
        return [item for item in candidates if item.device.status is not DeviceStatus.INTERNAL]

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Judge the gaps between readings, and the age of the newest at `now_ms`."""
        own = subject.own
        limit = silence_ms(subject.device, context.limits)
        verdicts: list[Verdict] = []
        last = int(number(state, "last_ms"))
        registered = subject.device.first_heard_ms
        changed = dict(state)
        for reading in readings:
            at = reading.at_ms
            if reading.point not in own or at <= last or at > now_ms + _FUTURE_MS:
                continue
            known = last or registered
            if known and at - known > limit:
                changed["gaps"] = [*changed.get("gaps", ()), [known, at]][-_GAPS:]
                self._gap(subject, context.limits, verdicts, last=known, to_ms=at)
                say(verdicts, Verdict(Truth.OK, at, since_ms=known, recovered=True))
            last = at
        if readings and last != int(number(state, "last_ms")):
            changed["last_ms"] = last
        last = last or registered
        # One interval after its own start Caretaker knows whether a device still speaks.
        grace = min(limit, max(2 * MINUTE_MS, limit // 3 + _SLACK_MS))
        if now_ms - last > limit and now_ms - context.watching_since_ms > grace:
            self._gap(subject, context.limits, verdicts, last=last, to_ms=now_ms)
        elif not verdicts:
            heard = bool(readings) and now_ms - last <= limit
            verdicts.append(Verdict(Truth.OK, now_ms, recovered=heard))
        bad = verdicts[-1].truth is Truth.BAD
        if bad != bool(state.get("bad")):
            changed["bad"] = bad
        return changed, verdicts

    @staticmethod
    def _gap(
        subject: Subject,
        limits: Mapping[str, float],
        verdicts: list[Verdict],
        *,
        last: int,
        to_ms: int,
    ) -> None:
        """Say that nothing was heard from `last` to `to_ms`: a notice, then an alarm for food."""
        begins = last + silence_ms(subject.device, limits)
        steps = [(begins, Severity.NOTICE)]
        if subject.device.role.holds_food:
            alarm = max(begins, last + round(limits["silent_alarm_min"] * MINUTE_MS))
            steps = [(begins, Severity.NOTICE), (alarm, Severity.ALARM)]
        due = [(at, severity) for at, severity in steps if at <= to_ms]
        for number_, (at, severity) in enumerate(due):
            newest = to_ms if number_ == len(due) - 1 else at
            say(
                verdicts,
                Verdict(
                    Truth.BAD,
                    at,
                    severity=severity,
                    since_ms=last,
                    evidence={
                        "last_ms": last,
                        "silent_min": round((newest - last) / MINUTE_MS),
                    },
                ),
            )


def silence_ms(device: Device, limits: Mapping[str, float]) -> int:
    """Return after how long without a reading a device counts as silent [ms]."""
    missed = round(limits["missed"])
    if device.role.holds_food:
        return missed * (device.interval_s or _COLD_DEFAULT_S) * 1000 + _SLACK_MS
    own = missed * device.interval_s * 1000 + _SLACK_MS
    return max(own, round(limits["other_silent_min"] * MINUTE_MS))


def usual_silence_ms(device: Device) -> int:
    """Return a device's silence limit by the profiles' common numbers and its own [ms]."""
    usual = {name: number_.value for name, number_ in numbers_of((BASE,), "*").items()}
    return silence_ms(device, usual | device.limits)


def unmonitored_min(
    gaps: Sequence[Sequence[int]], probes_ms: Sequence[int], *, spacing_h: float
) -> float:
    """Return the minutes of gaps that no manual probe log fills.

    A gap is filled as far as its ends and the probes in it lie at most `spacing_h` apart, with
    one probe at least (rule-book 2.3).

    >>> unmonitored_min([[0, 6 * 3_600_000]], [], spacing_h=4)
    360.0
    >>> unmonitored_min([[0, 6 * 3_600_000]], [3 * 3_600_000], spacing_h=4)
    0.0
    """
    total = 0
    for start, end in gaps:
        marks = [start, *sorted(at for at in probes_ms if start <= at <= end), end]
        if len(marks) == 2:
            total += end - start
            continue
        spans = [b - a for a, b in itertools.pairwise(marks)]
        total += sum(span for span in spans if span > spacing_h * 3_600_000)
    return total / MINUTE_MS
