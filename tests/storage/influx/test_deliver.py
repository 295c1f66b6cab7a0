"""F12, F13: every answer a store can give, and nothing lost by any."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker.clock import SystemClock
from caretaker.config import InfluxSettings
from storage.influx.deliver import Delivery, EmptiedError, StoppedError
from storage.influx.lines import Row
from storage.influx.server import Server, Tokens
from tests.storage.influx.fake import STORED, FakeStore, Reply, Rule, deaf_port, fake_store

Deliver = Callable[..., Delivery]


def rows(number: int) -> list[Row]:
    return [
        Row(f"power,site=s,device=d value={n}.0 {n}", n, point=1, raw=True) for n in range(number)
    ]


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def deliver(stop: threading.Event) -> Iterator[Deliver]:
    opened: list[Server] = []

    def make(url: str, *, version: str = "2", deadline_s: float = 20.0, **options: int) -> Delivery:
        server = Server(
            InfluxSettings(url=url, version=version),
            Tokens("w", "r"),
            timeout_s=min(5.0, deadline_s),
            deadline_s=deadline_s,
        )
        opened.append(server)
        return Delivery(server, clock=SystemClock(), stop=stop, pause=lambda _: 0.01, **options)

    yield make
    for server in opened:
        server.close()


def first(count: int, reply: Reply) -> Rule:
    """Answer `count` writes with `reply`, then store."""
    left = [count]

    def rule(store: FakeStore, lines: list[str]) -> Reply:
        if left[0]:
            left[0] -= 1
            return reply
        return store.keep(lines)

    return rule


PASSING: list[tuple[str, Reply]] = [
    ("429", (429, "slow down", {"Retry-After": "0"})),
    ("429 without a time", (429, "slow down", {})),
    ("503", (503, "starting", {"Retry-After": "0"})),
    ("500", (500, "engine: cache-max-memory-size exceeded", {})),
    ("502 of a proxy", (502, "<html>bad gateway</html>", {})),
    ("401", (401, '{"code":"unauthorized"}', {})),
    ("403", (403, '{"code":"forbidden"}', {})),
    ("404 of something else", (404, "<html>nginx</html>", {})),
    ("302", (302, "", {"Location": "http://127.0.0.1:1/login"})),
    ("a status of its own", (299 + 300, "?", {})),
]


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize(("name", "reply"), PASSING, ids=[name for name, _ in PASSING])
def test_what_passes_is_waited_out_and_told(
    deliver: Deliver, name: str, reply: Reply, version: str
) -> None:
    with fake_store(first(3, reply)) as store:
        delivery = deliver(store.url, version=version)
        told: list[str] = []
        original = delivery._wait

        def note(*args: object, **named: object) -> None:
            try:
                original(*args, **named)  # type: ignore[arg-type]
            finally:
                told.append(delivery.failing)

        delivery._wait = note  # type: ignore[method-assign]
        assert delivery.send(rows(20)) == []
    assert store.lines == {row.line for row in rows(20)}
    assert len(told) == 3
    assert str(reply[0]) in told[0]
    assert delivery.failing == ""


def test_retry_after_is_honoured(deliver: Deliver) -> None:
    with fake_store(first(1, (429, "", {"Retry-After": "1"}))) as store:
        deliver(store.url).send(rows(1))
    (before, _), (after, _) = store.requests
    assert after - before >= 0.95


@settings(max_examples=12, deadline=None)
@given(bad=st.sets(st.integers(0, 99), max_size=6), whole=st.booleans(), status=st.booleans())
def test_partial_refusals_are_bisected_to_the_bad_rows(
    bad: set[int], whole: bool, status: bool
) -> None:
    """C3: a 400 or 422 names no rows; the good ones are stored, the bad ones set aside."""
    refused = {rows(100)[n].line for n in bad}

    def rule(store: FakeStore, lines: list[str]) -> Reply:
        found = [line for line in lines if line in refused]
        if not whole or not found:
            store.keep([line for line in lines if line not in refused])
        if not found:
            return STORED
        text = "unable to parse" if whole else f"partial write: conflict dropped={len(found)}"
        return (400 if status else 422, text, {})

    server = None
    with fake_store(rule) as store:
        server = Server(InfluxSettings(url=store.url, version="2"), Tokens("w"))
        delivery = Delivery(
            server, clock=SystemClock(), stop=threading.Event(), pause=lambda _: 0.0, max_rows=64
        )
        found = delivery.send(rows(100))
        server.close()
    assert {item.row.line for item in found} == refused
    assert store.lines == {row.line for row in rows(100)} - refused
    assert sum(delivery.figures.rejected.values()) == len(bad)


def test_rows_older_than_the_store_keeps_are_counted_apart(deliver: Deliver) -> None:
    def rule(store: FakeStore, lines: list[str]) -> Reply:
        old = [line for line in lines if int(line.rsplit(" ", 1)[1]) < 7]
        store.keep([line for line in lines if line not in old])
        text = f"partial write: points beyond retention policy dropped={len(old)}"
        return (400, text, {}) if old else STORED

    with fake_store(rule) as store:
        delivery = deliver(store.url)
        assert delivery.send(rows(30)) == []
    assert (delivery.figures.expired, delivery.raw_expired_ms) == (7, 6)
    assert len(store.lines) == 23


def test_a_store_that_refuses_every_line_is_an_alarm_and_costs_none(
    deliver: Deliver, stop: threading.Event
) -> None:
    """A proxy's 400 is about no row: nothing may be set aside for it."""
    with fake_store(lambda store, lines: (400, "HTTP request sent to HTTPS port", {})) as store:
        delivery = deliver(store.url)
        ended: list[object] = []

        def run() -> None:
            try:
                ended.append(delivery.send(rows(5)))
            except StoppedError as error:
                ended.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        until = time.monotonic() + 10
        while "every line is refused" not in delivery.failing and time.monotonic() < until:
            time.sleep(0.01)
        assert "every line is refused" in delivery.failing
        store.rule = FakeStore.keep
        thread.join(20)
    assert ended == [[]]
    assert len(store.lines) == 5


