"""Long history from the journal and from InfluxDB, side by side: python -m tests.bench.queries.

Fills a year of rollups of many meters, copies them, and asks both stores the same things. The
boards' own queries are timed by tests.bench.boards.
"""

import argparse
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from caretaker.clock import DAY_MS, HOUR_MS, ManualClock
from caretaker.config import SiteSettings
from caretaker.vocabulary import Period
from ingest.metering import intervals
from storage.influx.feeds import standard_feeds
from storage.influx.influxql import select
from storage.influx.projection import Projection
from storage.influx.store import InfluxStore
from storage.journal import Journal
from tests import stores
from tests.conftest import program

ZONE = ZoneInfo("Asia/Shanghai")
END_MS = 1_795_622_400_000  # midnight in Shanghai
SITE = "bench"

Ask = Callable[[int], int]
"""Asks the n-th time and returns how many rows came."""


def fill(journal: Journal, meters: int, days: int) -> int:
    """Write a year of hourly and daily rollups as the journal keeps them; return the rows."""

    def rows(point: int) -> Iterator[tuple[object, ...]]:
        for period, step, count in ((Period.HOUR, HOUR_MS, 4), (Period.DAY, DAY_MS, 96)):
            for start in range(END_MS - days * DAY_MS, END_MS, step):
                amount = 1.0 + (start // step + point) % 17
                yield (point, period.value, start, start + step, count, amount, step)

    def describe(connection: sqlite3.Connection) -> None:
        for number in range(1, meters + 1):
            connection.execute(
                "INSERT INTO device (id, key, driver, name) VALUES (?, ?, 'native', ?)",
                (number, f"native:s/m{number}", f"meter {number}"),
            )
            connection.execute(
                "INSERT INTO point (id, device, channel, quantity) VALUES (?, ?, '', 'energy')",
                (number, number),
            )

    def write(connection: sqlite3.Connection, made: list[tuple[object, ...]]) -> None:
        connection.executemany(
            "INSERT INTO rollup (point, period, start_ms, end_ms, count, amount, covered_ms,"
            " mean, low, high, last, estimated, revision)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, ?)",
            made,
        )

    journal.call(describe)
    total = 0
    for point in range(1, meters + 1):
        made = [(*row, total + n + 1) for n, row in enumerate(rows(point))]
        total += len(made)
        journal.call(partial(write, made=made))
    return total


def asks(store: Journal | InfluxStore, meters: int, days: int) -> dict[str, Ask]:
    """Return the questions in one store's words."""
    start_ms = END_MS - days * DAY_MS

    def one(period: Period, since_ms: int) -> Ask:
        return lambda n: len(
            store.rollups(1 + n * 37 % meters, period=period, start_ms=since_ms, end_ms=END_MS)
        )

    found = {
        "one meter, days of a year": one(Period.DAY, start_ms),
        "one meter, hours of a month": one(Period.HOUR, END_MS - 30 * DAY_MS),
        "one meter, hours of a year": one(Period.HOUR, start_ms),
    }
    if isinstance(store, Journal):
        return found | {
            "all meters, days of a month": lambda n: _sql(store, END_MS - 30 * DAY_MS),
            "all meters, days of a year": lambda n: _sql(store, start_ms),
        }
    return found | {
        "all meters, days of a month": lambda n: _influxql(store, END_MS - 30 * DAY_MS),
        "all meters, days of a year": lambda n: _influxql(store, start_ms),
    }


def _sql(journal: Journal, since_ms: int) -> int:
    with journal.reader() as connection:
        return len(
            connection.execute(
                "SELECT p.id, r.start_ms, r.amount FROM point p"
                " CROSS JOIN rollup r ON r.point = p.id"
                " AND r.period = 'day' AND r.start_ms >= ? AND r.start_ms < ?",
                (since_ms, END_MS),
            ).fetchall()
        )


def _influxql(store: InfluxStore, since_ms: int) -> int:
    text = select(
        "rollup_1d",
        ("amount",),
        tags={"site": SITE},
        start_ns=since_ms * 10**6,
        end_ns=END_MS * 10**6,
        tail=' GROUP BY "device"',
    )
    return sum(len(series.rows) for series in store.query(text))


def measure(ask: Ask, times: int) -> tuple[int, list[float]]:
    """Return (rows of the last answer, seconds of each)."""
    taken, rows = [], 0
    for number in range(times):
        begun = time.perf_counter()
        rows = ask(number)
        taken.append((time.perf_counter() - begun) * 1_000)
    return rows, taken


def main() -> None:
    """Fill, copy, ask, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--meters", type=int, default=200)
    options.add_argument("--days", type=int, default=365)
    options.add_argument("--times", type=int, default=40)
    options.add_argument("--influxd", default="", help="an influxd of version 2")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="caretaker-bench-") as folder:
        home = Path(folder)
        run = stores.influxd_2 if chosen.influxd else stores.influxd_1
        with run(chosen.influxd or program("influxd"), home / "influxdb") as server_of:
            clock = ManualClock(END_MS)
            journal = Journal(home / "j.sqlite3", zone=ZONE, arithmetic=intervals, clock=clock)
            journal.open()
            begun = time.perf_counter()
            rows = fill(journal, chosen.meters, chosen.days)
            said = time.perf_counter()
            sys.stdout.write(f"{rows:,} rollups in the journal in {said - begun:.0f} s\n")
            server = server_of.server()
            feeds = standard_feeds(SiteSettings(id=SITE, zone=ZONE), figures=dict)
            projection = Projection(journal, server, site=SITE, feeds=feeds, clock=clock)
            projection.prepare()
            projection.flush()
            took = time.perf_counter() - said
            sys.stdout.write(f"copied in {took:.0f} s, {rows / took:,.0f} rows a second\n")
            influx = InfluxStore(journal, projection, server, site=SITE, zone=ZONE)
            everything: dict[str, list[float]] = {}
            for name, store in (("journal", journal), ("InfluxDB", influx)):
                for question, ask in asks(store, chosen.meters, chosen.days).items():
                    count, taken = measure(ask, chosen.times)
                    everything.setdefault(name, []).extend(taken)
                    cut = statistics.quantiles(taken, n=20)
                    sys.stdout.write(
                        f"{name:9} {question:30} {count:7,} rows  p50 {cut[9]:7.1f} ms"
                        f"  p95 {cut[18]:7.1f} ms\n"
                    )
            for name, taken in everything.items():
                cut = statistics.quantiles(taken, n=20)
                sys.stdout.write(f"{name:9} {'all':30} {'':7}       p95 {cut[18]:7.1f} ms\n")
            projection.stop()
            journal.close()


if __name__ == "__main__":
    main()
