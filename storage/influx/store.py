"""A reading store whose long history is read from InfluxDB, beside the journal that promises."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from caretaker.clock import HOUR_MS, QUARTER_MS
from caretaker.measurements import NS_PER_MS, RAW, ROLLUPS, point_tag
from caretaker.vocabulary import Arrival, Device, Period, Point, Reading, quality_of
from storage.influx.influxql import Series, select
from storage.influx.projection import Projection
from storage.influx.server import Server
from storage.journal import Journal
from storage.port import Interval, Stored
from storage.rollup import day_edges

_ROLLUP_FIELDS = ("mean", "low", "high", "last", "amount", "estimated", "coverage", "count")
_LENGTHS = {Period.QUARTER_HOUR: QUARTER_MS, Period.HOUR: HOUR_MS}


class InfluxStore:
    """Keeps readings in the journal and in InfluxDB, and reads history and rollups from there.

    `append` returns when both hold the batch. What judges (devices, the latest values) comes from
    the journal: an alert never waits for a store. An interval read here has no `reason`: a store
    of floats holds none.
    """

    def __init__(
        self,
        journal: Journal,
        projection: Projection,
        server: Server,
        *,
        site: str,
        zone: ZoneInfo,
        patience_s: float = 30.0,
    ) -> None:
        self.journal = journal
        self._projection = projection
        self._server = server
        self._site = site
        self._zone = zone
        self._patience_s = patience_s

    def append(self, arrivals: Sequence[Arrival]) -> Stored:
        """Store a batch; return when it is durable in the journal and taken by InfluxDB.

        Raises StorageError when the journal kept nothing, or InfluxDB took nothing in time: then
        the batch is safe in the journal and follows by itself.
        """
        stored = self.journal.append(arrivals)
        self._projection.flush(patience_s=self._patience_s)
        return stored

    def roll_up(self) -> int:
        """Compute every dirty interval now and write it; return how many were dirty."""
        total = self.journal.roll_up()
        self._projection.flush(patience_s=self._patience_s)
        return total

    def devices(self) -> list[Device]:
        """Return every device, heard or adopted."""
        return self.journal.devices()

    def points(self, device: int | None = None) -> list[Point]:
        """Return the points of one device, or all."""
        return self.journal.points(device)

    def latest(self, points: Iterable[int]) -> Mapping[int, Reading]:
        """Return the newest good reading of each point, from the journal."""
        return self.journal.latest(points)

    def history(
        self, point: int, *, start_ms: int, end_ms: int, limit: int = 10_000
    ) -> list[Reading]:
        """Return raw readings in [start_ms, end_ms) in time order, the newest `limit` of them."""
        tags, quantity = self._tags(point)
        text = select(
            RAW[quantity].name,
            ("value", "quality"),
            tags=tags,
            start_ns=_bounded(start_ms),
            end_ns=_bounded(end_ms),
            tail=f" ORDER BY time DESC LIMIT {limit:d}",
        )
        found = [
            Reading(point, int(at_ns) // NS_PER_MS, float(value), quality_of(int(quality or 0)))
            for at_ns, value, quality in _rows(self._server.query(text, raw=True))
        ]
        found.reverse()
        return found

    def rollups(self, point: int, *, period: Period, start_ms: int, end_ms: int) -> list[Interval]:
        """Return the intervals that start in [start_ms, end_ms), late data included."""
        tags, quantity = self._tags(point)
        text = select(
            ROLLUPS[period].name,
            _ROLLUP_FIELDS,
            tags=tags | {"quantity": quantity},
            start_ns=_bounded(start_ms),
            end_ns=_bounded(end_ms),
        )
        found = []
        for at_ns, *values in _rows(self._server.query(text)):
            named = {
                name: float(value or 0.0)
                for name, value in zip(_ROLLUP_FIELDS, values, strict=True)
            }
            start = int(at_ns) // NS_PER_MS
            end = start + _LENGTHS[period] if period in _LENGTHS else self._midnight_after(start)
            covered = round(named.pop("coverage") * (end - start))
            count = int(named.pop("count"))
            found.append(
                Interval(
                    start,
                    end,
                    count=count,
                    mean=named["mean"],
                    low=named["low"],
                    high=named["high"],
                    last=named["last"],
                    amount=named["amount"],
                    estimated=named["estimated"],
                    covered_ms=covered,
                )
            )
        return found

    def query(self, text: str, *, raw: bool = False) -> Iterator[Series]:
        """Yield the series of an InfluxQL query, times in ns. Raises QueryError."""
        yield from self._server.query(text, raw=raw)

    def _tags(self, point: int) -> tuple[dict[str, str], str]:
        with self.journal.reader() as connection:
            row = connection.execute(
                "SELECT d.key, p.channel, p.quantity FROM point p JOIN device d ON d.id = p.device"
                " WHERE p.id = ?",
                (point,),
            ).fetchone()
        tags = {"site": self._site, "device": str(row[0]), "point": point_tag(str(row[1]))}
        return tags, str(row[2])

    def _midnight_after(self, start_ms: int) -> int:
        return next(edge for edge in day_edges(start_ms, start_ms, self._zone) if edge > start_ms)


def _bounded(at_ms: int) -> int:
    """Return an instant as nanoseconds that a store can hold.

    >>> _bounded(2**50) < 2**63
    True
    """
    return max(min(at_ms * NS_PER_MS, 2**63 - 2), -(2**63) + 2)


def _rows(series: Iterator[Series]) -> Iterator[list[Any]]:
    for item in series:
        yield from item.rows