def test_413_is_split_and_the_size_remembered(deliver: Deliver) -> None:
    def rule(store: FakeStore, lines: list[str]) -> Reply:
        return store.keep(lines) if len(lines) <= 10 else (413, "too large", {})

    with fake_store(rule) as store:
        delivery = deliver(store.url)
        assert delivery.send(rows(100)) == []
        before = len(store.requests)
        assert delivery.send(rows(40)) == []
        assert all(size <= 10 for _, size in store.requests[before:])
    assert len(store.lines) == 100


def test_a_single_row_too_large_is_set_aside(deliver: Deliver) -> None:
    def rule(store: FakeStore, lines: list[str]) -> Reply:
        large = any("value=3.0" in line for line in lines)
        return (413, "too large", {}) if large else store.keep(lines)

    with fake_store(rule) as store:
        (refused,) = deliver(store.url).send(rows(9))
    assert "value=3.0" in refused.row.line
    assert len(store.lines) == 8


def test_a_missing_bucket_is_made_and_all_begins_anew(deliver: Deliver) -> None:
    missing: Reply = (404, '{"error":"database not found: \\"caretaker\\""}', {})
    with fake_store(first(1, missing)) as store, pytest.raises(EmptiedError):
        deliver(store.url, version="3").send(rows(1))
    assert len(store.created) == 1


@pytest.mark.parametrize("how", ["hang", "trickle", "deaf"])
def test_a_store_that_never_finishes_is_cut_at_the_deadline(
    deliver: Deliver, stop: threading.Event, how: str
) -> None:
    """F12: one byte a second holds no request longer than the deadline."""
    with fake_store(FakeStore.keep) as store, deaf_port() as deaf:
        store.hang, store.trickle_s = how == "hang", 0.2 if how == "trickle" else 0.0
        delivery = deliver(deaf if how == "deaf" else store.url, deadline_s=1.0)
        delivery.set_patience(0.5)
        begun = time.monotonic()
        with pytest.raises(StoppedError):
            delivery.send(rows(3))
        assert 0.9 < time.monotonic() - begun < 6
        assert delivery.failing


def test_a_stop_reaches_a_request_under_way(deliver: Deliver, stop: threading.Event) -> None:
    with fake_store(FakeStore.keep) as store:
        store.hang = True
        delivery = deliver(store.url, deadline_s=20.0)
        ended: list[float] = []

        def run() -> None:
            with pytest.raises(StoppedError):
                delivery.send(rows(3))
            ended.append(time.monotonic())

        thread = threading.Thread(target=run)
        thread.start()
        until = time.monotonic() + 10
        while not store.requests and time.monotonic() < until:
            time.sleep(0.01)
        asked = time.monotonic()
        stop.set()
        delivery._server.interrupt()
        thread.join(10)
    assert ended
    assert ended[0] - asked < 3


def test_a_store_that_is_not_there_is_waited_for(deliver: Deliver) -> None:
    delivery = deliver("http://127.0.0.1:1")
    delivery.set_patience(0.3)
    with pytest.raises(StoppedError):
        delivery.send(rows(2))
    assert "url right" in delivery.remedy
