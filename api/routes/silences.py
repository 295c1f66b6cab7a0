"""Silences, maintenance windows, who is on call, and drills."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from alerting.notify.oncall import on_call
from api import schemas
from api.guard import Operator, Parts, RefusedError, Viewer
from caretaker.vocabulary import Severity
from storage import drills as drill_records
from storage import silences

router = APIRouter(tags=["alerts"])

Number = Annotated[int, Path(ge=1, le=2**53)]


def _out(item: silences.Silence, now_ms: int) -> schemas.Silence:
    ended = item.ended_ms is not None or item.ends_ms <= now_ms
    return schemas.Silence(
        id=item.id,
        kind=item.kind,
        device=item.device,
        building=item.building,
        rule=item.rule,
        severity=item.severity.value,
        author=item.author,
        reason=item.reason,
        food_at=item.food_at,
        starts_ms=item.starts_ms,
        ends_ms=item.ended_ms or item.ends_ms,
        in_force=not ended and item.starts_ms <= now_ms,
    )


@router.get("/silences")
def list_silences(parts: Parts, role: Viewer) -> schemas.SilenceList:
    """Return silences and maintenance windows, the newest first."""
    del role
    now_ms = parts.clock.now_ms()
    with parts.journal.reader() as connection:
        found = silences.listing(connection)
    return schemas.SilenceList(items=[_out(item, now_ms) for item in found])


@router.post("/silences", responses={422: {"model": schemas.Refusal}})
def silence(body: schemas.SilenceRequest, parts: Parts, role: Operator) -> schemas.Silence:
    """Hold notifications for a while: critical at most 4 h, alarms 24 h, maintenance 8 h.

    Where food is kept, `food_at` must say where it is meanwhile.
    """
    now_ms = parts.clock.now_ms()
    try:
        made = parts.journal.call(
            lambda connection: silences.add(
                connection,
                kind=body.kind,
                severity=Severity(body.severity),
                author=f"{body.author} ({role.name.lower()})",
                reason=body.reason,
                starts_ms=body.starts_ms,
                ends_ms=body.ends_ms,
                now_ms=now_ms,
                device=body.device,
                building=body.building,
                rule=body.rule,
                food_at=body.food_at,
            )
        )
    except silences.SilenceRefusedError as error:
        raise RefusedError(
            422, "not_silenced", str(error), "Change it and send it again."
        ) from None
    parts.devices_changed()
    return _out(made, now_ms)


@router.post("/silences/{silence}/end", responses={404: {"model": schemas.Refusal}})
def end(silence: Number, parts: Parts, role: Operator) -> schemas.Silence:
    """End one before its time; what it held is told."""
    now_ms = parts.clock.now_ms()
    try:
        found = parts.journal.call(
            lambda connection: silences.end(
                connection, silence, actor=role.name.lower(), now_ms=now_ms
            )
        )
    except KeyError:
        raise RefusedError(
            404, "not_found", "There is no such silence.", "GET /silences lists them."
        ) from None
    parts.devices_changed()
    return _out(found, now_ms)


@router.get("/on-call")
def who_is_on_call(
    parts: Parts, role: Viewer, at_ms: Annotated[int, Query(ge=0, le=2**45)] = 0
) -> schemas.OnCall:
    """Return who would be called now, or at another time, by level."""
    del role
    at_ms = at_ms or parts.clock.now_ms()
    levels = sorted({person.level for person in parts.site.people})
    rows = []
    for level in levels:
        people, why = on_call(parts.site, parts.calendar, levels=(level,), now_ms=at_ms)
        names = [person.name or person.id for person in people]
        rows.append(schemas.OnCallLevel(level=level, people=names, why=why))
    return schemas.OnCall(at_ms=at_ms, levels=rows)


@router.get("/drills")
def list_drills(parts: Parts, role: Viewer) -> schemas.DrillList:
    """Return drills, the newest first, with their times against the 30-minute promise."""
    del role
    with parts.journal.reader() as connection:
        return schemas.DrillList(
            items=[schemas.Drill.model_validate(row) for row in drill_records.listing(connection)]
        )


@router.post("/drills", responses={409: {"model": schemas.Refusal}})
def begin_drill(body: schemas.DrillRequest, parts: Parts, role: Operator) -> schemas.Drill:
    """Begin a labelled fault that runs through the real chain to the real people."""
    if parts.drills is None:
        raise RefusedError(409, "not_running", "Alerts are not at work.", "Start Caretaker.")
    try:
        made = parts.drills.begin(
            body.scenario, unit=body.unit, author=f"{body.author} ({role.name.lower()})"
        )
    except drill_records.DrillRefusedError as error:
        raise RefusedError(409, "no_drill", str(error), "See the message.") from None
    return schemas.Drill.model_validate(made)
