"""Incidents: what is wrong, what was done about it."""

import sqlite3
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from api import incident_view, schemas
from api.guard import Operator, Parts, RefusedError, Viewer
from api.services import Services
from storage import incidents

router = APIRouter(tags=["incidents"], prefix="/incidents")

Number = Annotated[int, Path(ge=1, le=2**53)]
_UNKNOWN = RefusedError(
    404, "not_found", "There is no such incident.", "GET /incidents lists them."
)


def _found(parts: Services, incident: int) -> schemas.IncidentDetail:
    with parts.journal.reader() as connection:
        item = incidents.find(connection, incident)
        if item is None:
            raise _UNKNOWN
        return incident_view.detail(connection, item, site=parts.site, now_ms=parts.clock.now_ms())


@router.get("")
def list_incidents(
    parts: Parts,
    role: Viewer,
    state: Literal["open", "closed", "all"] = "open",
    severity: Literal["", "notice", "alarm", "critical"] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    before: Annotated[int, Query(ge=0, le=2**53, description="continue below this id")] = 0,
) -> schemas.IncidentList:
    """Return incidents, newest first."""
    del role
    with parts.journal.reader() as connection:
        return schemas.IncidentList(
            items=incident_view.listing(
                connection,
                site=parts.site,
                state=state,
                severity=severity,
                before=before,
                limit=limit,
            )
        )


@router.get("/{incident}", responses={404: {"model": schemas.Refusal}})
def incident(incident: Number, parts: Parts, role: Viewer) -> schemas.IncidentDetail:
    """Return an incident with its history, notifications and chart."""
    del role
    return _found(parts, incident)


@router.get("/{incident}/why", responses={404: {"model": schemas.Refusal}})
def why(incident: Number, parts: Parts, role: Viewer) -> schemas.Why:
    """Say why people were, or were not, told of an incident: each stage's word, each delivery."""
    del role
    with parts.journal.reader() as connection:
        if incidents.find(connection, incident) is None:
            raise _UNKNOWN
        return incident_view.why(connection, incident)


@router.post("/{incident}/acknowledge", responses={404: {"model": schemas.Refusal}})
def acknowledge(
    incident: Number, body: schemas.Note, parts: Parts, role: Operator
) -> schemas.IncidentDetail:
    """Take an incident on; one that recovered already is closed by it."""
    now_ms = parts.clock.now_ms()
    actor = role.name.lower()
    _change(
        parts,
        lambda connection: incidents.acknowledge(
            connection, incident, actor=actor, note=body.note, now_ms=now_ms
        ),
    )
    return _found(parts, incident)


@router.post("/{incident}/note", responses={404: {"model": schemas.Refusal}})
def note(
    incident: Number, body: schemas.NoteText, parts: Parts, role: Operator
) -> schemas.IncidentDetail:
    """Add a person's words to the history."""
    now_ms, actor = parts.clock.now_ms(), role.name.lower()
    _change(
        parts,
        lambda connection: incidents.note(
            connection, incident, actor=actor, text=body.text, now_ms=now_ms
        ),
    )
    return _found(parts, incident)


@router.post("/{incident}/close", responses={404: {"model": schemas.Refusal}})
def close(
    incident: Number, body: schemas.CloseReason, parts: Parts, role: Operator
) -> schemas.IncidentDetail:
    """Close an incident by a person's decision; the reason is kept."""
    now_ms, actor = parts.clock.now_ms(), role.name.lower()
    _change(
        parts,
        lambda connection: incidents.close(
            connection, incident, actor=actor, reason=body.reason, now_ms=now_ms
        ),
    )
    return _found(parts, incident)


def _change(parts: Services, work: Callable[[sqlite3.Connection], object]) -> None:
    try:
        parts.journal.call(work)
    except KeyError as error:
        raise _UNKNOWN from error
    parts.devices_changed()
