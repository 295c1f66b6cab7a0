"""Devices, their points, and the past of a point."""

import sqlite3
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from api import device_view, schemas
from api.guard import Operator, Parts, RefusedError, Viewer
from api.history import history
from api.services import Services
from caretaker.vocabulary import Device, DeviceStatus
from storage import audit
from storage import devices as records
from storage.devices import OwnedByFileError

router = APIRouter(tags=["devices"])

Number = Annotated[int, Path(ge=1, le=2**53)]
Instant = Annotated[int, Query(ge=0, le=2**53)]
_NO_DEVICE = RefusedError(404, "not_found", "There is no such device.", "GET /devices lists them.")
_NO_POINT = RefusedError(404, "not_found", "There is no such point.", "GET /points lists them.")


@router.get("/devices")
def list_devices(
    parts: Parts,
    role: Viewer,
    status: Literal["", "heard", "adopted", "ignored", "retired"] = "",
) -> schemas.DeviceList:
    """Return devices with their newest values; all, or those of one status."""
    del role
    with parts.journal.reader() as connection:
        return schemas.DeviceList(
            items=device_view.listing(connection, status=status, now_ms=parts.clock.now_ms())
        )


@router.get("/devices/{device}", responses={404: {"model": schemas.Refusal}})
def device(device: Number, parts: Parts, role: Viewer) -> schemas.DeviceOut:
    """Return one device."""
    del role
    return _one(parts, device)


@router.patch(
    "/devices/{device}",
    responses={404: {"model": schemas.Refusal}, 409: {"model": schemas.Refusal}},
)
def change_device(
    device: Number, body: schemas.DeviceChange, parts: Parts, role: Operator
) -> schemas.DeviceOut:
    """Change what the page may change; a device described in site.toml is the file's."""
    changes = body.model_dump(exclude_unset=True, exclude_none=True, mode="json")
    change(
        parts,
        lambda connection: records.update(
            connection, device, _checked(connection, device, changes)
        ),
        actor=role.name.lower(),
        action="device.changed",
        subject=str(device),
        detail=changes,
    )
    return _one(parts, device)


def _checked(
    connection: sqlite3.Connection, device: int, changes: dict[str, object]
) -> dict[str, object]:
    parent = changes.get("parent")
    if parent and (parent == device or records.find(connection, int(str(parent))) is None):
        raise RefusedError(422, "invalid", "parent: no such device.", "0 means: none above it.")
    limits = changes.get("limits")
    if isinstance(limits, dict):
        unknown = sorted(set(limits) - device_view.LIMITS)
        if unknown:
            raise RefusedError(
                422,
                "invalid",
                f"limits: {', '.join(unknown)} is not a limit.",
                f"Known: {', '.join(sorted(device_view.LIMITS))}.",
            )
    return changes


def change(
    parts: Services,
    work: Callable[[sqlite3.Connection], Device],
    *,
    actor: str,
    action: str,
    subject: str,
    detail: dict[str, object],
) -> None:
    """Change a device and write who did it into the audit log, both or neither."""

    def audited(connection: sqlite3.Connection) -> None:
        work(connection)
        audit.append(
            connection,
            at_ms=parts.clock.now_ms(),
            actor=actor,
            action=action,
            subject=subject,
            detail=detail,
        )

    try:
        parts.journal.call(audited)
    except KeyError as error:
        raise _NO_DEVICE from error
    except OwnedByFileError as error:
        raise RefusedError(
            409,
            "owned_by_file",
            f"{error} is described in site.toml, so only the file may change it.",
            "Change site.toml and restart Caretaker.",
        ) from error
    parts.devices_changed()


def _one(parts: Services, device: int) -> schemas.DeviceOut:
    with parts.journal.reader() as connection:
        found = records.find(connection, device)
        if found is None:
            raise _NO_DEVICE
        return device_view.device_out(
            connection,
            found,
            points=records.points(connection, device),
            newest=device_view.latest(connection),
            open_by_device=device_view.open_incidents(connection),
            now_ms=parts.clock.now_ms(),
        )


