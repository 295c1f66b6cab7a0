"""Food: units at one glance, one-tap states, manual probes, dispositions, corrective actions."""

import sqlite3
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from alerting import late
from api import schemas, unit_view
from api.auth import Role
from api.guard import Operator, Parts, RefusedError, Viewer
from api.schemas import cold
from api.services import Services
from caretaker.clock import DAY_MS, MINUTE_MS
from storage import devices as device_records
from storage import haccp, unit_records
from storage.unit_records import RecordKind

router = APIRouter(tags=["cold"], prefix="/cold")

Number = Annotated[int, Path(ge=1, le=2**53)]
_NO_UNIT = RefusedError(404, "not_found", "There is no such unit.", "GET /cold/units lists them.")
_NO_ACTION = RefusedError(
    404, "not_found", "There is no such corrective action.", "GET /cold/actions lists them."
)
_NO_RECORD = RefusedError(404, "not_found", "There is no such record.", "GET /cold/units/{device}.")
_BACK_MS = 7 * DAY_MS
_AHEAD_MS = 5 * MINUTE_MS
_MISSING: dict[int | str, dict[str, Any]] = {404: {"model": schemas.Refusal}}


@router.get("/units")
def list_units(parts: Parts, role: Viewer) -> cold.UnitList:
    """Return every unit that holds food: how warm, how long is left, what to do, what to tap."""
    del role
    with parts.journal.reader() as connection:
        return cold.UnitList(
            items=unit_view.units(connection, site=parts.site, now_ms=parts.clock.now_ms())
        )


@router.get("/units/{device}", responses=_MISSING)
def unit(device: Number, parts: Parts, role: Viewer) -> cold.UnitDetail:
    """Return a unit with its numbers, records and corrective actions."""
    del role
    return _detail(parts, device)


def _detail(parts: Services, device: int) -> cold.UnitDetail:
    with parts.journal.reader() as connection:
        found = unit_view.detail(connection, device, site=parts.site, now_ms=parts.clock.now_ms())
    if found is None:
        raise _NO_UNIT
    return found


def _author(person: str | None, role: Role) -> str:
    name = (person or "").strip()
    return f"{name} ({role.name.lower()})" if name else role.name.lower()


def _instant(parts: Services, at_ms: int | None) -> int:
    now_ms = parts.clock.now_ms()
    if at_ms is None:
        return now_ms
    if not now_ms - _BACK_MS <= at_ms <= now_ms + _AHEAD_MS:
        raise RefusedError(
            422,
            "bad_time",
            "at_ms lies in the future, or more than a week back.",
            "Leave it out for now.",
        )
    return at_ms


def _write(
    parts: Services,
    device: int,
    *,
    kind: RecordKind,
    at_ms: int,
    author: str,
    until_ms: int | None = None,
    value: float | None = None,
    note: str = "",
    detail: dict[str, object] | None = None,
) -> None:
    now_ms = parts.clock.now_ms()

    def work(connection: sqlite3.Connection) -> None:
        _must_be_unit(connection, device)
        unit_records.add(
            connection,
            device=device,
            kind=kind,
            at_ms=at_ms,
            now_ms=now_ms,
            author=author,
            until_ms=until_ms,
            value=value,
            note=note,
            detail=detail,
        )
        if at_ms < now_ms - MINUTE_MS:
            late.mark(connection, device, from_ms=at_ms, now_ms=now_ms)

    parts.journal.call(work)
    parts.devices_changed()


def _must_be_unit(connection: sqlite3.Connection, device: int) -> None:
    found = device_records.find(connection, device)
    if found is None or not found.role.holds_food:
        raise _NO_UNIT


