"""One batch of arrivals into one open transaction."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from caretaker.clock import MINUTE_MS, QUARTER_MS
from caretaker.vocabulary import QUALITIES, Arrival, Quality, Reading, Rejected, RejectReason
from storage import dialect
from storage.deliveries import Deliveries
from storage.insert import Inserted, Newest, Row, insert
from storage.late import NEWEST, LateLog
from storage.port import Stored
from storage.quarantine import Shelf
from storage.sequence import SequenceBook
from storage.tally import Fate, Tally

_NOT_TRUTH = int(Quality.SUSPECT | Quality.RETAINED)
_FUTURE_MS = 5 * MINUTE_MS
_NEVER_MS = 2**62
_MAX_HEARD = 500
_MAX_WILLS = 10_000
_MAX_POINTS = 400  # of one device; the largest meters known here send about a hundred
_PRUNE_MS = 10 * MINUTE_MS
_HEARD_FLUSH_MS = 5_000


@dataclass(slots=True)
class _DeviceRow:
    id: int
    heard_ms: int = 0
    flushed_ms: int = 0
    messages: int = 0
    topic: str = ""
    payload: bytes = b""
    qos: int = 1
    available: bool | None = None


@dataclass(slots=True)
class _Batch:
    """What a batch of arrivals comes to, before its readings are inserted."""

    rows: list[Row] = field(default_factory=list)
    sources: list[Arrival] = field(default_factory=list)
    readers: list[Arrival] = field(default_factory=list)
    new_devices: list[int] = field(default_factory=list)
    acks: dict[tuple[int, str], str] = field(default_factory=dict)
    duplicates: int = 0
    quarantined: int = 0


@dataclass(slots=True)
class Committer:
    """Writes batches; its caches mirror the file and are dropped when a commit fails."""

    pruned_ms: int = 0
    devices: dict[str, _DeviceRow] = field(default_factory=dict)
    points: dict[tuple[int, str, str], int] = field(default_factory=dict)
    points_of: Counter[int] = field(default_factory=Counter)
    latest: dict[int, int] = field(default_factory=dict)
    newest: Newest = field(default_factory=dict)
    dirty: dict[tuple[int, int], int] = field(default_factory=dict)
    heard: int = 0
    sequences: SequenceBook = field(default_factory=SequenceBook)
    wills: dict[str, bool] = field(default_factory=dict)
    """What was said of devices that sent no reading yet."""
    shelf: Shelf = field(default_factory=Shelf)
    late: LateLog = field(default_factory=LateLog)
    tally: Tally = field(default_factory=Tally)
    deliveries: Deliveries = field(default_factory=Deliveries)

    def load(self, connection: sqlite3.Connection) -> None:
        """Fill the caches from the file."""
        self.devices = {
            key: _DeviceRow(
                id=number,
                heard_ms=heard,
                available=None if available is None else bool(available),
            )
            for number, key, heard, available in connection.execute(
                "SELECT id, key, last_heard_ms, available FROM device"
            )
        }
        self.heard = int(
            connection.execute("SELECT count(*) FROM device WHERE status = 'heard'").fetchone()[0]
        )
        self.points = {
            (device, channel, quantity): number
            for number, device, channel, quantity in connection.execute(
                "SELECT id, device, channel, quantity FROM point"
            )
        }
        self.points_of = Counter(device for device, _, _ in self.points)
        self.latest = dict(connection.execute("SELECT point, at_ms FROM latest").fetchall())
        self.newest = {row[0]: (row[1], row[2]) for row in connection.execute(NEWEST)}
        self.dirty = {
            (point, start): since
            for point, start, since in connection.execute(
                "SELECT point, start_ms, from_ms FROM rollup_dirty"
            )
        }
        self.sequences.load(connection)
        self.shelf.load(connection)
        self.deliveries.load(connection)
        self.late.load(connection)
        self.tally.forget()

    def write(
        self, connection: sqlite3.Connection, arrivals: Sequence[Arrival], *, now_ms: int
    ) -> Stored:
        """Store the batch in the open transaction and say what changed."""
        batch = _Batch()
        for arrival in arrivals:
            if arrival.digest and self.deliveries.again(arrival, now_ms=now_ms):
                batch.duplicates += len(arrival.measured)
                self.tally.note(Fate.DUPLICATE, arrival)
            else:
                self._sort(connection, arrival, batch, now_ms=now_ms)
        done = insert(connection, batch.rows, batch.sources, self.newest)
        self.late.note(connection, done.rows)
        for arrival, detail in done.conflicts:
            self.shelf.keep(connection, arrival, Rejected(RejectReason.CONFLICT, detail))
        self._count_readers(batch, done)
        readings = [Reading(row[0], row[1], row[3], QUALITIES[row[4]]) for row in done.rows]
        self.shelf.flush(connection)
        self.deliveries.flush(connection)
        self._mark(connection, done.rows, now_ms=now_ms)
        self._flush_heard(connection, now_ms=now_ms)
        if not 0 <= now_ms - self.pruned_ms < _PRUNE_MS:
            self._prune(connection, now_ms=now_ms)
        self.sequences.save(connection)
        nothing = self.tally.of(Fate.NOTHING)
        self.tally.flush(connection, now_ms=now_ms)
        return Stored(
            readings=tuple(readings),
            duplicates=batch.duplicates + done.absorbed,
            quarantined=batch.quarantined + len(done.conflicts),
            new_devices=tuple(batch.new_devices),
            acks=tuple(
                (name, boot, self.sequences.contiguous(device, boot))
                for (device, boot), name in batch.acks.items()
            ),
            nothing_to_read=nothing,
        )

    def _sort(
        self, connection: sqlite3.Connection, arrival: Arrival, batch: _Batch, *, now_ms: int
    ) -> None:
        """Put what an arrival holds where it belongs, and count it unless it holds readings."""
        rejected = arrival.rejected
        before = len(batch.rows)
        if arrival.knowledge or arrival.available is not None:
            self._note(connection, arrival, now_ms=now_ms)
        if _speaks(arrival):
            device = self._device(connection, arrival, batch.new_devices)
            if device is None:
                rejected = (*rejected, Rejected(RejectReason.TOO_MANY_DEVICES))
            else:
                rejected += self._rows(connection, device, arrival, batch)
                if arrival.sequence:
                    self.sequences.note(device.id, arrival.boot, arrival.sequence)
                    batch.acks[device.id, arrival.boot] = arrival.device
        for refusal in rejected:
            self.shelf.keep(connection, arrival, refusal)
        batch.quarantined += len(rejected)
        if len(batch.rows) > before:
            batch.readers.append(arrival)
        elif rejected:
            self.tally.note(Fate.REFUSED, arrival, rejected[0].reason.value)
        elif arrival.knowledge or arrival.available is not None:
            self.tally.note(Fate.LEARNED, arrival)
        else:
            self.tally.note(Fate.NOTHING, arrival)

    def _rows(
        self, connection: sqlite3.Connection, device: _DeviceRow, arrival: Arrival, batch: _Batch
    ) -> tuple[Rejected, ...]:
        """Add an arrival's readings to the batch; return what its device has no room for."""
        refused: tuple[Rejected, ...] = ()
        for item in arrival.measured:
            key = (device.id, item.channel, item.quantity)
            point = self.points.get(key) or self._point(connection, key)
            if not point:
                name = f"{item.channel}/{item.quantity}"[:120]
                refused = (*refused, Rejected(RejectReason.TOO_MANY_POINTS, name))
                continue
            batch.rows.append((point, item.at_ms, item.ordinal, item.value, int(item.quality)))
            batch.sources.append(arrival)
        return refused

    def _count_readers(self, batch: _Batch, done: Inserted) -> None:
        note = self.tally.note
        if len(done.rows) == len(batch.rows):
            for arrival in batch.readers:
                note(Fate.STORED, arrival)
            return
        new = {id(arrival) for arrival in done.sources}
        fought = {id(arrival) for arrival, _ in done.conflicts}
        for arrival in batch.readers:
            if id(arrival) in new:
                note(Fate.STORED, arrival)
            elif id(arrival) in fought:
                note(Fate.REFUSED, arrival, RejectReason.CONFLICT.value)
            else:
                note(Fate.DUPLICATE, arrival)

    def _device(
        self, connection: sqlite3.Connection, arrival: Arrival, new_devices: list[int]
    ) -> _DeviceRow | None:
        device = self.devices.get(arrival.device)
        if device is None:
            # The site file may have brought it in since the caches were filled.
            row = connection.execute(
                "SELECT id, last_heard_ms FROM device WHERE key = ?", (arrival.device,)
            ).fetchone()
            if row is not None:
                device = self.devices[arrival.device] = _DeviceRow(id=row[0], heard_ms=row[1])
        if device is None:
            if self.heard >= _MAX_HEARD:
                return None
            cursor = connection.execute(
                "INSERT INTO device (key, driver, model, first_heard_ms, last_heard_ms, last_topic,"
                " last_payload, last_qos, messages) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
                (
                    arrival.device,
                    arrival.driver,
                    arrival.model,
                    arrival.received_ms,
                    arrival.received_ms,
                    arrival.topic,
                    arrival.payload[:4096],
                    arrival.qos,
                ),
            )
            device = _DeviceRow(id=cursor.lastrowid or 0)
            self.devices[arrival.device] = device
            self._set_available(
                connection, device, self.wills.pop(arrival.device, None), arrival.received_ms
            )
            self.heard += 1
            new_devices.append(device.id)
        if not arrival.retained:
            device.messages += 1
            device.heard_ms = max(device.heard_ms, arrival.received_ms)
            device.topic, device.payload = arrival.topic, arrival.payload
            device.qos = arrival.qos
        return device

    def _note(self, connection: sqlite3.Connection, arrival: Arrival, *, now_ms: int) -> None:
        """Keep what was learned, and what was said of a connection: that alone makes no device."""
        if arrival.knowledge:
            dialect.keep(connection, arrival.knowledge, now_ms=now_ms)
        if arrival.available is None:
            return
        device = self.devices.get(arrival.device)
        if device is not None:
            self._set_available(connection, device, arrival.available, now_ms)
        else:
            if len(self.wills) >= _MAX_WILLS:
                self.wills.clear()
            self.wills[arrival.device] = arrival.available

    def _set_available(
        self,
        connection: sqlite3.Connection,
        device: _DeviceRow,
        available: bool | None,  # noqa: FBT001  (a state with three values)
        at_ms: int,
    ) -> None:
        if available is not None and available != device.available:
            connection.execute(
                "UPDATE device SET available = ?, available_ms = ? WHERE id = ?",
                (available, at_ms, device.id),
            )
            device.available = available

    def _point(self, connection: sqlite3.Connection, key: tuple[int, str, str]) -> int:
        """Return the new point's id, 0 when the device has as many as anything real could have."""
        if self.points_of[key[0]] >= _MAX_POINTS:
            return 0
        cursor = connection.execute(
            "INSERT INTO point (device, channel, quantity) VALUES (?, ?, ?)", key
        )
        point = cursor.lastrowid or 0
        self.points[key] = point
        self.points_of[key[0]] += 1
        return point

    def _mark(self, connection: sqlite3.Connection, rows: Sequence[Row], *, now_ms: int) -> None:
        """Move the last values on, and remember which quarter-hours to compute again."""
        horizon = now_ms + _FUTURE_MS
        dirty, instants = self.dirty, self.latest
        latest: dict[int, Row] = {}
        marks: dict[tuple[int, int], int] = {}
        for row in rows:
            point, at_ms, _, _, quality = row
            if quality & _NOT_TRUTH:
                continue
            mark = (point, at_ms - at_ms % QUARTER_MS)
            if at_ms < dirty.get(mark, _NEVER_MS):
                # The earliest new reading tells whether the rollup can be added to.
                dirty[mark] = marks[mark] = at_ms
            newest = instants.get(point, -1)
            if (at_ms >= newest or newest > horizon) and at_ms <= horizon:
                instants[point] = at_ms
                latest[point] = row
        if marks:
            connection.executemany(
                "INSERT OR REPLACE INTO rollup_dirty (point, start_ms, from_ms) VALUES (?, ?, ?)",
                [(*mark, since) for mark, since in marks.items()],
            )
        if latest:
            connection.executemany(
                "INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?, ?)",
                [
                    (point, at, value, quality, now_ms)
                    for point, at, _, value, quality in latest.values()
                ],
            )

    def _flush_heard(
        self, connection: sqlite3.Connection, *, now_ms: int, everything: bool = False
    ) -> None:
        for device in self.devices.values():
            due = everything or not 0 <= now_ms - device.flushed_ms < _HEARD_FLUSH_MS
            if device.messages and due:
                connection.execute(
                    "UPDATE device SET last_heard_ms = ?, last_topic = ?, last_payload = ?,"
                    " last_qos = ?, messages = messages + ? WHERE id = ?",
                    (
                        device.heard_ms,
                        device.topic,
                        device.payload[:4096],
                        device.qos,
                        device.messages,
                        device.id,
                    ),
                )
                device.flushed_ms, device.messages = now_ms, 0

    def flush(self, connection: sqlite3.Connection, *, now_ms: int) -> None:
        """Write what is kept in memory about who was heard, and forget old deliveries."""
        self._flush_heard(connection, now_ms=now_ms, everything=True)
        self._prune(connection, now_ms=now_ms)

    def _prune(self, connection: sqlite3.Connection, *, now_ms: int) -> None:
        self.deliveries.prune(connection, now_ms=now_ms)
        self.shelf.load(connection)  # what was used since then makes room
        self.pruned_ms = now_ms


def _speaks(arrival: Arrival) -> bool:
    """Return whether a device itself sent this: readings, or a message that merely holds none."""
    if not arrival.device:
        return False
    if arrival.measured:
        return True
    return not arrival.rejected and not arrival.knowledge and arrival.available is None
