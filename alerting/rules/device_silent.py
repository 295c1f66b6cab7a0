"""A device that stopped talking: silence is an alert, and never an all-clear (rule-book 2.3)."""

from collections.abc import Sequence

from alerting.port import State, Subject, Verdict
from caretaker.clock import HOUR_MS, MINUTE_MS
from caretaker.vocabulary import DeviceStatus, Reading, Severity, Truth

_MISSED = 3  # check-ins in a row
_COLD_DEFAULT_S = 300
_OTHER_MIN_MS = HOUR_MS
_SLACK_MS = MINUTE_MS
_FUTURE_MS = 5 * MINUTE_MS  # as far ahead as a device's clock is believed (ingest/times.py)


class DeviceSilent:
    """BAD after three missed check-ins; recovered by the next reading.

    Only time during which Caretaker itself was listening counts: `watching_since_ms` is set when
    it starts, so that its own pause does not accuse every device.
    """

    name = "device_silent"
    version = "1"
    downstream_first = False

    def __init__(self) -> None:
        self.watching_since_ms = 0

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return every device: one that was never heard is silent too."""
        return [item for item in candidates if item.device.status is not DeviceStatus.INTERNAL]

    @staticmethod
    def limit_ms(subject: Subject) -> int:
        """Return after how long without a reading a device counts as silent [ms]."""
        interval_s = subject.device.interval_s
        if subject.device.role.cold:
            return _MISSED * (interval_s or _COLD_DEFAULT_S) * 1000 + _SLACK_MS
        return max(_MISSED * interval_s * 1000 + _SLACK_MS, _OTHER_MIN_MS)

    def step(
        self, subject: Subject, *, state: State, readings: Sequence[Reading], now_ms: int
    ) -> tuple[State, list[Verdict]]:
        """Judge the age of the newest reading at `now_ms`."""
        last = int(state.get("last_ms") or subject.device.first_heard_ms or 0)
        newest = max((r.at_ms for r in readings if r.at_ms <= now_ms + _FUTURE_MS), default=0)
        if newest > last:
            last = newest
            state = {"last_ms": last}
        age = now_ms - max(last, self.watching_since_ms)
        cold = subject.device.role.cold
        if age > self.limit_ms(subject):
            return state, [
                Verdict(
                    Truth.BAD,
                    now_ms,
                    severity=Severity.ALARM if cold else Severity.NOTICE,
                    since_ms=last,
                    evidence={"last_ms": last, "silent_min": round((now_ms - last) / MINUTE_MS)},
                )
            ]
        heard = bool(readings) and now_ms - last <= self.limit_ms(subject)
        return state, [Verdict(Truth.OK, now_ms, recovered=heard)]