@router.post("/units/{device}/states", responses=_MISSING)
def begin_state(
    device: Number, body: cold.StateTap, parts: Parts, role: Operator
) -> cold.UnitDetail:
    """Begin a state: a delivery, cleaning, taken out of use, a planned outage.

    Out of use needs to be told where the food went.
    """
    kind = RecordKind(body.kind)
    at_ms = _instant(parts, body.at_ms) if kind is not RecordKind.PLANNED_OUTAGE else (
        body.at_ms or parts.clock.now_ms()
    )  # fmt: skip
    if kind is RecordKind.DECOMMISSIONED and not body.food_went_to.strip():
        raise RefusedError(
            422,
            "food_went_to_missing",
            "A unit is taken out of use only when it is known where its food went.",
            'Send food_went_to, or "empty" when there was none.',
        )
    if body.until_ms is not None and body.until_ms <= at_ms:
        raise RefusedError(422, "bad_time", "until_ms is before the beginning.", "Correct it.")
    author = _author(body.person, role)
    detail: dict[str, object] = {"food_went_to": body.food_went_to} if body.food_went_to else {}
    _write(
        parts,
        device,
        kind=kind,
        at_ms=at_ms,
        author=author,
        until_ms=body.until_ms,
        note=body.note,
        detail=detail,
    )
    if kind is RecordKind.DECOMMISSIONED:
        moved: dict[str, object] = {"disposition": "move", "to": body.food_went_to}
        _write(
            parts,
            device,
            kind=RecordKind.DISPOSITION,
            at_ms=at_ms,
            author=author,
            note=body.note,
            detail=moved,
        )
    return _detail(parts, device)


@router.post("/records/{record}/end", responses=_MISSING)
def end_state(record: Number, body: cold.Ending, parts: Parts, role: Operator) -> cold.UnitDetail:
    """End a state that stands."""
    now_ms = parts.clock.now_ms()
    author = _author(body.person, role)
    try:
        ended = parts.journal.call(
            lambda connection: unit_records.end(
                connection, record, at_ms=now_ms, now_ms=now_ms, author=author
            )
        )
    except KeyError as error:
        raise _NO_RECORD from error
    except ValueError as error:
        raise RefusedError(422, "lasts_not", f"{error}.", "Only states are ended.") from error
    parts.devices_changed()
    return _detail(parts, ended.device)


@router.post("/units/{device}/probes", responses=_MISSING)
def add_probe(
    device: Number, body: cold.ProbeEntry, parts: Parts, role: Operator
) -> cold.UnitDetail:
    """Record a food temperature measured by hand; it counts like a probe's."""
    _write(
        parts,
        device,
        kind=RecordKind.PROBE,
        at_ms=_instant(parts, body.at_ms),
        author=_author(body.person, role),
        value=body.value_c,
        detail={"probe": body.probe, "product": body.product},
    )
    return _detail(parts, device)


@router.post("/units/{device}/calibrations", responses=_MISSING)
def add_calibration(
    device: Number, body: cold.CalibrationEntry, parts: Parts, role: Operator
) -> cold.UnitDetail:
    """Record a calibration; the next is due a year later."""
    _write(
        parts,
        device,
        kind=RecordKind.CALIBRATION,
        at_ms=_instant(parts, body.at_ms),
        author=_author(body.person, role),
        value=body.offset_k,
        note=body.note,
        detail={"reference": body.reference},
    )
    return _detail(parts, device)


