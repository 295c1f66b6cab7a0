"""What somebody silenced, with a name, a reason and an end."""

from alerting.notify.port import HOLD, PASS, Matter, Ruling, World
from storage.silences import RANK, Silence

STAGE = "silence"


def silence(matter: Matter, world: World) -> Ruling:
    """Hold what a silence in force covers; the end of one is told in any case."""
    if matter.occasion in {"resolved", "acknowledged"}:
        return Ruling(STAGE, PASS, "it ends what was told")
    for item in world.silences:
        if item.starts_ms <= matter.now_ms < item.ends_ms and covers(item, matter):
            return Ruling(
                STAGE,
                HOLD,
                f"{item.kind} by {item.author}: {item.reason}",
                {"silence": item.id, "until_ms": item.ends_ms},
            )
    return Ruling(STAGE, PASS, "not silenced")


def covers(item: Silence, matter: Matter) -> bool:
    """Return whether a silence is about this matter."""
    incident = matter.incident
    return (
        RANK[incident.severity] <= RANK[item.severity]
        and (not item.device or item.device == incident.device)
        and (not item.building or item.building == matter.building)
        and (not item.rule or item.rule == incident.rule)
    )
