"""Devices and points as the API shows them."""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping

from alerting.parameters import METERS
from alerting.profiles import NAMES
from alerting.rules.device_silent import usual_silence_ms
from api import schemas
from caretaker.quantities import QUANTITIES
from caretaker.vocabulary import Device, DeviceStatus, Point, Reading, quality_of
from ingest.decoder import Decoder
from storage import devices as records
from storage import incidents
from storage.silences import RANK

LIMITS = frozenset(NAMES) | METERS
"""The limits a device may have of its own."""


def points_by_device(connection: sqlite3.Connection) -> dict[int, list[Point]]:
    """Return the points of every device."""
    result: dict[int, list[Point]] = defaultdict(list)
    for point in records.points(connection):
        result[point.device].append(point)
    return result


def latest(connection: sqlite3.Connection) -> dict[int, Reading]:
    """Return the newest good reading of every point."""
    rows = connection.execute("SELECT point, at_ms, value, quality FROM latest")
    return {r[0]: Reading(r[0], r[1], r[2], quality_of(r[3])) for r in rows}


def point_now(point: Point, newest: Mapping[int, Reading]) -> schemas.PointNow:
    """Return a point with its newest value."""
    quantity = QUANTITIES[point.quantity]
    reading = newest.get(point.id)
    return schemas.PointNow(
        point=point.id,
        channel=point.channel,
        quantity=point.quantity,
        unit=quantity.unit,
        kind=quantity.kind.value,
        value=reading.value if reading else None,
        at_ms=reading.at_ms if reading else None,
        quality=int(reading.quality) if reading else 0,
    )


def online(device: Device, points: list[Point], newest: Mapping[int, Reading], now_ms: int) -> bool:
    """Return whether a device spoke within its silence limit."""
    last = max((newest[p.id].at_ms for p in points if p.id in newest), default=0)
    return now_ms - last <= usual_silence_ms(device)


def text_of(payload: bytes) -> str:
    """Return raw bytes as text that shows what cannot be shown."""
    return payload.decode("utf-8", "backslashreplace")


def device_out(
    connection: sqlite3.Connection,
    device: Device,
    *,
    points: list[Point],
    newest: Mapping[int, Reading],
    open_by_device: Mapping[int, int],
    now_ms: int,
) -> schemas.DeviceOut:
    """Return one device as the API shows it."""
    return schemas.DeviceOut(
        id=device.id,
        key=device.key,
        driver=device.driver,
        model=device.model,
        status=device.status.value,
        name=device.name or device.key,
        role=device.role.value,
        building=device.building,
        area=device.area,
        parent=device.parent,
        interval_s=device.interval_s,
        first_heard_ms=device.first_heard_ms,
        last_heard_ms=device.last_heard_ms,
        topic=device.last_topic,
        payload=text_of(records.last_payload(connection, device.id)),
        source=device.source,
        limits=device.limits,
        available=device.available,
        online=online(device, points, newest, now_ms),
        incident=open_by_device.get(device.id),
        points=[point_now(point, newest) for point in points],
    )


def open_incidents(connection: sqlite3.Connection) -> dict[int, int]:
    """Return the open incident of each device that matters most: the gravest, then the newest."""
    opened = incidents.listing(connection, state="open", limit=1000)
    opened.sort(key=lambda item: (item.state == incidents.RECOVERING, -RANK[item.severity]))
    found: dict[int, int] = {}
    for item in opened:
        found.setdefault(item.device, item.id)
    return found


def listing(connection: sqlite3.Connection, *, status: str, now_ms: int) -> list[schemas.DeviceOut]:
    """Return the devices of a status, or all."""
    points, newest = points_by_device(connection), latest(connection)
    opened = open_incidents(connection)
    return [
        device_out(
            connection,
            device,
            points=points[device.id],
            newest=newest,
            open_by_device=opened,
            now_ms=now_ms,
        )
        for device in records.devices(connection, status=status)
    ]


def adopted(connection: sqlite3.Connection) -> list[Device]:
    """Return the devices that are ours."""
    return records.devices(connection, status=DeviceStatus.ADOPTED.value)


def last_reading_ms(connection: sqlite3.Connection, *, now_ms: int) -> int | None:
    """Return when the newest reading of a device was taken; a future instant does not count."""
    row = connection.execute(
        "SELECT max(l.at_ms) FROM latest AS l JOIN point AS p ON p.id = l.point"
        " JOIN device AS d ON d.id = p.device WHERE l.at_ms <= ? AND d.status <> 'internal'",
        (now_ms + 60_000,),
    ).fetchone()
    return None if row[0] is None else int(row[0])


def inbox_item(
    connection: sqlite3.Connection,
    device: Device,
    points: list[Point],
    newest: Mapping[int, Reading],
    *,
    decoder: Decoder,
) -> schemas.InboxItem:
    """Return a heard device with its last message and what it looks like."""
    row = connection.execute("SELECT messages FROM device WHERE id = ?", (device.id,)).fetchone()
    messages = int(row[0])
    suggested = decoder.suggest(
        device.key, {point.quantity for point in points}, {point.channel for point in points}
    )
    span_s = (device.last_heard_ms - device.first_heard_ms) / 1000
    interval_s = round(span_s / (messages - 1)) if messages > 2 else suggested.interval_s
    return schemas.InboxItem(
        id=device.id,
        key=device.key,
        driver=device.driver,
        model=device.model,
        first_heard_ms=device.first_heard_ms,
        last_heard_ms=device.last_heard_ms,
        messages=messages,
        topic=device.last_topic,
        payload=text_of(records.last_payload(connection, device.id)),
        readings=[point_now(point, newest) for point in points],
        suggested=schemas.Suggested(
            name=suggested.name,
            role=suggested.role.value,
            building="",
            area="",
            interval_s=min(max(interval_s, 1), 86_400),
        ),
    )