@router.get("/actions")
def list_actions(
    parts: Parts,
    role: Viewer,
    device: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    open_only: Annotated[bool, Query(description="only those not closed")] = False,  # noqa: FBT002
    start_ms: Annotated[int, Query(ge=0, le=2**53)] = 0,
    end_ms: Annotated[int, Query(ge=0, le=2**53)] = 2**53,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> cold.ActionList:
    """Return corrective actions, newest first."""
    del role
    with parts.journal.reader() as connection:
        found = haccp.listing(
            connection,
            device=device,
            open_only=open_only,
            start_ms=start_ms,
            end_ms=end_ms,
            limit=limit,
        )
        return cold.ActionList(items=[unit_view.action_out(connection, item) for item in found])


@router.get("/actions/{action}", responses=_MISSING)
def action(action: Number, parts: Parts, role: Viewer) -> cold.Action:
    """Return one corrective action."""
    del role
    with parts.journal.reader() as connection:
        found = haccp.find(connection, action)
        if found is None:
            raise _NO_ACTION
        return unit_view.action_out(connection, found)


@router.post("/actions", responses=_MISSING)
def create_action(body: cold.ActionCreate, parts: Parts, role: Operator) -> cold.Action:
    """Begin a corrective action; an incident's existing one is amended instead."""
    now_ms = parts.clock.now_ms()
    author = _author(body.content.person, role)
    content = body.content.model_dump(exclude_unset=True, exclude_none=True, mode="json")

    def work(connection: sqlite3.Connection) -> haccp.CorrectiveAction:
        _must_be_unit(connection, body.device)
        known = haccp.of_incident(connection, body.incident) if body.incident else None
        if known is None:
            made = haccp.create(
                connection,
                device=body.device,
                source="manual",
                start_ms=body.start_ms or now_ms,
                now_ms=now_ms,
                actor=author,
                incident=body.incident,
                content=content,
            )
        else:
            made = haccp.amend(
                connection,
                known.id,
                changes=content,
                actor=author,
                reason="entered by a person",
                now_ms=now_ms,
            )
        if body.decided:
            _decide(connection, made, author=author, now_ms=now_ms)
        return made

    return _changed(parts, parts.journal.call(work))


@router.patch("/actions/{action}", responses={**_MISSING, 409: {"model": schemas.Refusal}})
def amend_action(
    action: Number, body: cold.ActionChange, parts: Parts, role: Operator
) -> cold.Action:
    """Amend a corrective action with a reason; nothing that stood there is lost."""
    now_ms = parts.clock.now_ms()
    author = _author(body.content.person, role)
    changes = body.content.model_dump(exclude_unset=True, exclude_none=True, mode="json")
    if body.content.verifier:
        changes["verified_ms"] = now_ms

    def work(connection: sqlite3.Connection) -> haccp.CorrectiveAction:
        made = haccp.amend(
            connection,
            action,
            changes=changes,
            actor=author,
            reason=body.reason,
            now_ms=now_ms,
            end_ms=body.end_ms,
            close=body.close,
        )
        if body.decided:
            _decide(connection, made, author=author, now_ms=now_ms)
        return made

    try:
        made = parts.journal.call(work)
    except KeyError as error:
        raise _NO_ACTION from error
    except ValueError as error:
        raise RefusedError(
            409, "not_complete", f"{error}.", "Add what is missing, then close it."
        ) from error
    return _changed(parts, made)


def _decide(
    connection: sqlite3.Connection, action: haccp.CorrectiveAction, *, author: str, now_ms: int
) -> None:
    """Record the disposition of all contents: the exposure clock begins anew."""
    found = action.content.get("dispositions")
    if not isinstance(found, list) or not found:
        raise RefusedError(
            422,
            "no_disposition",
            "Nothing says what became of the food.",
            "Send content.dispositions with what was done with each batch.",
        )
    if any(isinstance(item, dict) and item.get("disposition") == "hold" for item in found):
        raise RefusedError(
            422, "still_on_hold", "Some of the food is on hold.", "Decide on every batch first."
        )
    unit_records.add(
        connection,
        device=action.device,
        kind=RecordKind.DISPOSITION,
        at_ms=now_ms,
        now_ms=now_ms,
        author=author,
        detail={"action": action.id, "dispositions": found},
    )


def _changed(parts: Services, made: haccp.CorrectiveAction) -> cold.Action:
    parts.devices_changed()
    with parts.journal.reader() as connection:
        found = haccp.find(connection, made.id)
        assert found is not None
        return unit_view.action_out(connection, found)
