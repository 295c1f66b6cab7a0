"""What is over does not wake anybody: late findings go to the log, food in danger never does."""

from alerting.notify.port import DROP, PASS, Matter, Ruling, World
from caretaker.clock import MINUTE_MS
from caretaker.vocabulary import Severity

STAGE = "late"
_LATE_MS = 30 * MINUTE_MS  # rule-book 9.4


def late(matter: Matter, world: World) -> Ruling:
    """Drop a finding whose newest bad reading is older than 30 min, unless food may be spoilt."""
    del world
    age_ms = matter.now_ms - matter.seen_ms
    detail: dict[str, object] = {"age_min": round(age_ms / MINUTE_MS)}
    if matter.occasion not in {"opened", "escalated"} or not matter.seen_ms or age_ms <= _LATE_MS:
        return Ruling(STAGE, PASS, "in time")
    if matter.cold and matter.incident.severity is Severity.CRITICAL:
        return Ruling(STAGE, PASS, "late, but food may be spoilt", detail)
    return Ruling(STAGE, DROP, "late: only the log keeps it", detail)
