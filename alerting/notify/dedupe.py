"""Nothing is said twice, and no end is told of what was never begun."""

from alerting.notify.port import DROP, PASS, Matter, Ruling, World

STAGE = "dedupe"


def dedupe(matter: Matter, world: World) -> Ruling:
    """Drop an end that nobody waits for; name what is new in the rest."""
    if matter.occasion in {"resolved", "acknowledged"}:
        told = world.connection.execute(
            "SELECT 1 FROM outbox WHERE incident = ? AND kind NOT IN ('resolved', 'acknowledged')"
            " LIMIT 1",
            (matter.incident.id,),
        ).fetchone()
        if told is None:
            return Ruling(STAGE, DROP, "nobody was told of it")
    return Ruling(STAGE, PASS, _NEW[matter.occasion], {"call": matter.call})


_NEW = {
    "opened": "first notification",
    "escalated": "more severe than before",
    "reraised": "acknowledged long ago and still bad",
    "tier": "nobody acknowledged in time",
    "repeat": "nobody acknowledged yet",
    "late": "over before anybody could be told",
    "acknowledged": "somebody took it on",
    "resolved": "recovered",
}
