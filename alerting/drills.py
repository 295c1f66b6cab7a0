"""Drills: a labelled fault through the real chain to the real people, timed."""

import json
import sqlite3
from collections.abc import Callable
from typing import Any

from caretaker.clock import MINUTE_MS, Clock
from caretaker.config import SiteSettings
from caretaker.vocabulary import Device, DeviceRole, DeviceStatus
from storage import devices as device_records
from storage import drills, incidents
from storage.drills import DrillRefusedError
from storage.journal import Journal

COMPRESSOR_FAILURE = "compressor-failure"
Publish = Callable[[str, bytes], None]

_ENDS_MS = 35 * MINUTE_MS
_LINGER_MS = MINUTE_MS
_WARM_MIN, _SPAN_MIN, _STEP_MIN = 45, 60, 5
_CRITICAL_C = {DeviceRole.FREEZER: -5.0}
_FRIDGE_CRITICAL_C = 13.0


class Drills:
    """Runs one drill at a time: a twin of a unit warms up, and what follows is real.

    The twin's readings go over the broker like any device's. It ends a minute after somebody took
    it on, or after 35 min, and the twin's incident with it.
    """

    def __init__(
        self,
        journal: Journal,
        site: SiteSettings,
        *,
        clock: Clock,
        publish: Publish,
        devices_changed: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._site = site
        self._clock = clock
        self._publish = publish
        self._devices_changed = devices_changed

    def begin(self, scenario: str, *, unit: str, author: str) -> dict[str, Any]:
        """Begin a drill at a unit ('': the first fridge). Raises DrillRefusedError."""
        if scenario != COMPRESSOR_FAILURE:
            raise DrillRefusedError(f"There is no drill {scenario!r}; known: {COMPRESSOR_FAILURE}.")
        now_ms = self._clock.now_ms()

        def work(connection: sqlite3.Connection) -> tuple[dict[str, Any], Device]:
            chosen = self._unit(connection, unit)
            name = f"drill-{now_ms // 1000}"
            twin = device_records.internal(
                connection,
                f"native:{site_name(self._site)}/{name}",
                name=chosen.name or chosen.key,
                role=chosen.role,
                limits=chosen.limits,
                building=chosen.building,
            )
            made = drills.begin(
                connection, scenario=scenario, device=twin.id, unit=chosen.id, author=author,
                now_ms=now_ms, ends_ms=now_ms + _ENDS_MS,
            )  # fmt: skip
            return made, twin

        made, twin = self._journal.call(work)
        self._devices_changed()
        self._publish(_topic(twin), _warming(twin, now_ms=now_ms))
        return made

    @staticmethod
    def _unit(connection: sqlite3.Connection, key: str) -> Device:
        adopted = device_records.devices(connection, status=DeviceStatus.ADOPTED.value)
        units = [device for device in adopted if device.role.cold]
        for device in units:
            if key in {device.key, ""}:
                return device
        known = ", ".join(device.key for device in units) or "none"
        raise DrillRefusedError(f"There is no cold unit {key or '(any)'}; known: {known}.")

    def look(self) -> list[dict[str, Any]]:
        """Take the times of the running drill, end what is due, and return what runs."""
        now_ms = self._clock.now_ms()
        with self._journal.reader() as connection:
            found = drills.running(connection)
        if not found:
            return []
        return self._journal.call(lambda c: [self._look(c, d, now_ms=now_ms) for d in found])

    @staticmethod
    def _look(
        connection: sqlite3.Connection, drill: dict[str, Any], *, now_ms: int
    ) -> dict[str, Any]:
        found = drills.refresh(connection, drill["id"], drill["device"])
        taken = found["acknowledged_ms"]
        if now_ms >= found["ends_ms"] or (taken is not None and now_ms - taken >= _LINGER_MS):
            if found["incident"]:
                incidents.close(
                    connection, found["incident"], actor="caretaker", reason="drill", now_ms=now_ms
                )
            drills.end(connection, found["id"], now_ms=now_ms)
        return found


def site_name(site: SiteSettings) -> str:
    """Return the site's id as it may stand in a topic.

    >>> site_name(SiteSettings(id="wutong")), site_name(SiteSettings(id="梧桐/1"))
    ('wutong', 'school')
    """
    plain = site.id.replace("-", "").replace("_", "")
    well = plain.isascii() and plain.isalnum() and plain == plain.lower() and len(site.id) <= 32
    return site.id if well else "school"


def _topic(device: Device) -> str:
    return f"caretaker/1/{device.key.partition(':')[2]}/readings"


def _warming(twin: Device, *, now_ms: int) -> bytes:
    """Return the last hour of a unit whose compressor stopped, as its gateway would send it."""
    critical_c = twin.limits.get("critical_hi_c", _CRITICAL_C.get(twin.role, _FRIDGE_CRITICAL_C))
    parts = []
    for minute in range(_SPAN_MIN, -1, -_STEP_MIN):
        air_c = critical_c + 1.5 if minute <= _WARM_MIN else critical_c - 9.0
        readings = {"air.temperature_c": round(air_c, 1)}
        parts.append({"at": now_ms - minute * MINUTE_MS, "readings": readings})
    return json.dumps({"batch": parts}).encode()
