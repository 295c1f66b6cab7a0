"""Devices: heard, adopted, described; the site file's word wins over the page's."""

import json
import sqlite3
from collections.abc import Mapping, Sequence

from caretaker.config import DeviceSettings
from caretaker.errors import CaretakerError
from caretaker.vocabulary import Device, DeviceRole, DeviceStatus, Point
from storage.meter_events import gap_ms
from storage.rollup_rows import mark

_COLUMNS = (
    "id, key, driver, status, name, role, building, area, parent, interval_s, first_heard_ms,"
    " last_heard_ms, last_topic, source, model, limits, available"
)


class OwnedByFileError(CaretakerError):
    """The site file describes this device, so only the file may change it."""


def _device(row: Sequence[object]) -> Device:
    values = list(row)
    values[3] = DeviceStatus(str(row[3]))
    values[5] = DeviceRole(str(row[5]))
    values[15] = json.loads(str(row[15]))
    values[16] = None if row[16] is None else bool(row[16])
    return Device(*values)  # type: ignore[arg-type]  # column order is the field order


def devices(
    connection: sqlite3.Connection, *, status: str = "", parent: int | None = None
) -> list[Device]:
    """Return all devices, or those of one status or below one meter, by id.

    Caretaker's own only when asked for.
    """
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM device"  # noqa: S608
        " WHERE ((? = '' AND status <> 'internal') OR status = ?)"
        " AND (? IS NULL OR parent = ?) ORDER BY id",
        (status, status, parent, parent),
    )
    return [_device(tuple(row)) for row in rows]


def find(connection: sqlite3.Connection, device: int | str) -> Device | None:
    """Return one device by id or by key."""
    column = "id" if isinstance(device, int) else "key"
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM device WHERE {column} = ?",  # noqa: S608  (two constants)
        (device,),
    ).fetchone()
    return _device(tuple(row)) if row else None


def points(connection: sqlite3.Connection, device: int | None = None) -> list[Point]:
    """Return the points of one device, or of all."""
    rows = connection.execute(
        "SELECT id, device, channel, quantity FROM point WHERE ? IS NULL OR device = ? ORDER BY id",
        (device, device),
    )
    return [Point(*row) for row in rows]


def last_payload(connection: sqlite3.Connection, device: int) -> bytes:
    """Return the last message of a device as received (its first 4 KiB)."""
    row = connection.execute("SELECT last_payload FROM device WHERE id = ?", (device,)).fetchone()
    return bytes(row[0]) if row else b""


def update(connection: sqlite3.Connection, device: int, changes: Mapping[str, object]) -> Device:
    """Change a device's description from the page.

    Raises OwnedByFileError when site.toml describes it, KeyError when there is no such device.
    """
    found = find(connection, device)
    if found is None:
        raise KeyError(device)
    if found.source == "file":
        raise OwnedByFileError(found.key)
    _set(connection, device, changes)
    changed = find(connection, device)
    assert changed is not None
    return changed


def internal(
    connection: sqlite3.Connection,
    key: str,
    *,
    name: str = "",
    role: DeviceRole = DeviceRole.OTHER,
    limits: Mapping[str, float] | None = None,
    building: str = "",
) -> Device:
    """Return Caretaker's own device of that key, made or changed to this description."""
    connection.execute(
        "INSERT INTO device (key, driver, status, name, role, building, source, limits)"
        " VALUES (?, 'native', 'internal', ?, ?, ?, 'caretaker', ?) ON CONFLICT (key) DO UPDATE"
        " SET status = 'internal', name = excluded.name, role = excluded.role,"
        " building = excluded.building, limits = excluded.limits, source = 'caretaker'",
        (key, name, role.value, building, json.dumps(dict(limits or {}))),
    )
    made = find(connection, key)
    assert made is not None
    return made


def adopt(
    connection: sqlite3.Connection,
    device: int,
    *,
    name: str,
    role: DeviceRole,
    building: str = "",
    area: str = "",
    parent: int = 0,
    interval_s: int = 0,
    limits: Mapping[str, float] | None = None,
) -> Device:
    """Make a heard device one of ours; its readings since first heard count from now on."""
    return update(
        connection,
        device,
        {
            "status": DeviceStatus.ADOPTED.value,
            "name": name,
            "role": role.value,
            "building": building,
            "area": area,
            "parent": parent,
            "interval_s": interval_s,
            "limits": dict(limits or {}),
        },
    )


def ignore(connection: sqlite3.Connection, device: int) -> Device:
    """Leave a heard device out of the inbox; its readings are still kept."""
    return update(connection, device, {"status": DeviceStatus.IGNORED.value})


_SETTABLE = frozenset(
    {"status", "name", "role", "building", "area", "parent", "interval_s", "limits", "source"}
)


def _set(connection: sqlite3.Connection, device: int, changes: Mapping[str, object]) -> None:
    unknown = set(changes) - _SETTABLE
    if unknown:
        raise ValueError(f"a device has no {', '.join(sorted(unknown))}")
    before = _arithmetic_of(connection, device)
    for column, value in changes.items():
        stored = json.dumps(value) if column == "limits" else value
        connection.execute(
            f"UPDATE device SET {column} = ? WHERE id = ?",  # noqa: S608  (checked above)
            (stored, device),
        )

    if _arithmetic_of(connection, device) != before:
        for point in points(connection, device):
            mark(connection, point.id)


def _arithmetic_of(connection: sqlite3.Connection, device: int) -> tuple[object, ...]:
    """Return what of a device's settings its amounts depend on."""
    row = connection.execute(
        "SELECT interval_s, limits FROM device WHERE id = ?", (device,)
    ).fetchone()
    if row is None:
        return ()
    limits = json.loads(row[1])
    return gap_ms(row[0]), limits.get("register_max"), limits.get("max_rate")


def apply_file_settings(
    connection: sqlite3.Connection, settings: Sequence[DeviceSettings], *, now_ms: int
) -> None:
    """Make the journal say what site.toml says; devices it no longer names become the page's."""
    connection.execute("UPDATE device SET source = 'page' WHERE source = 'file'")
    for item in settings:
        found = find(connection, item.key)
        if found is None:
            connection.execute(
                "INSERT INTO device (key, driver, status, first_heard_ms) VALUES (?, ?, ?, ?)",
                (item.key, item.key.partition(":")[0], DeviceStatus.ADOPTED.value, now_ms),
            )
            found = find(connection, item.key)
            assert found is not None
        _set(
            connection,
            found.id,
            {
                "status": DeviceStatus.ADOPTED.value,
                "name": item.name or item.key,
                "role": item.role,
                "building": item.building,
                "area": item.area,
                "interval_s": item.interval_s,
                "limits": item.limits,
                "source": "file",
            },
        )
    for item in settings:
        child = find(connection, item.key)
        parent = find(connection, item.parent) if item.parent else None
        assert child is not None
        _set(connection, child.id, {"parent": parent.id if parent else 0})
