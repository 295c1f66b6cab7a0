"""Which tags each device and point carries in the store, and when they must be written anew."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from caretaker.measurements import RAW, point_tag
from storage.influx.lines import BadNameError, series


@dataclass(frozen=True, slots=True)
class PointName:
    """A journal's point in the store's words."""

    id: int
    device: int
    channel: str
    quantity: str


@dataclass(slots=True)
class Names:
    """The tags of the site's devices and points.

    A device's role, building and name may change on the page. Its rows carry the tags that are
    `known` (kept in the journal) until the projection has deleted the old series and adopts the
    new ones: so the store never holds a reading twice.
    """

    site: str
    known: dict[int, dict[str, str]] = field(default_factory=dict)
    current: dict[int, dict[str, str]] = field(default_factory=dict)
    points: dict[int, PointName] = field(default_factory=dict)
    unsaved: set[int] = field(default_factory=set)
    _series: dict[tuple[str, int], str] = field(default_factory=dict)
    _problems: dict[int, str] = field(default_factory=dict)

    def load(self, connection: sqlite3.Connection) -> None:
        """Take the tags that the store's rows carry from the journal."""
        rows = connection.execute("SELECT device, tags FROM projection_device")
        self.known = {row[0]: json.loads(row[1]) for row in rows}
        self._forget()
        self.refresh(connection)

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Read devices and points again; a new device is known at once by its present tags."""
        rows = connection.execute("SELECT id, key, name, role, building FROM device").fetchall()
        self.current = {
            row[0]: {"device": row[1], "name": row[2] or row[1], "role": row[3], "building": row[4]}
            for row in rows
        }
        for device, tags in self.current.items():
            if device not in self.known:
                self.known[device] = tags
                self.unsaved.add(device)
        self.points = {
            row[0]: PointName(row[0], row[1], row[2], row[3])
            for row in connection.execute("SELECT id, device, channel, quantity FROM point")
        }

    def changed(self) -> list[int]:
        """Return the devices whose tags in the store are no longer theirs."""
        return [
            device for device, tags in self.current.items() if tags != self.known.get(device, tags)
        ]

    def adopt(self, connection: sqlite3.Connection, devices: Sequence[int]) -> None:
        """Let rows carry the present tags of these devices from now on."""
        for device in devices:
            self.known[device] = self.current[device]
        self.unsaved.update(devices)
        self.save(connection)
        self._forget()

    def save(self, connection: sqlite3.Connection) -> None:
        """Keep the known tags in the journal."""
        connection.executemany(
            "INSERT OR REPLACE INTO projection_device (device, tags) VALUES (?, ?)",
            [
                (device, json.dumps(self.known[device], ensure_ascii=False, sort_keys=True))
                for device in sorted(self.unsaved)
            ],
        )
        self.unsaved.clear()

    def _forget(self) -> None:
        self._series.clear()
        self._problems.clear()

    def device_of(self, point: int) -> Mapping[str, str]:
        """Return the tags of a point: its device's, its channel's, the site's."""
        found = self.points[point]
        return self.device(found.device) | {"point": point_tag(found.channel)}

    def device(self, device: int) -> dict[str, str]:
        """Return the tags of a device; only the site's for one that is not there."""
        return {"site": self.site} | self.known.get(device, {})

    def raw(self, point: int) -> str:
        """Return the series of a point's readings. Raises BadNameError."""
        return self.point_series(point, RAW[self.points[point].quantity].name)

    def point_series(self, point: int, measurement: str) -> str:
        """Return the series of a point in a measurement. Raises BadNameError."""
        key = (measurement, point)
        found = self._series.get(key)
        if found is None:
            problem = self._problems.get(point)
            if problem is not None:
                raise BadNameError(problem)
            tags = dict(self.device_of(point)) | {"quantity": self.points[point].quantity}
            try:
                found = self._series[key] = series(measurement, tags)
            except BadNameError as error:
                self._problems[point] = str(error)
                raise
        return found