@router.get("/points", tags=["points"])
def points(
    parts: Parts, role: Viewer, device: Annotated[int | None, Query(ge=1, le=2**53)] = None
) -> schemas.PointList:
    """Return points with their newest values; all, or those of one device."""
    del role
    with parts.journal.reader() as connection:
        newest = device_view.latest(connection)
        found = records.points(connection, device)
    return schemas.PointList(items=[device_view.point_now(point, newest) for point in found])


@router.get("/latest", tags=["points"])
def latest(parts: Parts, role: Viewer) -> schemas.PointList:
    """Return the newest value of every point of the adopted devices."""
    del role
    with parts.journal.reader() as connection:
        newest = device_view.latest(connection)
        ours = {device.id for device in device_view.adopted(connection)}
        found = [p for p in records.points(connection) if p.device in ours and p.id in newest]
    return schemas.PointList(items=[device_view.point_now(point, newest) for point in found])


@router.get("/points/{point}/history", tags=["points"], responses={404: {"model": schemas.Refusal}})
def point_history(
    point: Number,
    start_ms: Instant,
    end_ms: Instant,
    parts: Parts,
    role: Viewer,
    resolution: Literal["auto", "raw", "15min", "hour", "day"] = "auto",
    max_points: Annotated[int, Query(ge=10, le=20_000)] = 2_000,
) -> schemas.History:
    """Return a point's values in [start_ms, end_ms) [ms UTC], never more than `max_points`."""
    del role
    if end_ms <= start_ms:
        raise RefusedError(
            422, "invalid", "end_ms is not after start_ms.", "Ask for a later end_ms."
        )
    with parts.journal.reader() as connection:
        found = next((p for p in records.points(connection) if p.id == point), None)
        if found is None:
            raise _NO_POINT
        return history(
            connection,
            found,
            start_ms=start_ms,
            end_ms=end_ms,
            resolution=resolution,
            most=max_points,
            calendar=parts.calendar,
        )


@router.get("/inbox", tags=["inbox"])
def inbox(parts: Parts, role: Viewer) -> schemas.Inbox:
    """Return the devices that were heard and not adopted, each with a suggestion."""
    del role
    with parts.journal.reader() as connection:
        newest, by_device = device_view.latest(connection), device_view.points_by_device(connection)
        heard = records.devices(connection, status=DeviceStatus.HEARD.value)
        return schemas.Inbox(
            items=[
                device_view.inbox_item(
                    connection, found, by_device[found.id], newest, decoder=parts.decoder
                )
                for found in heard
            ]
        )


@router.post(
    "/inbox/{device}/adopt",
    tags=["inbox"],
    responses={404: {"model": schemas.Refusal}, 409: {"model": schemas.Refusal}},
)
def adopt(
    device: Number, body: schemas.Adoption, parts: Parts, role: Operator
) -> schemas.DeviceOut:
    """Make a heard device one of ours; its readings since first heard count from now on."""
    detail = body.model_dump(mode="json")

    def work(connection: sqlite3.Connection) -> Device:
        _checked(connection, device, detail)
        return records.adopt(
            connection,
            device,
            name=body.name,
            role=body.role,
            building=body.building,
            area=body.area,
            parent=body.parent,
            interval_s=body.interval_s,
        )

    change(
        parts,
        work,
        actor=role.name.lower(),
        action="device.adopted",
        subject=str(device),
        detail=detail,
    )
    return _one(parts, device)


@router.post(
    "/inbox/{device}/ignore",
    tags=["inbox"],
    responses={404: {"model": schemas.Refusal}, 409: {"model": schemas.Refusal}},
)
def ignore(device: Number, parts: Parts, role: Operator) -> schemas.DeviceOut:
    """Leave a heard device out of the inbox; its readings are still kept."""
    change(
        parts,
        lambda connection: records.ignore(connection, device),
        actor=role.name.lower(),
        action="device.ignored",
        subject=str(device),
        detail={},
    )
    return _one(parts, device)
