"""Quarter-hours, hours and days, each time they are computed anew."""

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
