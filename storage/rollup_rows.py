"""The rows of the rollup tables: read, compared, and written only where they changed."""

import sqlite3
from collections.abc import Iterable, Sequence

from msgspec.structs import astuple

from caretaker.clock import QUARTER_MS
from caretaker.vocabulary import Period, Quality
from storage.port import Facts, Interval, Row, Standing

BAD = int(Quality.SUSPECT | Quality.RETAINED)
"""Readings with one of these are kept and shown, and never counted."""

_COLUMNS = (
    "start_ms, end_ms, count, mean, low, high, last, amount, estimated, covered_ms, reason,"
    " edited, original"
)
_REVISION = "rollup.revision"
Spans = Sequence[tuple[int, int]]


def load(
    connection: sqlite3.Connection, point: int, period: Period, start_ms: int, end_ms: int
) -> list[Interval]:
    """Return the stored intervals of a point that start in [start_ms, end_ms)."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM rollup"  # noqa: S608  (a constant column list)
        " WHERE point = ? AND period = ? AND start_ms >= ? AND start_ms < ? ORDER BY start_ms",
        (point, period.value, start_ms, end_ms),
    )
    return [Interval(*row) for row in rows]


class Writer:
    """Writes rows with a revision that grows with each, so that a follower sees every change."""

    def __init__(self) -> None:
        self._revision = self._saved = -1

    def forget(self) -> None:
        """Read the newest revision again before the next row."""
        self._revision = self._saved = -1

    def save(self, connection: sqlite3.Connection) -> None:
        """Keep the newest revision, in the transaction that wrote the rows."""
        if self._revision != self._saved:
            connection.execute(
                "INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)",
                (_REVISION, str(self._revision)),
            )
            self._saved = self._revision

    def put(
        self, connection: sqlite3.Connection, point: int, period: Period, items: Iterable[Interval]
    ) -> None:
        """Write rows, in place of those that start at the same time."""
        if self._revision < 0:
            row = connection.execute(
                "SELECT value FROM setting WHERE key = ?", (_REVISION,)
            ).fetchone()
            self._revision = self._saved = int(row[0]) if row else 0
        name = period.value
        rows = [
            (point, name, *astuple(item), revision)
            for revision, item in enumerate(items, start=self._revision + 1)
        ]
        self._revision += len(rows)
        if rows:
            connection.executemany(
                f"INSERT OR REPLACE INTO rollup (point, period, {_COLUMNS}, revision)"  # noqa: S608
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def replace(
        self,
        connection: sqlite3.Connection,
        point: int,
        period: Period,
        items: Sequence[Interval],
        *,
        start_ms: int,
        end_ms: int,
    ) -> list[int]:
        """Make [start_ms, end_ms) hold exactly these rows; return the starts of all that changed.

        Those that are gone are among them.
        """
        before = {i.start_ms: i for i in load(connection, point, period, start_ms, end_ms)}
        changed = [item for item in items if before.get(item.start_ms) != item]
        self.put(connection, point, period, changed)
        gone = before.keys() - {item.start_ms for item in items}
        self.delete(connection, point, period, gone)
        return sorted(gone.union(item.start_ms for item in changed))

    def delete(
        self, connection: sqlite3.Connection, point: int, period: Period, starts: Iterable[int]
    ) -> None:
        """Remove rows that no reading supports any more."""
        connection.executemany(
            "DELETE FROM rollup WHERE point = ? AND period = ? AND start_ms = ?",
            [(point, period.value, start) for start in starts],
        )


def good_rows(
    connection: sqlite3.Connection,
    point: int,
    *,
    after: tuple[int, int],
    until_ms: int,
    out: Spans = (),
) -> Iterable[Row]:
    """Yield the good readings with (at_ms, ordinal) > `after` and at_ms < `until_ms`, in order."""
    text, values = _without(out)
    sql = (
        "SELECT at_ms, ordinal, value FROM reading"  # noqa: S608  (constant parts)
        " WHERE point = ? AND (at_ms, ordinal) > (?, ?)"
        " AND at_ms < ? AND quality & ? = 0" + text + " ORDER BY at_ms, ordinal"
    )
    return connection.execute(sql, (point, *after, until_ms, BAD, *values))


def newest_rows(
    connection: sqlite3.Connection, point: int, *, before_ms: int, most: int, out: Spans = ()
) -> list[Row]:
    """Return the last good readings before an instant, the oldest first."""
    text, values = _without(out)
    sql = (
        "SELECT at_ms, ordinal, value FROM reading"  # noqa: S608  (constant parts)
        " WHERE point = ? AND at_ms < ?"
        " AND quality & ? = 0" + text + " ORDER BY at_ms DESC, ordinal DESC LIMIT ?"
    )
    rows = connection.execute(sql, (point, before_ms, BAD, *values, most)).fetchall()
    return [(row[0], row[1], row[2]) for row in reversed(rows)]


def _without(spans: Spans) -> tuple[str, list[int]]:
    text = "".join(" AND NOT (at_ms >= ? AND at_ms < ?)" for _ in spans)
    return text, [edge for span in spans for edge in span]


def left_out(facts: Facts) -> list[tuple[int, int]]:
    """Return the times whose readings a person left out."""
    return [(c.start_ms, c.end_ms) for c in facts.corrections if c.amount is None]


def standing_before(
    connection: sqlite3.Connection, point: int, *, lookback: int, facts: Facts, at_ms: int
) -> tuple[Standing | None, list[Row], list[Row]]:
    """Return (standing, newest readings, readings after the standing) before an instant."""
    out = left_out(facts)
    newest = newest_rows(connection, point, before_ms=at_ms, most=lookback, out=out)
    if not newest:
        return None, [], []
    standing = standing_at(connection, point, newest[-1][0] - newest[-1][0] % QUARTER_MS)
    if standing is None:
        return None, newest, []
    key = (standing.at_ms, standing.ordinal)
    rows = good_rows(connection, point, after=key, until_ms=at_ms, out=out)
    return standing, newest, [(row[0], row[1], row[2]) for row in rows]


def keep_standing(
    connection: sqlite3.Connection, point: int, start_ms: int, standing: Standing | None
) -> None:
    """Remember the standing after a quarter-hour; the plain one follows from the readings."""
    if standing is None:
        connection.execute(
            "DELETE FROM meter_state WHERE point = ? AND start_ms = ?", (point, start_ms)
        )
        return
    connection.execute(
        "INSERT OR REPLACE INTO meter_state (point, start_ms, at_ms, ordinal, value, below,"
        " below_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            point,
            start_ms,
            standing.at_ms,
            standing.ordinal,
            standing.value,
            standing.below,
            standing.below_ms,
        ),
    )


def standing_at(connection: sqlite3.Connection, point: int, start_ms: int) -> Standing | None:
    """Return the standing after a quarter-hour, None when it is the plain one."""
    row = connection.execute(
        "SELECT at_ms, ordinal, value, below, below_ms FROM meter_state"
        " WHERE point = ? AND start_ms = ?",
        (point, start_ms),
    ).fetchone()
    return None if row is None else Standing(*row)


def mark(
    connection: sqlite3.Connection,
    point: int,
    *,
    start_ms: int = 0,
    end_ms: int = 2**53,
    readings: bool = False,
) -> None:
    """Have a point computed again in [start_ms, end_ms), in the next transactions.

    `readings`: also where readings are that nothing was counted of so far.
    """
    first = start_ms - start_ms % QUARTER_MS
    if readings:
        connection.execute(
            "INSERT OR REPLACE INTO rollup_dirty (point, start_ms, from_ms)"
            " SELECT DISTINCT point, at_ms - at_ms % ?, at_ms - at_ms % ? FROM reading"
            " WHERE point = ? AND at_ms >= ? AND at_ms < ?",
            (QUARTER_MS, QUARTER_MS, point, first, end_ms),
        )
    connection.execute(
        "INSERT OR REPLACE INTO rollup_dirty (point, start_ms, from_ms)"
        " SELECT point, start_ms, start_ms FROM rollup"
        " WHERE point = ? AND period = ? AND start_ms >= ? AND start_ms < ?",
        (point, Period.QUARTER_HOUR.value, first, end_ms),
    )
    starts = {first} if start_ms else set()
    if end_ms < 2**53:
        starts.update((first, (end_ms - 1) - (end_ms - 1) % QUARTER_MS))
    connection.executemany(
        "INSERT OR REPLACE INTO rollup_dirty (point, start_ms, from_ms) VALUES (?, ?, ?)",
        [(point, start, start) for start in starts],
    )
