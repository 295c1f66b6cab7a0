"""Quarter-hours, hours and days, each time they are computed anew."""

import contextlib
import sqlite3
from collections.abc import Sequence
from typing import Any

from caretaker.measurements import ROLLUPS, time_ns
from caretaker.vocabulary import Period
from storage.influx.feeds.revisions import Revisions
from storage.influx.lines import BadNameError, Row, fields
from storage.influx.names import Names
from storage.influx.port import Moment


class Rollups(Revisions):
    """Feeds the rollups."""

    name = "rollups"
    measurements = tuple(item.name for item in ROLLUPS.values())
    table = "rollup"
    key = ("point", "period", "start_ms")
    wanted = (
        "point",
        "period",
        "start_ms",
        "end_ms",
        "count",
        "mean",
        "low",
        "high",
        "last",
        "amount",
        "estimated",
        "covered_ms",
        "revision",
    )

    def prepare(
        self, connection: sqlite3.Connection, names: Names, records: Sequence[dict[str, Any]]
    ) -> None:
        """Read the points again when one is new."""
        if any(record["point"] not in names.points for record in records):
            names.refresh(connection)

    def row(self, names: Names, record: dict[str, Any], moment: Moment) -> Row | None:
        """Return an interval as a row at its start."""
        start_ms, point = record["start_ms"], record["point"]
        if start_ms < moment.horizon_ms or point not in names.points:
            return None
        measurement = ROLLUPS[Period(record["period"])]
        try:
            head = names.point_series(point, measurement.name)
        except BadNameError as error:
            return Row("", start_ms, point, refused=f"bad-name: {error}")
        values = {name: record[name] for name in ("mean", "low", "high", "last", "amount")}
        values["estimated"] = record["estimated"]
        values["coverage"] = record["covered_ms"] / (record["end_ms"] - start_ms)
        values["count"] = record["count"]
        return Row(f"{head} {fields(values)} {time_ns(start_ms)}", start_ms)


class Gone:
    """Feeds rollups that no reading supports any more, as intervals without any data.

    A store cannot be asked to delete single points everywhere; an interval of count 0, coverage 0
    and amount 0 says the same to every reader.
    """

    name = "gone"
    shape = ""
    measurements: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._taken: list[tuple[int, str, int]] = []
        self._sent: set[tuple[int, str, int]] = set()

    def start(self, connection: sqlite3.Connection) -> None:
        """Take up where the journal says."""
        self._taken, self._sent = [], set()

    def restart(self, connection: sqlite3.Connection) -> None:
        """Forget what is gone: the store is empty."""
        connection.execute("DELETE FROM projection_gone")
        self.start(connection)

    def renamed(
        self, connection: sqlite3.Connection, *, devices: Sequence[int], points: Sequence[int]
    ) -> None:
        """Leave it: what is gone is not sent under a new name."""

    def take(
        self, connection: sqlite3.Connection, names: Names, *, moment: Moment, limit: int
    ) -> list[Row]:
        """Return what is gone and did not come back meanwhile."""
        found = connection.execute(
            "SELECT g.point, g.period, g.start_ms, r.point IS NULL FROM projection_gone g"
            " LEFT JOIN rollup r USING (point, period, start_ms) LIMIT ?",
            (limit + len(self._sent),),
        ).fetchall()
        wanted = [tuple(row) for row in found if (row[0], row[1], row[2]) not in self._sent]
        self._taken = [(row[0], row[1], row[2]) for row in wanted]
        empty = fields(dict.fromkeys(("amount", "estimated", "coverage", "count"), 0.0))
        rows = []
        for point, period, start_ms, gone in wanted:
            if not gone or start_ms < moment.horizon_ms or point not in names.points:
                continue
            with contextlib.suppress(BadNameError):
                head = names.point_series(point, ROLLUPS[Period(period)].name)
                rows.append(Row(f"{head} {empty} {time_ns(start_ms)}", start_ms))
        return rows

    def settle(self) -> None:
        """Remember what is sent."""
        self._sent.update(self._taken)
        self._taken = []

    def keep(self, connection: sqlite3.Connection) -> bool:
        """Forget what is sent."""
        if not self._sent:
            return False
        connection.executemany(
            "DELETE FROM projection_gone WHERE point = ? AND period = ? AND start_ms = ?",
            list(self._sent),
        )
        self._sent = set()
        return True
