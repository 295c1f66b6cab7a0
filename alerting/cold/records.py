"""What people wrote down of a unit, as a rule needs it while time passes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from alerting.port import Context, State
from alerting.rules.memory import number
from caretaker.clock import MINUTE_MS
from caretaker.vocabulary import Reading
from storage.unit_records import RecordKind, UnitRecord

Span = tuple[int, int]
_OPEN = 2**62


@dataclass(frozen=True, slots=True)
class Tapped:
    """A unit's states as spans [ms UTC], and what happened at instants, in time order.

    `receiving` and `cleaning` end at their ceiling, whatever was forgotten: from then on the
    alarm counts again.
    """

    receiving: tuple[Span, ...] = ()
    cleaning: tuple[Span, ...] = ()
    decommissioned: tuple[Span, ...] = ()
    planned: tuple[Span, ...] = ()
    events: tuple[UnitRecord, ...] = ()

    @classmethod
    def of(cls, context: Context) -> "Tapped":
        """Return the states that a context's records tell of."""
        if not context.records:
            return _NOTHING
        limits = context.limits
        ceilings = {
            RecordKind.RECEIVING: round(limits.get("receiving_max_min", 30) * MINUTE_MS),
            RecordKind.CLEANING: round(limits.get("cleaning_max_min", 60) * MINUTE_MS),
        }
        spans: dict[RecordKind, list[Span]] = {}
        events: list[UnitRecord] = []
        for record in context.records:
            end = _OPEN if record.until_ms is None else record.until_ms
            if record.kind in ceilings:
                end = min(end, record.at_ms + ceilings[record.kind])
            if record.kind in (RecordKind.PROBE, RecordKind.DISPOSITION, RecordKind.CALIBRATION):
                events.append(record)
            else:
                spans.setdefault(record.kind, []).append((record.at_ms, end))
        return cls(
            receiving=tuple(spans.get(RecordKind.RECEIVING, ())),
            cleaning=tuple(spans.get(RecordKind.CLEANING, ())),
            decommissioned=tuple(spans.get(RecordKind.DECOMMISSIONED, ())),
            planned=tuple(spans.get(RecordKind.PLANNED_OUTAGE, ())),
            events=tuple(sorted(events, key=lambda r: (r.at_ms, r.id))),
        )

    def pending(self, state: State) -> list[UnitRecord]:
        """Return what happened after the last event that the state has taken."""
        if not self.events:
            return []
        last = number(state, "event_ms", -1.0)
        seen = number(state, "event_id")
        return [r for r in self.events if (r.at_ms, r.id) > (last, seen)]

    def forgiven(self, at_ms: int) -> bool:
        """Return whether a delivery is put away or the unit is cleaned, within the ceiling."""
        return within(self.receiving, at_ms) or within(self.cleaning, at_ms)


_NOTHING = Tapped()


def within(spans: Sequence[Span], at_ms: int) -> bool:
    """Return whether an instant lies in one of the spans.

    >>> within(((10, 20),), 20)
    False
    """
    return any(start <= at_ms < end for start, end in spans)


def took(state: State, record: UnitRecord) -> None:
    """Remember that an event has been taken."""
    state["event_ms"], state["event_id"] = record.at_ms, record.id


def timeline(
    state: State,
    readings: Sequence[Reading],
    tapped: Tapped,
    now_ms: int,
    event: Callable[[UnitRecord], None],
) -> Iterator[Reading]:
    """Hand out readings, letting `event` take what people recorded in between, in time order."""
    pending = tapped.pending(state)
    for reading in readings:
        while pending and pending[0].at_ms <= reading.at_ms:
            event(pending.pop(0))
        yield reading
    while pending and pending[0].at_ms <= now_ms:
        event(pending.pop(0))
