"""What only several messages of a device tell: its clock's constant error, a sensor just awake."""

from collections import OrderedDict, deque
from collections.abc import Mapping

from msgspec.structs import replace

from caretaker.clock import MINUTE_MS
from caretaker.vocabulary import Arrival, Measured, Quality
from ingest.checks import RATE_LIMITS, clock_offset
from ingest.quality import POWER_ON_C

# By quality: whether the time is the device's own, of now.
_OWN = tuple(
    not quality & (Quality.NO_CLOCK | Quality.CLOCK | Quality.RETAINED)
    for quality in range(1 << len(Quality))
)
_SUSPECT = tuple(bool(quality & Quality.SUSPECT) for quality in range(1 << len(Quality)))
_DOUBTED = tuple(
    bool(quality & (Quality.SUSPECT | Quality.RETAINED)) for quality in range(1 << len(Quality))
)
_LATE_MS = 10 * MINUTE_MS  # a delay like this is ordinary: no clock is suspected
_HEARD = 5
_WITHIN = 0.6  # of the offset: a device that merely reports late sends as slowly as it is late
_FRESH_MS = 30 * MINUTE_MS
_MOST = 20_000


class Vetting:
    """Corrects times by a known constant error, and clears 85.0 degC that was reached step by step.

    `memory` holds what is known of clocks from before the start, `clock:<device>` -> ms.
    """

    def __init__(self, memory: Mapping[str, bytes]) -> None:
        self._memory = memory
        self._errors: OrderedDict[str, deque[tuple[int, int]]] = OrderedDict()
        self._temperatures: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def vet(self, arrival: Arrival) -> Arrival:
        """Return the arrival as it is to be stored."""
        measured = arrival.measured
        if not measured or not arrival.device:
            return arrival
        if _OWN[measured[0].quality]:
            arrival = self._timed(arrival)
        for item in measured:
            if item.quantity == "temperature":
                return self._warmed(arrival)
        return arrival

    def _timed(self, arrival: Arrival) -> Arrival:
        device, at_ms = arrival.device, arrival.measured[0].at_ms
        key = "clock:" + device
        told = self._memory.get(key)
        known = int(told) if told else 0
        error_ms = at_ms - arrival.received_ms
        if not known and error_ms > -_LATE_MS:
            if self._errors:
                self._errors.pop(device, None)
            return arrival
        if known and error_ms > known + MINUTE_MS:  # its clock was set: it is less behind
            return replace(arrival, knowledge=(*arrival.knowledge, (key, b"")))
        if not known:
            known = self._learn(arrival, error_ms)
            if not known:
                return arrival
            arrival = replace(arrival, knowledge=(*arrival.knowledge, (key, b"%d" % known)))
        moved = tuple(
            replace(item, at_ms=item.at_ms - known, quality=item.quality | Quality.CLOCK)
            for item in arrival.measured
        )
        return replace(arrival, measured=moved)

    def _learn(self, arrival: Arrival, error_ms: int) -> int:
        """Return the constant error that the last messages of a device agree on, or 0."""
        device = arrival.device
        if len({item.at_ms for item in arrival.measured}) > 1:
            return 0  # a batch from a buffer is late, not wrong
        seen = self._errors.get(device)
        if seen is None:
            seen = self._errors[device] = deque(maxlen=_HEARD)
            if len(self._errors) > _MOST:
                self._errors.popitem(last=False)
        seen.append((error_ms, arrival.received_ms))
        offset = clock_offset([error for error, _ in seen], least=_HEARD)
        span_ms = seen[-1][1] - seen[0][1]
        return offset if offset and 0 < span_ms <= _WITHIN * abs(offset) else 0

    def _warmed(self, arrival: Arrival) -> Arrival:
        """Keep 85.0 suspect after power-on or a jump; let it pass where the way there was seen."""
        changed: list[Measured] | None = None
        for index, item in enumerate(arrival.measured):
            if item.quantity != "temperature":
                continue
            key = (arrival.device, item.channel)
            before = self._temperatures.get(key)
            if item.value == POWER_ON_C and _SUSPECT[item.quality]:
                if before is None or not _reached(before, item):
                    continue
                item = replace(item, quality=item.quality & ~Quality.SUSPECT)  # noqa: PLW2901
                changed = changed or list(arrival.measured)
                changed[index] = item
            if not _DOUBTED[item.quality]:
                self._temperatures[key] = (item.at_ms, item.value)
                if len(self._temperatures) > _MOST:
                    self._temperatures.popitem(last=False)
        return arrival if changed is None else replace(arrival, measured=tuple(changed))


def _reached(before: tuple[int, float], item: Measured) -> bool:
    span_ms = item.at_ms - before[0]
    if not 0 < span_ms <= _FRESH_MS:
        return False
    return abs(item.value - before[1]) <= RATE_LIMITS["temperature"] * span_ms / MINUTE_MS
