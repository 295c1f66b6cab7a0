"""The watchdog in the running chain: it walks the whole way, and is red soon when a part is not."""

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from alerting.notify.daily import DailyNote
from caretaker.app import App
from caretaker.clock import DAY_MS, SystemClock
from caretaker.config import (
    ApiSettings,
    BrokerSettings,
    ChannelSettings,
    DeviceSettings,
    SiteSettings,
    WatchdogSettings,
)
from caretaker.secrets import load_or_create
from ingest.broker.mosquitto import MosquittoBroker
from ingest.broker.supervise import free_port
from storage import lease
from tests.contract.channel_servers import HttpService
from tests.faults.office import START_MS, Office

pytestmark = pytest.mark.slow
FRIDGE = DeviceSettings("native:s/f", name="1号冰箱", role="fridge", interval_s=300)
RED_WITHIN_S = 15.0


@pytest.fixture
def outside() -> Iterator[HttpService]:
    made = HttpService("ok")
    yield made
    made.stop()


@pytest.fixture
def app(tmp_path: Path, outside: HttpService) -> Iterator[App]:
    settings = SiteSettings(
        id="s",
        broker=BrokerSettings(kind="mosquitto", port=free_port()),
        api=ApiSettings(port=free_port()),
        channels=(ChannelSettings("console", "console", ("alarm", "critical")),),
        devices=(FRIDGE,),
        watchdog=WatchdogSettings(
            every_s=600, heartbeat_url=f"http://127.0.0.1:{outside.port}/", heartbeat_private=True
        ),
    )
    made = App(settings, data_dir=tmp_path, clock=SystemClock(), secrets=load_or_create(tmp_path))
    made.start()
    yield made
    made.stop()


def until(condition: Callable[[], object], *, within_s: float) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within_s
        time.sleep(0.1)
    return time.monotonic() - began


def red(app: App) -> set[str]:
    return {name for name, ok, _, _ in app.checks() if not ok}


def test_the_canary_walks_the_whole_way_and_nobody_sees_it(app: App, outside: HttpService) -> None:
    until(lambda: outside.got, within_s=30)  # the heartbeat comes after the round trip, not before
    trip = {name: value for name, _, value, _ in app.checks()}["round trip"]
    assert trip.startswith("last full round trip")
    assert not red(app)
    headers = {"Authorization": f"Bearer {app.secrets.operator_token}"}
    with httpx2.Client(base_url=f"{app.url}/api/v1", headers=headers) as client:
        assert client.get("/incidents?state=all").json()["items"] == []
        assert [d["key"] for d in client.get("/devices").json()["items"]] == [FRIDGE.key]
        assert client.get("/today").json()["last_reading_ms"] is None
        assert 'incidents_open{severity="notice"}' not in client.get("/metrics").text
    connection = sqlite3.connect(app.journal.path)
    assert connection.execute(
        "SELECT count(*) FROM audit WHERE action LIKE 'incident%'"
    ).fetchone() == (0,)
    connection.close()


def test_a_deaf_broker_is_red_within_fifteen_seconds(app: App) -> None:
    until(lambda: not red(app), within_s=20)
    assert isinstance(app.broker, MosquittoBroker)
    os.kill(app.broker.pid, signal.SIGSTOP)
    try:
        assert until(lambda: "broker answers" in red(app), within_s=RED_WITHIN_S) > 0
    finally:
        os.kill(app.broker.pid, signal.SIGCONT)
    until(lambda: "broker answers" not in red(app), within_s=30)


def test_a_journal_that_takes_no_commit_is_red_within_fifteen_seconds(app: App) -> None:
    until(lambda: not red(app), within_s=20)
    blocker = sqlite3.connect(app.journal.path, timeout=20, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")  # as a disk that does not answer
    try:
        until(lambda: "commit" in red(app), within_s=RED_WITHIN_S)
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()
    until(lambda: "commit" not in red(app), within_s=30)


def test_one_that_was_taken_over_writes_no_more_and_ends(app: App) -> None:
    until(lambda: not red(app), within_s=20)
    other = sqlite3.connect(app.journal.path, timeout=20, isolation_level=None)
    other.execute("UPDATE lease SET epoch = epoch + 1, holder = 'stand-by:1'")
    other.close()
    with pytest.raises(lease.FencedError):
        app.journal.call(lambda c: c.execute("DELETE FROM setting"))
    assert app._ended.wait(15)


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_the_daily_note_says_who_speaks_and_comes_once(tmp_path: Path, lang: str) -> None:
    site = SiteSettings(
        lang=lang, name="梧桐小学", devices=(FRIDGE, replace(FRIDGE, key="t:g", name="2号冰箱"))
    )
    office = Office(tmp_path / "j.sqlite3", site, secrets={})
    office.send({"native:s/f": 4.0})
    office.clock.advance(120_000)
    note = DailyNote(office.journal, site, clock=office.clock)
    office.clock.at_ms = START_MS - 40 * 60_000  # 07:20
    assert not note.look()
    office.clock.at_ms = START_MS + 120_000
    assert note.look()
    assert not note.look()
    with office.journal.reader() as connection:
        title, body = note.words(connection, now_ms=office.clock.now_ms())
    assert ("1/2" if lang == "zh-CN" else "1 of 2") in title
    assert "2" in body
    assert "2号冰箱" in body
    assert office.courier.deliver_due() == 1
    office.clock.advance(DAY_MS)
    assert note.look()
    office.close()
