"""Who is on call now: levels, shifts, school days and holidays."""

from collections.abc import Sequence
from datetime import timedelta

from alerting.notify.quiet import inside
from caretaker.calendar import DayKind, SchoolCalendar
from caretaker.clock import from_ms
from caretaker.config import Person, Shift, SiteSettings


def on_call(
    site: SiteSettings, calendar: SchoolCalendar, *, levels: Sequence[int], now_ms: int
) -> tuple[list[Person], str]:
    """Return who of these levels is called now, and why.

    A level without anybody on shift is called whole; without anybody at all, the next one above.
    """
    chosen: list[Person] = []
    why: list[str] = []
    for level in levels:
        members = [person for person in site.people if person.level == level]
        working = [p for p in members if _works(p, site.shifts, calendar, now_ms)]
        if working or not members:
            chosen += working
            why.append(f"level {level}: {'on call' if working else 'nobody'}")
        else:
            chosen += members
            why.append(f"level {level}: nobody on shift, so all")
    if not chosen and site.people:
        above = sorted({p.level for p in site.people if p.level > max(levels, default=0)})
        lowest = above[0] if above else max(p.level for p in site.people)
        chosen = [person for person in site.people if person.level == lowest]
        why.append(f"nobody there, so level {lowest}")
    return chosen, "; ".join(why)


def _works(person: Person, shifts: Sequence[Shift], calendar: SchoolCalendar, now_ms: int) -> bool:
    own = [shift for shift in shifts if person.id in shift.people]
    return not own or any(_running(shift, calendar, now_ms) for shift in own)


def _running(shift: Shift, calendar: SchoolCalendar, now_ms: int) -> bool:
    local = from_ms(now_ms).astimezone(calendar.zone)
    day, now = local.date(), local.time()
    if shift.start == shift.end:
        return _on(shift, calendar.kind(day))
    if not inside(now, shift.start, shift.end):
        return False
    # The hours past midnight belong to the evening they began on.
    began = day - timedelta(days=1) if shift.end < shift.start and now < shift.end else day
    return _on(shift, calendar.kind(began))


def _on(shift: Shift, kind: DayKind) -> bool:
    if shift.on == "every":
        return True
    return (kind is DayKind.TEACHING) == (shift.on == "teaching")
