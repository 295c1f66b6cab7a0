"""Who hears of it, and where: on-call people by their first channel, the rest by severity."""

from dataclasses import dataclass

from alerting.notify.oncall import on_call
from alerting.notify.port import DROP, PASS, Matter, Ruling, World
from caretaker.config import ChannelSettings, Person, SiteSettings

STAGE = "route"
CANARY_CHANNEL = "(canary)"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A channel, and the person it reaches there; '' when the channel itself is meant."""

    channel: str
    person: str = ""
    level: int = 0


def route(matter: Matter, world: World) -> tuple[Ruling, list[Recipient]]:
    """Return who is told."""
    if matter.incident.kind == "canary":
        return Ruling(STAGE, PASS, "the canary's own sink"), [Recipient(CANARY_CHANNEL)]
    if matter.occasion in {"resolved", "acknowledged"}:
        found, why = _told(matter, world), "those who were told of it"
    else:
        found, why = _called(matter, world)
    if not found:
        return Ruling(STAGE, DROP, f"nobody to tell ({why})"), []
    names = [f"{item.channel}/{item.person}" if item.person else item.channel for item in found]
    return Ruling(STAGE, PASS, why, {"to": names, "levels": list(matter.levels)}), found


def _called(matter: Matter, world: World) -> tuple[list[Recipient], str]:
    site, severity = world.site, matter.incident.severity.value
    used = {name for person in site.people for name in person.contacts}
    # Sirens, lamps, other programs: told once a call, not again at each level.
    found = [
        Recipient(channel.name)
        for channel in site.channels
        if channel.name not in used and severity in channel.severities and matter.occasion != "tier"
    ]
    if not site.people:
        return found, "every channel that takes this severity"
    people, why = on_call(site, world.calendar, levels=matter.levels, now_ms=matter.now_ms)
    found += [
        Recipient(first_channel(person, site, severity), person.id, person.level)
        for person in people
    ]
    return found, why


def first_channel(person: Person, site: SiteSettings, severity: str) -> str:
    """Return the person's first channel that takes this severity; failing that, the first."""
    takes = {c.name for c in site.channels if severity in c.severities}
    return next((n for n in person.contacts if n in takes), next(iter(person.contacts)))


def next_channel(person: Person, after: str) -> str:
    """Return the person's channel after one that did not get through, or ''."""
    names = list(person.contacts)
    at = names.index(after) + 1 if after in names else 0
    return names[at] if at < len(names) else ""


def _told(matter: Matter, world: World) -> list[Recipient]:
    rows = world.connection.execute(
        "SELECT DISTINCT channel, person, level FROM outbox WHERE incident = ?"
        " AND kind NOT IN ('resolved', 'acknowledged') ORDER BY channel, person",
        (matter.incident.id,),
    )
    kinds = {channel.name: channel for channel in world.site.channels}
    return [
        Recipient(*row)
        for row in rows
        if matter.occasion == "resolved" or _switches(kinds.get(row[0]))
    ]


def _switches(channel: ChannelSettings | None) -> bool:
    """Return whether a channel drives a thing that must fall silent when somebody takes it on."""
    return channel is not None and channel.kind == "mqtt"
