"""Raw readings as they come: behind a cursor for each point, and from the log of late ones."""

import sqlite3
import threading
from collections.abc import Iterable, Sequence

from caretaker.clock import HOUR_MS
from caretaker.measurements import RAW, time_ns
from storage.influx import progress
from storage.influx.lines import BadNameError, Row, in_range
from storage.influx.names import Names
from storage.influx.port import Moment
from storage.late import NEWEST

_A_POINT = 1_000
_BEFORE = (-(2**62), 0)
_INFINITE = float("inf")


def row_of(
    names: Names, *, point: int, at_ms: int, ordinal: int, value: float, quality: int
) -> Row:
    """Return a reading as a row; one that cannot be written says why."""
    try:
        head = names.raw(point)
    except BadNameError as error:
        return Row("", at_ms, point, raw=True, refused=f"bad-name: {error}")
    at_ns = time_ns(at_ms, ordinal)
    line = f"{head} value={value!r},quality={quality} {at_ns}"
    if not in_range(at_ns):
        return Row(line, at_ms, point, raw=True, refused="bad-time: no store holds this instant")
    if not -_INFINITE < value < _INFINITE:
        return Row(line, at_ms, point, raw=True, refused="not-finite")
    return Row(line, at_ms, point, raw=True)


class Readings:
    """Feeds new readings in key order for each point, and late ones from their log."""

    name = "readings"
    shape = ""
    measurements = tuple(item.name for item in RAW.values())

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._new: dict[int, None] = {}
        self._look_for_late = True
        self.drained = False
        """Whether the last `take` returned all that was new when it was called."""
        self._heads: dict[int, tuple[int, int]] = {}
        # What the last `take` returned, until it is settled.
        self._taken: dict[int, tuple[int, int]] = {}
        self._more: list[int] = []
        self._taken_late: list[tuple[int, int, int]] = []
        self._taken_hours: set[int] = set()
        # What is settled and not yet kept.
        self._moved: set[int] = set()
        self._sent_late: set[tuple[int, int, int]] = set()
        self._hours: set[int] = set()

    def changed(self, points: Iterable[int]) -> None:
        """Learn which points have new readings; called by the journal's writer."""
        with self._lock:
            self._look_for_late = True
            self._new.update(dict.fromkeys(points))

    @property
    def idle(self) -> bool:
        """Whether every reading that was told of is in the store."""
        return not (self._new or self._taken or self._taken_late or self._look_for_late)

    def start(self, connection: sqlite3.Connection) -> None:
        """Take up where the journal says."""
        self._heads = {
            row[0]: (row[1], row[2])
            for row in connection.execute("SELECT point, at_ms, ordinal FROM projection_point")
        }
        self._moved, self._sent_late, self._hours = set(), set(), set()
        self._clear()
        self.changed(row[0] for row in connection.execute("SELECT id FROM point").fetchall())

    def restart(self, connection: sqlite3.Connection) -> None:
        """Follow from now on; all that is there already is queued by days, the newest first."""
        connection.execute("DELETE FROM projection_late")
        connection.execute("DELETE FROM projection_point")
        connection.execute(f"INSERT INTO projection_point {NEWEST}")
        progress.add_spans(connection, "send", progress.days_of_readings(connection))
        self.start(connection)

    def _clear(self) -> None:
        self._taken, self._more, self._taken_late, self._taken_hours = {}, [], [], set()

    def _next(self) -> int | None:
        """Return a point with new readings; what comes while it is read puts it in again."""
        with self._lock:
            for point in self._new:
                del self._new[point]
                return point
        return None

    def renamed(
        self, connection: sqlite3.Connection, *, devices: Sequence[int], points: Sequence[int]
    ) -> None:
        """Leave the past to the queue of stretches."""

    def take(
        self, connection: sqlite3.Connection, names: Names, *, moment: Moment, limit: int
    ) -> list[Row]:
        """Return rows of points with new readings, then late ones.

        `connection` has read nothing yet: what is marked as new after its snapshot is taken by
        the next call, and what was marked before is in it.
        """
        self.untake()
        points: list[int] = []
        while len(points) < limit:
            point = self._next()
            if point is None:
                break
            points.append(point)
        late, self._look_for_late = self._look_for_late, False
        rows: list[Row] = []
        for point in points:
            self._take_point(connection, names, moment, point, rows, limit)
        more_late = late and self._take_late(connection, names, moment, rows, limit)
        self.drained = len(points) < limit and not self._more and not more_late
        return rows

    def _take_point(
        self,
        connection: sqlite3.Connection,
        names: Names,
        moment: Moment,
        point: int,
        rows: list[Row],
        limit: int,
    ) -> None:
        size = min(_A_POINT, limit - len(rows))
        if size <= 0:
            self._more.append(point)
            return
        found = connection.execute(
            "SELECT at_ms, ordinal, value, quality FROM reading WHERE point = ?"
            " AND (at_ms, ordinal) > (?, ?) ORDER BY at_ms, ordinal LIMIT ?",
            (point, *self._heads.get(point, _BEFORE), size),
        ).fetchall()
        if not found:
            return
        if point not in names.points:
            names.refresh(connection)
        self._taken[point] = (found[-1][0], found[-1][1])
        if len(found) == size:
            self._more.append(point)
        self._add(names, moment, [(point, *row) for row in found], rows)

    def _take_late(
        self,
        connection: sqlite3.Connection,
        names: Names,
        moment: Moment,
        rows: list[Row],
        limit: int,
    ) -> bool:
        room = max(limit - len(rows), 1)
        found = connection.execute(
            # CROSS JOIN keeps the order: the log is short, the readings are many.
            "SELECT point, at_ms, ordinal, value, quality FROM projection_late"
            " CROSS JOIN reading USING (point, at_ms, ordinal) LIMIT ?",
            (room + len(self._sent_late),),
        ).fetchall()
        wanted = [row for row in found if (row[0], row[1], row[2]) not in self._sent_late]
        self._taken_late = [(row[0], row[1], row[2]) for row in wanted]
        more = len(wanted) >= room
        self._look_for_late = self._look_for_late or more
        self._add(names, moment, wanted, rows)
        return more

    def _add(
        self,
        names: Names,
        moment: Moment,
        found: Iterable[tuple[int, int, int, float, int]],
        rows: list[Row],
    ) -> None:
        for point, at_ms, ordinal, value, quality in found:
            if at_ms < moment.raw_horizon_ms:
                continue
            self._taken_hours.add(at_ms - at_ms % HOUR_MS)
            rows.append(
                row_of(
                    names, point=point, at_ms=at_ms, ordinal=ordinal, value=value, quality=quality
                )
            )

    def settle(self) -> None:
        """Move the cursors over what was taken."""
        self._heads.update(self._taken)
        self._moved.update(self._taken)
        self._sent_late.update(self._taken_late)
        self._hours |= self._taken_hours
        with self._lock:
            self._new.update(dict.fromkeys(self._more))
        self._clear()

    def untake(self) -> None:
        """Take again what was taken and never settled."""
        if self._taken or self._more or self._taken_late:
            self.changed([*self._taken, *self._more])
        self._clear()

    def keep(self, connection: sqlite3.Connection) -> bool:
        """Write cursors, forget late readings that are sent, queue the hours to be checked."""
        if not (self._moved or self._sent_late or self._hours):
            return False
        connection.executemany(
            "INSERT OR REPLACE INTO projection_point (point, at_ms, ordinal) VALUES (?, ?, ?)",
            [(point, *self._heads[point]) for point in self._moved],
        )
        connection.executemany(
            "DELETE FROM projection_late WHERE point = ? AND at_ms = ? AND ordinal = ?",
            list(self._sent_late),
        )
        progress.add_spans(connection, "check", [progress.hour(at_ms) for at_ms in self._hours])
        self._moved, self._sent_late, self._hours = set(), set(), set()
        return True
