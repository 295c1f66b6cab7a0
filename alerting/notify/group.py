"""What belongs together goes in one message, when several wait for one channel."""

from alerting.notify.port import PASS, Matter, Ruling, World

STAGE = "group"


def group(matter: Matter, world: World) -> Ruling:
    """Name the group; the first of it goes at once, what waits meanwhile goes together."""
    del world
    key = f"{matter.incident.rule}/{matter.building or 'site'}"
    return Ruling(STAGE, PASS, "sent at once; in one digest with others that wait", {"group": key})
