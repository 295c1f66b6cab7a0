"""Turns what waits in the outbox into the words of one message."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence

from alerting.notify.digest import Bundle
from alerting.port import Notification
from alerting.texts import digest_text, plain, render
from caretaker.config import SiteSettings
from caretaker.vocabulary import Device, Severity
from storage import devices as device_records
from storage import incidents
from storage.incidents import DRILL, Incident
from storage.notes import note_text
from storage.outbox import Waiting

_RANK = {Severity.NOTICE: 0, Severity.ALARM: 1, Severity.CRITICAL: 2}


class Composer:
    """Writes messages in the site's language, from the journal as it stands."""

    def __init__(self, site: SiteSettings, *, link: str, sign: Callable[[int, str], str]) -> None:
        self._site = site
        self._link = link.rstrip("/")
        self._sign = sign
        self._people = {person.id: person for person in site.people}

    def compose(
        self, connection: sqlite3.Connection, bundle: Bundle, *, most_bytes: int = 0
    ) -> tuple[Notification, tuple[Waiting, ...]]:
        """Return the message, and what of a digest did not fit into it."""
        first = bundle.items[0]
        if bundle.digest:
            return self._digest(connection, bundle.items, most_bytes=most_bytes)
        if not first.incident:
            title, body = note_text(connection, first.kind)
            return self._made(bundle.items, title, body, severity=Severity.NOTICE, calling=0), ()
        incident = incidents.need(connection, first.incident)
        device = device_records.find(connection, incident.device)
        title, body = render(
            lang=self._site.lang,
            rule=incident.rule,
            kind=first.kind,
            device=self.place(incident, device),
            since_ms=incident.since_ms,
            zone=self._site.zone,
            evidence=incident.evidence,
            drill=incident.kind == DRILL,
            by=self.name(incident.acknowledged_by),
        )
        made = self._made(
            bundle.items, title, body, severity=incident.severity, calling=_calling(connection)
        )
        return made, ()

    def name(self, person: str) -> str:
        """Return what somebody is called."""
        found = self._people.get(person)
        return plain((found.name or found.id) if found else person)

    def place(self, incident: Incident, device: Device | None) -> str:
        """Return what people call the thing or the place an incident is about."""
        if device is not None:
            return device.name or device.key
        kind, _, name = incident.scope.partition(":")
        if kind == "building":
            return next((b.name for b in self._site.buildings if b.id == name), name)
        return name or self._site.name

    def _made(
        self,
        items: Sequence[Waiting],
        title: str,
        body: str,
        *,
        severity: Severity,
        calling: int,
        kind: str = "",
    ) -> Notification:
        first = items[0]
        people = [self._people[item.person] for item in items if item.person in self._people]
        contacts = [person.contacts.get(first.channel, "") for person in people]
        return Notification(
            id=first.id,
            incident=first.incident,
            kind=kind or first.kind,
            severity=severity,
            title=title,
            body=body,
            lang=self._site.lang,
            link=self._address(first, kind, people[0].id if len(people) == 1 else ""),
            key=first.key,
            recipients=tuple(dict.fromkeys(contact for contact in contacts if contact)),
            calling=calling,
        )

    def _address(self, item: Waiting, kind: str, person: str) -> str:
        if not self._link or not item.incident:
            return ""
        if kind == "digest":
            return f"{self._link}/incidents"
        token = "" if item.kind == "resolved" else self._sign(item.incident, person)
        return f"{self._link}/a/{token}" if token else f"{self._link}/incidents/{item.incident}"

    def _digest(
        self, connection: sqlite3.Connection, items: Sequence[Waiting], *, most_bytes: int
    ) -> tuple[Notification, tuple[Waiting, ...]]:
        """Name every incident in a line; what does not fit goes in the next message."""
        lines: dict[tuple[int, str], str] = {}
        taken: list[Waiting] = []
        left: list[Waiting] = []
        gravest = Severity.NOTICE
        size = 0
        devices: Mapping[int, Device] = {}
        for item in items:
            key = (item.incident, item.kind)
            if key not in lines:
                line, severity = self._line(connection, item, devices)
                size += len(line.encode()) + 1
                if left or (most_bytes and lines and size > most_bytes - 300):
                    left.append(item)
                    continue
                lines[key] = line
                if _RANK[severity] > _RANK[gravest]:
                    gravest = severity
            elif left and key not in lines:
                left.append(item)
                continue
            taken.append(item)
        title, body = digest_text(list(lines.values()), lang=self._site.lang, more=len(left))
        calling = _calling(connection)
        made = self._made(taken, title, body, severity=gravest, calling=calling, kind="digest")
        return made, tuple(left)

    def _line(
        self, connection: sqlite3.Connection, item: Waiting, devices: Mapping[int, Device]
    ) -> tuple[str, Severity]:
        if not item.incident:
            return note_text(connection, item.kind)[0], Severity.NOTICE
        incident = incidents.need(connection, item.incident)
        device = devices.get(incident.device) or device_records.find(connection, incident.device)
        title, _ = render(
            lang=self._site.lang,
            rule=incident.rule,
            kind=item.kind,
            device=self.place(incident, device),
            since_ms=incident.since_ms,
            zone=self._site.zone,
            evidence=incident.evidence,
            drill=incident.kind == DRILL,
            severity=incident.severity.value,
        )
        return title, incident.severity


def _calling(connection: sqlite3.Connection) -> int:
    """Return how many incidents wait for somebody to take them on."""
    row = connection.execute(
        "SELECT count(*) FROM incident WHERE state = 'firing' AND kind <> 'canary'"
        " AND severity <> 'notice'"
    ).fetchone()
    return int(row[0])
