"""A journal beside its copy in a real store, for the tests of copying."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from caretaker.clock import HOUR_MS, MINUTE_MS, ManualClock
from caretaker.config import Building, InfluxSettings, SiteSettings
from caretaker.vocabulary import Arrival, Measured, Quality
from ingest.metering import intervals
from storage.influx.feeds import standard_feeds
from storage.influx.projection import Projection
from storage.influx.server import Server
from storage.journal import Journal
from tests.stores import Store

NOW_MS = 1_788_220_800_000 + 5 * HOUR_MS
ZONE = ZoneInfo("Asia/Shanghai")


@dataclass
class Copied:
    """A journal and its copy, with a bucket and a site of their own."""

    store: Store
    folder: Path
    settings: InfluxSettings
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW_MS))
    site: str = field(default_factory=lambda: f"s{uuid.uuid4().hex[:8]}")
    pause: float = 0.01

    def open(self) -> None:
        self.journal = Journal(
            self.folder / "j.sqlite3", zone=ZONE, arithmetic=intervals, clock=self.clock
        )
        self.journal.open()
        self.follow()

    def follow(self) -> None:
        self.server = Server(self.settings, self.store.tokens, timeout_s=10, deadline_s=30)
        site = SiteSettings(id=self.site, zone=ZONE, buildings=(Building("a", "教学楼"),))
        self.projection = Projection(
            self.journal,
            self.server,
            site=self.site,
            feeds=standard_feeds(site, figures=dict),
            clock=self.clock,
            pause=lambda _: self.pause,
        )
        self.projection.prepare()

    def unfollow(self) -> None:
        self.projection.stop()

    def close(self) -> None:
        self.projection.stop()
        self.journal.close()

    def send(
        self,
        *values: tuple[int, float],
        device: str = "m",
        quantity: str = "power",
        ordinal: int = 0,
    ) -> None:
        self.journal.append(
            [
                Arrival(
                    "t",
                    b"x",
                    self.clock.now_ms(),
                    f"native:s/{device}",
                    "native",
                    (Measured("", quantity, at_ms, value, Quality.GOOD, ordinal),),
                )
                for at_ms, value in values
            ]
        )

    def flush(self) -> None:
        """Deliver everything; the names are looked at anew too."""
        self.projection._named_s = 0.0
        self.projection.flush(patience_s=20)
        self.projection.keep()

    def rows(self, measurement: str = "power", *, raw: bool = True, what: str = "*") -> list[Any]:
        text = f'SELECT {what} FROM "{measurement}" WHERE "site" = \'{self.site}\''
        found: list[Any] = []
        for series in self.server.query(text, raw=raw):
            found += [dict(zip(series.columns, row, strict=True)) for row in series.rows]
        return found


@pytest.fixture(params=["influxdb_1", "influxdb_2"])
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def copied(store: Store, tmp_path: Path) -> Iterator[Copied]:
    settings = replace(store.settings, bucket=f"b{uuid.uuid4().hex[:8]}")
    made = Copied(store, tmp_path, settings)
    made.open()
    yield made
    made.close()


def hours(count: int, *, every_ms: int = 10 * MINUTE_MS) -> list[tuple[int, float]]:
    first = NOW_MS - count * HOUR_MS
    return [(at, float(at % 977)) for at in range(first, NOW_MS, every_ms)]
