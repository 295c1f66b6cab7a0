"""What other ids a device sends under: a person said that it is the same one."""

import sqlite3
from dataclasses import dataclass

from caretaker.vocabulary import DeviceStatus
from storage import audit, devices


@dataclass(frozen=True, slots=True)
class Alias:
    """A key whose readings are another device's, and who said so."""

    key: str
    device: str
    author: str
    at_ms: int


class AliasError(ValueError):
    """Two keys that cannot be one device."""


def listing(connection: sqlite3.Connection) -> list[Alias]:
    """Return all of them, by key."""
    rows = connection.execute("SELECT key, device, author, at_ms FROM device_alias ORDER BY key")
    return [Alias(*row) for row in rows]


def join(
    connection: sqlite3.Connection, heard: int, device: int, *, author: str, now_ms: int
) -> Alias:
    """Say that a heard device is one that was adopted; its own entry leaves the inbox.

    Raises KeyError when one is not there, AliasError when they cannot be one.
    """
    other, found = devices.find(connection, heard), devices.find(connection, device)
    if other is None or found is None:
        raise KeyError(heard if other is None else device)
    if found.status is not DeviceStatus.ADOPTED or other.status is DeviceStatus.ADOPTED:
        raise AliasError("a device of the inbox is joined to one that was adopted")
    if other.key.startswith("native:"):
        raise AliasError("a device that speaks our own grammar is told the old name instead")
    alias = Alias(other.key, found.key, author, now_ms)
    connection.execute(
        "INSERT OR REPLACE INTO device_alias (key, device, author, at_ms) VALUES (?, ?, ?, ?)",
        (alias.key, alias.device, author, now_ms),
    )
    devices.ignore(connection, heard)
    audit.append(
        connection,
        at_ms=now_ms,
        actor=author,
        action="device.joined",
        subject=str(device),
        detail={"key": alias.key, "device": alias.device},
    )
    return alias


def part(connection: sqlite3.Connection, key: str, *, author: str, now_ms: int) -> bool:
    """Take it back: the key is a device of its own again, in the inbox. Was there one?"""
    cursor = connection.execute("DELETE FROM device_alias WHERE key = ?", (key,))
    if not cursor.rowcount:
        return False
    connection.execute(
        "UPDATE device SET status = ? WHERE key = ?", (DeviceStatus.HEARD.value, key)
    )
    audit.append(
        connection, at_ms=now_ms, actor=author, action="device.parted", subject=key, detail={}
    )
    return True
