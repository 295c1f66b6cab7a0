"""What every reading store promises; run against the journal, and against it with InfluxDB."""

import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS, Clock, ManualClock
from caretaker.config import SiteSettings
from caretaker.errors import StorageError
from caretaker.vocabulary import Arrival, DeviceStatus, Measured, Period, Quality
from ingest.metering import intervals
from storage import quarantine
from storage.influx.feeds import standard_feeds
from storage.influx.projection import Projection
from storage.influx.store import InfluxStore
from storage.journal import Journal
from tests import stores

NOW_MS = 1_788_220_800_000
ZONE = ZoneInfo("Asia/Shanghai")


Kept = Journal | InfluxStore
Maker = Callable[..., Kept]


@dataclass
class Opened:
    """The stores a test opened, to be closed after it."""

    influxdb: stores.Store | None
    closers: list[Callable[[], None]] = field(default_factory=list)

    def __call__(self, path: Path, *, clock: Clock | None = None) -> Kept:
        clock = clock or ManualClock(NOW_MS)
        journal = Journal(path, zone=ZONE, arithmetic=intervals, clock=clock)
        journal.open()
        if self.influxdb is None:
            self.closers.append(journal.close)
            return journal
        # Each has a site of its own in one bucket, as the schools of a district have.
        site = uuid.uuid4().hex
        server = self.influxdb.server(bucket="contract")
        feeds = standard_feeds(SiteSettings(id=site, zone=ZONE), figures=dict)
        projection = Projection(journal, server, site=site, feeds=feeds, clock=clock)
        projection.prepare()
        self.closers += [journal.close, projection.stop]
        return InfluxStore(journal, projection, server, site=site, zone=ZONE)

    def close(self) -> None:
        while self.closers:
            self.closers.pop()()


@pytest.fixture(params=["sqlite", "influxdb_1", "influxdb_2"])
def make(request: pytest.FixtureRequest) -> Iterator[Opened]:
    name: str = request.param
    opened = Opened(None if name == "sqlite" else request.getfixturevalue(name))
    yield opened
    opened.close()


@pytest.fixture
def store(make: Opened, tmp_path: Path) -> Kept:
    return make(tmp_path / "j.sqlite3")


def journal_of(store: Kept) -> Journal:
    return store if isinstance(store, Journal) else store.journal


def arrival(
    at_ms: int,
    value: float,
    *,
    device: str = "native:s/m",
    quantity: str = "energy",
    ordinal: int = 0,
    boot: str = "",
    sequence: tuple[int, ...] = (),
    quality: Quality = Quality.GOOD,
) -> Arrival:
    measured = Measured("", quantity, at_ms, value, quality, ordinal)
    return Arrival(
        topic="t",
        payload=f"{at_ms}:{value}".encode(),
        received_ms=NOW_MS,
        device=device,
        driver="native",
        measured=(measured,),
        boot=boot,
        sequence=sequence,
    )


def only_point(store: Kept) -> int:
    (point,) = store.points()
    return point.id


def test_the_same_reading_twice_is_one(store: Kept) -> None:
    first = store.append([arrival(NOW_MS, 1.0)])
    again = store.append([arrival(NOW_MS, 1.0), arrival(NOW_MS, 1.0)])
    assert (len(first.readings), len(again.readings), again.duplicates) == (1, 0, 2)
    assert len(store.history(only_point(store), start_ms=0, end_ms=2**50)) == 1


def test_another_value_at_the_same_instant_is_a_conflict_and_kept_aside(store: Kept) -> None:
    store.append([arrival(NOW_MS, 1.0)])
    answer = store.append([arrival(NOW_MS, 2.0)])
    assert answer.quarantined == 1
    with journal_of(store).reader() as connection:
        assert quarantine.counts(connection) == {"conflict": 1}
    assert [r.value for r in store.history(only_point(store), start_ms=0, end_ms=2**50)] == [1.0]


def test_two_received_in_one_millisecond_are_both_kept_and_once_each(store: Kept) -> None:
    for _ in range(2):
        for value in (3.6, 3.5):
            store.append([arrival(NOW_MS, value, quality=Quality.NO_CLOCK)])
    found = store.history(only_point(store), start_ms=0, end_ms=2**50)
    assert [r.value for r in found] == [3.6, 3.5]
    with journal_of(store).reader() as connection:
        assert quarantine.counts(connection) == {}


def test_the_latest_is_the_newest_good_one_whatever_the_order(store: Kept) -> None:
    for at_ms, value in ((NOW_MS - 1, 5.0), (NOW_MS - 9, 4.0), (NOW_MS - 5, 4.5)):
        store.append([arrival(at_ms, value)])
    store.append([arrival(NOW_MS, 99.0, quality=Quality.SUSPECT)])
    point = only_point(store)
    assert store.latest([point])[point].value == 5.0


