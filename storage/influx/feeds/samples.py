"""What Caretaker knows of itself, each minute, and of each device, each hour."""

import sqlite3
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from caretaker.clock import HOUR_MS, MINUTE_MS
from caretaker.measurements import DEVICE_HEALTH, PIPELINE, time_ns
from storage.influx.lines import BadNameError, Row, fields, series
from storage.influx.names import Names
from storage.influx.port import Moment

PartFigures = Callable[[], Mapping[str, Mapping[str, float]]]
"""Returns the fields of measurement `pipeline` by part; what the process counts itself."""

_KEPT = 4_000
_SILENT_INTERVALS = 3


class Samples:
    """Feeds the state of the pipeline. While the store is away the newest hours are kept."""

    name = "samples"
    shape = ""
    measurements: tuple[str, ...] = (PIPELINE.name, DEVICE_HEALTH.name)

    def __init__(self, figures: PartFigures) -> None:
        self._figures = figures
        self._waiting: deque[Row] = deque(maxlen=_KEPT)
        self._taken = 0
        self._minute = -1
        self._hour = -1

    def start(self, connection: sqlite3.Connection) -> None:
        """Begin; nothing of this stands in the journal."""
        self._taken = 0

    def restart(self, connection: sqlite3.Connection) -> None:
        """Begin again."""
        self.start(connection)

    def renamed(
        self, connection: sqlite3.Connection, *, devices: Sequence[int], points: Sequence[int]
    ) -> None:
        """Let the next sample carry the new names."""

    def take(
        self, connection: sqlite3.Connection, names: Names, *, moment: Moment, limit: int
    ) -> list[Row]:
        """Return what was sampled and is not delivered, with what is due now."""
        minute, hour = moment.now_ms // MINUTE_MS, moment.now_ms // HOUR_MS
        if minute != self._minute:
            self._minute = minute
            self._waiting += self._pipeline(connection, names, minute * MINUTE_MS)
        if hour != self._hour:
            self._hour = hour
            self._waiting += _devices(connection, names, hour * HOUR_MS)
        found = list(self._waiting)[:limit]
        self._taken = len(found)
        return found

    def settle(self) -> None:
        """Forget what is delivered."""
        for _ in range(min(self._taken, len(self._waiting))):
            self._waiting.popleft()
        self._taken = 0

    def keep(self, connection: sqlite3.Connection) -> bool:
        """Keep nothing."""
        return False

    def _pipeline(self, connection: sqlite3.Connection, names: Names, at_ms: int) -> list[Row]:
        parts = {name: dict(values) for name, values in self._figures().items()}
        parts.setdefault("devices", {}).update(_whole(connection, at_ms))
        held = connection.execute(
            "SELECT coalesce(sum(count), 0) FROM quarantine WHERE state = 'held'"
        ).fetchone()[0]
        parts.setdefault("ingest", {})["quarantine_held"] = held
        rows = []
        for part, values in parts.items():
            head = series(PIPELINE.name, {"site": names.site, "part": part})
            known = {name: value for name, value in values.items() if name in PIPELINE.fields}
            if known:
                rows.append(Row(f"{head} {fields(known)} {time_ns(at_ms)}", at_ms))
        return rows


def _shares(connection: sqlite3.Connection, at_ms: int) -> dict[int, tuple[float, float]]:
    """Return (coverage, estimated share) of each device in the last whole hour."""
    rows = connection.execute(
        "SELECT p.device, avg(r.covered_ms * 1.0 / (r.end_ms - r.start_ms)), sum(r.estimated),"
        # CROSS JOIN keeps the order: one look-up a point instead of reading every rollup.
        " sum(r.amount) FROM point p CROSS JOIN rollup r ON r.point = p.id"
        " AND r.period = 'hour' AND r.start_ms = ? GROUP BY p.device",
        (at_ms - at_ms % HOUR_MS - HOUR_MS,),
    )
    return {
        device: (min(covered or 0.0, 1.0), estimated / amount if amount else 0.0)
        for device, covered, estimated, amount in rows
    }


def _adopted(connection: sqlite3.Connection) -> list[tuple[int, int, int]]:
    return connection.execute(
        "SELECT id, last_heard_ms, interval_s FROM device WHERE status = 'adopted'"
    ).fetchall()


def _whole(connection: sqlite3.Connection, at_ms: int) -> dict[str, float]:
    devices, shares = _adopted(connection), _shares(connection, at_ms)
    silent = sum(
        at_ms - heard_ms > _SILENT_INTERVALS * max(interval_s * 1_000, MINUTE_MS)
        for _, heard_ms, interval_s in devices
    )
    found = {"devices_total": float(len(devices)), "devices_silent": float(silent)}
    if devices and shares:
        covered = [shares.get(device, (0.0, 0.0)) for device, _, _ in devices]
        found["coverage"] = sum(share[0] for share in covered) / len(covered)
        found["estimated_share"] = sum(share[1] for share in covered) / len(covered)
    return found


def _devices(connection: sqlite3.Connection, names: Names, at_ms: int) -> list[Row]:
    shares = _shares(connection, at_ms)
    rows = []
    for device, heard_ms, _ in _adopted(connection):
        covered, estimated = shares.get(device, (0.0, 0.0))
        values = {
            "silent_s": max(at_ms - heard_ms, 0) / 1_000,
            "coverage": covered,
            "estimated_share": estimated,
        }
        try:
            head = series(DEVICE_HEALTH.name, names.device(device))
        except BadNameError as error:
            rows.append(Row("", at_ms, refused=f"bad-name: {error}"))
            continue
        rows.append(Row(f"{head} {fields(values)} {time_ns(at_ms)}", at_ms))
    return rows
