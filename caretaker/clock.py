"""Time as a dependency, so that a simulated day runs in a moment."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
QUARTER_MS = 15 * MINUTE_MS


class Clock(Protocol):
    """Says what time it is."""

    def now_ms(self) -> int:
        """Return the present instant [ms since 1970-01-01 UTC]."""
        ...


class SystemClock:
    """The machine's wall clock."""

    def now_ms(self) -> int:
        """Return the machine's time [ms UTC]."""
        return time.time_ns() // 1_000_000


class ScaledClock:
    """A clock that started at `start_ms` and runs `speed` times as fast as the machine's.

    It stands on the monotonic clock, so a step of the wall clock never moves it.
    """

    def __init__(self, start_ms: int, *, speed: float = 1.0) -> None:
        self.speed = speed
        self._start_ms = start_ms
        self._since_ns = time.monotonic_ns()

    def now_ms(self) -> int:
        """Return the simulated instant [ms UTC]."""
        elapsed_ms = (time.monotonic_ns() - self._since_ns) / 1_000_000
        return self._start_ms + round(elapsed_ms * self.speed)


class StepSensor:
    """Tells by how much a clock was set, ahead or back, since it was last asked.

    What it moved more than the monotonic clock did is a step, from `least_ms` on. A clock whose
    speed was changed is looked at anew.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        least_ms: int = 10 * SECOND_MS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._least_ms = least_ms
        self._monotonic = monotonic
        self._speed, self._offset_ms = self._seen()

    def _seen(self) -> tuple[float, float]:
        speed = float(getattr(self._clock, "speed", 1.0))
        return speed, self._clock.now_ms() - self._monotonic() * 1000 * speed

    def look(self) -> int:
        """Return the step since the last look [ms], 0 when there was none.

        >>> clock = ManualClock(5_000)
        >>> sensor = StepSensor(clock, monotonic=lambda: 0.0)
        >>> clock.advance(-3_600_000)
        >>> sensor.look(), sensor.look()
        (-3600000, 0)
        """
        speed, offset_ms = self._seen()
        step_ms = round(offset_ms - self._offset_ms) if speed == self._speed else 0
        self._speed, self._offset_ms = speed, offset_ms
        return step_ms if abs(step_ms) >= self._least_ms * max(1.0, speed) else 0


@dataclass(slots=True)
class ManualClock:
    """A clock that moves only when told.

    >>> clock = ManualClock(1_000)
    >>> clock.advance(500)
    >>> clock.now_ms()
    1500
    """

    at_ms: int = 0

    def now_ms(self) -> int:
        """Return the instant this clock was last set to [ms UTC]."""
        return self.at_ms

    def advance(self, by_ms: int) -> None:
        """Move forward by `by_ms` [ms]."""
        self.at_ms += by_ms


def to_ms(moment: datetime) -> int:
    """Return an aware datetime as ms since 1970 UTC.

    >>> to_ms(datetime(2026, 9, 1, tzinfo=UTC))
    1788220800000
    """
    if moment.tzinfo is None:
        raise ValueError("a naive datetime has no instant; give it a zone")
    return round(moment.timestamp() * 1_000)


def from_ms(at_ms: int) -> datetime:
    """Return ms since 1970 as an aware UTC datetime.

    >>> from_ms(1788220800000).isoformat()
    '2026-09-01T00:00:00+00:00'
    """
    return datetime.fromtimestamp(at_ms / 1_000, tz=UTC)
