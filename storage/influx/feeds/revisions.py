"""Records that change: read behind a cursor over their growing `revision`."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from storage.influx import progress
from storage.influx.lines import Row
from storage.influx.names import Names
from storage.influx.port import Moment

_AGAIN_END = 2**62


def columns_of(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    """Return a table's columns; none when the table does not exist yet."""
    rows = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return frozenset(row[0] for row in rows)


class Revisions:
    """Feeds one table whose rows carry `revision`, growing with every write of a row.

    A subclass names the table and turns a record into a row. `renamed` sends the records of one
    owner (a point, a device) once more, in the order of the table's key, beside the cursor.
    """

    name = ""
    table = ""
    key: tuple[str, ...] = ()
    """The key's columns; the first is the owner that a new name concerns."""
    wanted: tuple[str, ...] = ()
    measurements: tuple[str, ...] = ()
    shape = ""

    def __init__(self) -> None:
        self._columns: tuple[str, ...] = ()
        self._position = 0
        self._taken: int | None = None
        self._moved = False
        self._again: list[int] = []
        self._after: tuple[Any, ...] | None = None
        self._taken_again: tuple[int, tuple[Any, ...] | None] | None = None
        self._sent_again: list[int] = []

    def start(self, connection: sqlite3.Connection) -> None:
        """Take up where the journal says; a table that is not there yet waits quietly."""
        there = columns_of(connection, self.table)
        self._columns = tuple(c for c in self.wanted if c in there) if "revision" in there else ()
        self._position, _ = progress.cursor(connection, self.name)
        self._taken, self._moved = None, False
        self._after, self._taken_again, self._sent_again = None, None, []
        self._again = [
            span.point
            for span in progress.spans(connection, self.name, now_ms=_AGAIN_END, limit=100_000)
        ]

    def restart(self, connection: sqlite3.Connection) -> None:
        """Send every record again."""
        progress.set_cursor(connection, self.name, 0, self.shape)
        connection.execute("DELETE FROM projection_span WHERE what = ?", (self.name,))
        self.start(connection)

    def renamed(
        self, connection: sqlite3.Connection, *, devices: Sequence[int], points: Sequence[int]
    ) -> None:
        """Send the records of these owners once more, if they belong to points or devices."""
        owners = {"point": points, "device": devices}.get(self.key[0], ())
        spans = [progress.Span(0, 0, owner) for owner in owners]
        progress.add_spans(connection, self.name, spans)
        self._again += [owner for owner in owners if owner not in self._again]

    def prepare(
        self, connection: sqlite3.Connection, names: Names, records: Sequence[dict[str, Any]]
    ) -> None:
        """Look up what `row` needs of the journal; nothing, for most tables."""

    def row(self, names: Names, record: dict[str, Any], moment: Moment) -> Row | None:
        """Return a record as a row; None where it is not for the store."""
        raise NotImplementedError

    def take(
        self, connection: sqlite3.Connection, names: Names, *, moment: Moment, limit: int
    ) -> list[Row]:
        """Return the rows of the next records: changed ones first, then those sent again."""
        if not self._columns:
            return []
        rows: list[Row] = []
        while not rows:
            found = self._changed(connection, limit) or self._repeated(connection, limit)
            if not found:
                return []
            self.prepare(connection, names, found)
            made = (self.row(names, record, moment) for record in found)
            rows = [row for row in made if row is not None]
            if not rows:
                self.settle()
        return rows

    def _select(self) -> str:
        return f"SELECT {', '.join(self._columns)} FROM {self.table}"  # noqa: S608  (constants)

    def _changed(self, connection: sqlite3.Connection, limit: int) -> list[dict[str, Any]]:
        select = self._select()
        found = connection.execute(
            f"{select} WHERE revision > ? ORDER BY revision LIMIT ?", (self._position, limit)
        ).fetchall()
        if not found:
            return []
        at = self._columns.index("revision")
        last = found[-1][at]
        if len(found) == limit:
            # Several records may share a revision: take the last one whole.
            whole = connection.execute(f"{select} WHERE revision = ?", (last,)).fetchall()
            found = [row for row in found if row[at] != last] + whole
        self._taken = last
        return [dict(zip(self._columns, row, strict=True)) for row in found]

    def _repeated(self, connection: sqlite3.Connection, limit: int) -> list[dict[str, Any]]:
        while self._again:
            owner = self._again[0]
            rest = self.key[1:]
            clause, values = f"{self.key[0]} = ?", [owner]
            if self._after is not None:
                clause += f" AND ({', '.join(rest)}) > ({', '.join('?' * len(rest))})"
                values += list(self._after)
            found = connection.execute(
                f"{self._select()} WHERE {clause} ORDER BY {', '.join(rest)} LIMIT ?",
                (*values, limit),
            ).fetchall()
            records = [dict(zip(self._columns, row, strict=True)) for row in found]
            full = len(found) == limit
            after = tuple(records[-1][name] for name in rest) if full else None
            self._taken_again = (owner, after)
            if records:
                return records
            self.settle()
        return []

    def settle(self) -> None:
        """Move the cursor behind what was taken."""
        if self._taken is not None:
            self._position, self._moved, self._taken = self._taken, True, None
        if self._taken_again is not None:
            owner, self._after = self._taken_again
            self._taken_again = None
            if self._after is None:
                self._again.remove(owner)
                self._sent_again.append(owner)

    def keep(self, connection: sqlite3.Connection) -> bool:
        """Write the cursor."""
        if not (self._moved or self._sent_again):
            return False
        progress.set_cursor(connection, self.name, self._position, self.shape)
        for owner in self._sent_again:
            progress.remove_span(connection, self.name, progress.Span(0, 0, owner))
        self._moved, self._sent_again = False, []
        return True
