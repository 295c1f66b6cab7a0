"""Quiet hours: what can wait until morning waits; critical and cold storage never do."""

from datetime import time

from alerting.notify.port import HOLD, PASS, Matter, Ruling, World
from caretaker.clock import from_ms
from caretaker.vocabulary import Severity

STAGE = "quiet"


def inside(now: time, start: time, end: time) -> bool:
    """Return whether a time of day lies in [start, end), past midnight when end < start.

    >>> night = (time(22), time(6, 30))
    >>> [inside(time(h), *night) for h in (21, 23, 5, 7)], inside(time(5), time(0), time(0))
    ([False, True, True, False], False)
    """
    if start <= end:
        return start <= now < end
    return now >= start or now < end


def quiet(matter: Matter, world: World) -> Ruling:
    """Hold notices, and alarms that are not of cold storage, until the hours end."""
    hours = world.site.quiet
    now = from_ms(matter.now_ms).astimezone(world.site.zone).time()
    if not inside(now, hours.start, hours.end):
        return Ruling(STAGE, PASS, "not in quiet hours")
    if matter.incident.severity is Severity.CRITICAL:
        return Ruling(STAGE, PASS, "critical is never held")
    if matter.cold:
        return Ruling(STAGE, PASS, "cold storage is never held")
    return Ruling(STAGE, HOLD, "quiet hours", {"until": f"{hours.end:%H:%M}"})
