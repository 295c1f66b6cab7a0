"""Incidents as the API shows them: figures, history, who was told, and the chart that proves it."""

import json
import sqlite3
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from alerting.rule_names import RULE_NAMES
from alerting.texts import render
from api import schemas
from api.cold_view import chart
from caretaker.config import SiteSettings
from caretaker.vocabulary import Severity
from storage import devices as records
from storage import incidents

LANGUAGES = ("zh-CN", "en")
_CHARTS = 5
"""So many of the gravest are shown large enough for a chart on the first page."""
_ORDER = {Severity.CRITICAL: 0, Severity.ALARM: 1, Severity.NOTICE: 2}


def names(connection: sqlite3.Connection) -> dict[int, str]:
    """Return what people call each device."""
    return {device.id: device.name or device.key for device in records.devices(connection)}


def _fields(
    item: incidents.Incident, called: Mapping[int, str], zone: ZoneInfo
) -> dict[str, object]:
    device = called.get(item.device, "") or item.scope.partition(":")[2]
    said = {
        lang: render(
            lang=lang,
            rule=item.rule,
            kind="opened",
            device=device,
            since_ms=item.since_ms,
            zone=zone,
            evidence=item.evidence,
            drill=item.kind == incidents.DRILL,
        )
        for lang in LANGUAGES
    }
    return {
        "titles": {lang: title for lang, (title, _) in said.items()},
        "told": {lang: body for lang, (_, body) in said.items()},
        "rule_names": {lang: RULE_NAMES[lang].get(item.rule, item.rule) for lang in LANGUAGES},
        "id": item.id,
        "rule": item.rule,
        "rule_version": item.rule_version,
        "severity": item.severity.value,
        "state": item.state,
        "device": item.device,
        "device_name": device,
        "since_ms": item.since_ms,
        "opened_ms": item.opened_ms,
        "acknowledged_ms": item.acknowledged_ms,
        "acknowledged_by": item.acknowledged_by,
        "recovered_ms": item.recovered_ms,
        "closed_ms": item.closed_ms,
        "evidence": item.evidence,
    }


def incident_out(
    item: incidents.Incident, called: Mapping[int, str], *, zone: ZoneInfo
) -> schemas.Incident:
    """Return one incident with its newest figures."""
    return schemas.Incident.model_validate(_fields(item, called, zone))


def open_briefs(
    connection: sqlite3.Connection, *, site: SiteSettings, now_ms: int
) -> list[schemas.IncidentBrief]:
    """Return what is open, the gravest first, then the newest; the first bear their chart."""
    called = names(connection)
    opened = incidents.listing(connection, state="open", limit=100)
    opened.sort(
        key=lambda item: (item.state == incidents.RECOVERING, _ORDER[item.severity], -item.id)
    )
    return [
        schemas.IncidentBrief.model_validate(
            _fields(item, called, site.zone)
            | {
                "chart": chart(connection, item, site=site, now_ms=now_ms)
                if place < _CHARTS
                else None,
                "notified": notified(connection, item.id),
            }
        )
        for place, item in enumerate(opened)
    ]


def notified(connection: sqlite3.Connection, incident: int) -> list[str]:
    """Return the channels that took a notification of an incident."""
    rows = connection.execute(
        "SELECT DISTINCT channel FROM outbox WHERE incident = ? AND state = 'delivered'"
        " ORDER BY channel",
        (incident,),
    )
    return [row[0] for row in rows]


def listing(
    connection: sqlite3.Connection,
    *,
    site: SiteSettings,
    state: str,
    severity: str,
    before: int,
    limit: int,
) -> list[schemas.Incident]:
    """Return incidents, newest first."""
    called = names(connection)
    found = incidents.listing(
        connection, state=state, before=before, limit=10_000 if severity else limit
    )
    kept = [item for item in found if not severity or item.severity.value == severity]
    return [incident_out(item, called, zone=site.zone) for item in kept[:limit]]


def detail(
    connection: sqlite3.Connection, item: incidents.Incident, *, site: SiteSettings, now_ms: int
) -> schemas.IncidentDetail:
    """Return an incident with all that happened."""
    rows = connection.execute(
        "SELECT channel, kind, state, created_ms, delivered_ms, attempts, detail FROM outbox"
        " WHERE incident = ? ORDER BY id",
        (item.id,),
    )
    return schemas.IncidentDetail(
        incident=incident_out(item, names(connection), zone=site.zone),
        events=[
            schemas.IncidentEvent(at_ms=e.at_ms, kind=e.kind, actor=e.actor, detail=e.detail)
            for e in incidents.events(connection, item.id)
        ],
        notifications=[
            schemas.Delivery(
                channel=row[0],
                kind=row[1],
                state=row[2],
                created_ms=row[3],
                delivered_ms=row[4],
                attempts=row[5],
                detail=row[6],
            )
            for row in rows
        ],
        chart=chart(connection, item, site=site, now_ms=now_ms),
    )


def why(connection: sqlite3.Connection, incident: int) -> schemas.Why:
    """Return every decision about an incident, and what became of each notification."""
    decisions = connection.execute(
        "SELECT at_ms, occasion, outcome, reason, rulings FROM decision WHERE incident = ?"
        " ORDER BY id",
        (incident,),
    )
    handed = connection.execute(
        "SELECT channel, person, level, kind, state, created_ms, delivered_ms, attempts, detail"
        " FROM outbox WHERE incident = ? ORDER BY id",
        (incident,),
    )
    names = list(schemas.Handed.model_fields)
    return schemas.Why(
        incident=incident,
        decisions=[
            schemas.Decision(
                at_ms=row[0],
                occasion=row[1],
                outcome=row[2],
                reason=row[3],
                rulings=[schemas.Ruling.model_validate(item) for item in json.loads(row[4])],
            )
            for row in decisions
        ],
        deliveries=[
            schemas.Handed.model_validate(dict(zip(names, tuple(row), strict=True)))
            for row in handed
        ],
    )
