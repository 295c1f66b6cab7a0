"""A meter that stands still: nothing counted on two school days (rule-book 4.2, W7)."""

from collections.abc import Sequence

from alerting.port import Context, State, Subject, Verdict
from alerting.rules.memory import number
from caretaker.calendar import SchoolCalendar
from caretaker.quantities import QUANTITIES
from caretaker.vocabulary import DeviceRole, Reading, Severity, Truth
from ingest.checks import stands_still

_REGISTERS = {DeviceRole.ELECTRICITY: "energy", DeviceRole.WATER: "volume"}
_REMEMBERED = 12
_USUAL = 5
"""A meter is missed only if it moved on so many school days before: irrigation rests in winter."""
_HEARD = 2
_SAME = 1e-9


class MeterStill:
    """BAD when a register that moves on school days did not move on the last of them (W7).

    A day counts when the meter was heard twice in opening hours: a silent meter is another
    matter. Recovered with the first movement, whenever it comes.
    """

    name = "meter_still"
    version = "1"
    parameters = ("still_days",)
    timed = False
    downstream_first = False
    linked = frozenset[str]()

    def __init__(self, *, calendar: SchoolCalendar) -> None:
        self._calendar = calendar

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return meters with a register."""
        return [subject for subject in candidates if _register(subject)[0]]

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Note movement as it comes, and judge each day when the next one is heard."""
        del now_ms
        point, quantity = _register(subject)
        state = dict(state)
        verdicts: list[Verdict] = []
        last = number(state, "at_ms")
        opens, closes = number(state, "open_ms"), number(state, "close_ms")
        for reading in readings:
            at = reading.at_ms
            if reading.point != point or at <= last:
                continue
            if at >= number(state, "day_end_ms"):
                self._turn(state, at, quantity, context, verdicts)
                opens, closes = number(state, "open_ms"), number(state, "close_ms")
            state["at_ms"] = last = at
            if opens <= at < closes:
                state["heard"] = number(state, "heard") + 1
            before = state.get("value")
            if before is not None and abs(reading.value - before) <= _SAME:
                state["held"] = False
                continue
            if reading.value == 0.0 and before and not state.get("held"):
                state["held"] = True  # a momentary zero is no movement (C17)
                continue
            state["held"], state["value"], state["moved_ms"] = False, reading.value, at
            if before is not None:
                state["moved"] = True
            if state.get("bad"):
                state["bad"] = None
                verdicts.append(Verdict(Truth.OK, at, recovered=True))
        return state, verdicts

    def _turn(
        self, state: State, at: int, quantity: str, context: Context, verdicts: list[Verdict]
    ) -> None:
        """Close the day that is over, judge, and begin the day of `at`."""
        days = int(context.limits["still_days"])
        past = state.get("days", ())
        if number(state, "heard") >= _HEARD:
            past = [*past, 1.0 if state.get("moved") else 0.0][-_REMEMBERED:]
        before = past[:-days]
        usual = len(before) >= _USUAL and all(before[-_USUAL:])
        if usual and stands_still(past, days=days):
            state["bad"] = int(number(state, "moved_ms"))
        if state.get("bad"):
            evidence: dict[str, float | int | str] = {
                "days": len(past)
                - max((n + 1 for n, moved in enumerate(past) if moved), default=0),
                "value": round(number(state, "value"), 3),
                "unit": QUANTITIES[quantity].unit.replace("m3", "m³"),
            }
            verdicts.append(
                Verdict(
                    Truth.BAD,
                    at,
                    severity=Severity.NOTICE,
                    since_ms=int(number(state, "bad")),
                    evidence=evidence,
                )
            )
        day = self._calendar.day_of(at)
        opens, closes = self._calendar.open_hours(day) or (0, 0)
        state.update(
            days=past,
            moved=False,
            heard=0,
            open_ms=opens,
            close_ms=closes,
            day_end_ms=self._calendar.bounds(day)[1],
        )


def _register(subject: Subject) -> tuple[int, str]:
    """Return a meter's register as (point, quantity), (0, '') where there is none."""
    quantity = _REGISTERS.get(subject.device.role, "")
    for point in subject.points:
        if point.quantity == quantity and not point.channel:
            return point.id, quantity
    return 0, ""