def test_history_is_in_time_order_bounded_and_half_open(store: Kept) -> None:
    store.append([arrival(NOW_MS + n, float(n)) for n in (3, 1, 2, 0)])
    point = only_point(store)
    found = store.history(point, start_ms=NOW_MS, end_ms=NOW_MS + 3)
    assert [r.value for r in found] == [0.0, 1.0, 2.0]
    newest = store.history(point, start_ms=0, end_ms=2**50, limit=2)
    assert [r.value for r in newest] == [2.0, 3.0]


def test_a_new_device_is_heard_and_not_adopted(store: Kept) -> None:
    stored = store.append([arrival(NOW_MS, 1.0)])
    (device,) = store.devices()
    assert (device.status, stored.new_devices) == (DeviceStatus.HEARD, (device.id,))


def test_acknowledgements_name_the_last_number_without_a_gap(store: Kept) -> None:
    def send(number: int) -> tuple[tuple[str, str, int], ...]:
        one = arrival(NOW_MS + number, 1.0 * number, boot="b", sequence=(number,), ordinal=number)
        return store.append([one]).acks

    assert send(0) == (("native:s/m", "b", 0),)
    assert send(2) in {(), (("native:s/m", "b", 0),)}
    assert send(1) == (("native:s/m", "b", 2),)


def test_late_readings_correct_the_rollups_they_touch(store: Kept) -> None:
    base = NOW_MS - NOW_MS % DAY_MS
    store.append([arrival(base, 100.0), arrival(base + 2 * HOUR_MS, 120.0)])
    store.roll_up()
    point = only_point(store)

    def hours() -> list[float]:
        found = store.rollups(point, period=Period.HOUR, start_ms=base, end_ms=base + DAY_MS)
        return [round(item.amount, 6) for item in found if item.amount]

    assert hours() == [10.0, 10.0]  # nothing is known of the middle: spread evenly
    store.append([arrival(base + HOUR_MS, 118.0)])
    store.roll_up()
    assert hours() == [18.0, 2.0]


def test_what_is_closed_refuses_and_says_so(make: Opened, tmp_path: Path) -> None:
    store = make(tmp_path / "j.sqlite3")
    make.close()
    with pytest.raises(StorageError):
        store.append([arrival(NOW_MS, 1.0)])


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(st.tuples(st.integers(1, 90), st.integers(0, 50)), min_size=1, max_size=25),
    seed=st.integers(0, 2**16),
)
def test_order_repetition_and_batches_change_nothing(
    make: Opened, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int]], seed: int
) -> None:
    """I3: any permutation, repetition and split of the same arrivals gives the same store."""
    at_ms, total, arrivals = NOW_MS, 1000.0, []
    for wait, amount in steps:
        at_ms += wait * MINUTE_MS
        total += amount
        arrivals.append(arrival(at_ms, total))
    chance = random.Random(seed)
    mixed = arrivals + chance.sample(arrivals, k=chance.randint(0, len(arrivals)))
    chance.shuffle(mixed)
    states = []
    for order in (arrivals, mixed):
        store = make(tmp_path_factory.mktemp("j") / "j.sqlite3")
        sent = 0
        while sent < len(order):
            size = chance.randint(1, 7)
            store.append(order[sent : sent + size])
            sent += size
            if chance.random() < 0.3:
                store.roll_up()
        store.roll_up()
        point = only_point(store)
        rolled = [
            store.rollups(point, period=period, start_ms=0, end_ms=2**50) for period in Period
        ]
        readings = store.history(point, start_ms=0, end_ms=2**50)
        make.close()
        amounts = [[(i.start_ms, round(i.amount, 6), i.count) for i in r] for r in rolled]
        states.append((readings, amounts))
        stored_amounts = [i.amount for i in rolled[0]]
        moved = arrivals[-1].measured[0].value - arrivals[0].measured[0].value
        # of what is stored, not of the rounded amounts: their errors would add up
        assert sum(stored_amounts, 0.0) == pytest.approx(moved)
    assert states[0] == states[1]


def test_who_was_heard_is_written_soon_even_if_it_falls_silent(
    make: Opened, tmp_path: Path
) -> None:
    clock = ManualClock(NOW_MS)
    store = make(tmp_path / "j.sqlite3", clock=clock)
    for number in range(5):
        store.append([arrival(NOW_MS + number, 1.0 + number)])
    clock.advance(HOUR_MS)
    store.append([arrival(NOW_MS + HOUR_MS, 1.0, device="native:s/other")])
    with journal_of(store).reader() as connection:
        heard = connection.execute("SELECT messages FROM device ORDER BY id").fetchall()
        old = connection.execute("SELECT count(*) FROM delivery").fetchone()[0]
    assert heard[0][0] == 5
    assert old <= 6
