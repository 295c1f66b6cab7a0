"""Channels that hang, refuse, or leak: the others deliver, the order holds, secrets stay."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from alerting.channels.http import Target
from alerting.notify.deliver import Courier
from alerting.port import Notification, Outcome
from caretaker.clock import MINUTE_MS
from caretaker.config import ChannelSettings
from caretaker.errors import StorageError
from caretaker.vocabulary import Severity
from storage import incidents, outbox
from tests.alerting.test_courier import (
    EVIDENCE,
    NOW_MS,
    Office,
    Receiver,
    Smtp,
    hook,
    receiver,
    smtp,
)

__all__ = ["receiver", "smtp"]  # fixtures
HOOK = hook("http://127.0.0.1:9/", name="hook")


@pytest.fixture
def offices(tmp_path: Path) -> Iterator[Callable[..., Office]]:
    made: list[Office] = []

    def build(*channels: ChannelSettings, name: str = "1号冰箱") -> Office:
        made.append(Office(tmp_path / f"{len(made)}.sqlite3", channels, name))
        return made[-1]

    yield build
    for office in made:
        office.courier.stop()
        office.journal.close()


class Told:
    """A channel that says what it was told to."""

    def __init__(self, name: str, *, says: Callable[[], Outcome]) -> None:
        self.name = name
        self.says = says
        self.got: list[Notification] = []

    def deliver(self, notification: Notification) -> Outcome:
        self.got.append(notification)
        return self.says()


def courier(office: Office, *channels: Told) -> Courier:
    office.courier = Courier(
        office.journal, {c.name: c for c in channels}, site=office.site, clock=office.clock
    )
    return office.courier


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_channel_that_hangs_delays_no_other(
    offices: Callable[..., Office], receiver: Receiver
) -> None:
    hangs = ChannelSettings(name="hangs", kind="webhook", options={"url": "https://x.example/"})
    office = offices(hangs, hook(receiver.url))
    begun = time.monotonic()

    def slow() -> Outcome:
        wait_for(lambda: office.states()["hook"][0] == "delivered")
        return Outcome(delivered=False, retry=True, detail="timeout")

    sink = Told("hook", says=lambda: Outcome(delivered=True))
    running = courier(office, Told("hangs", says=slow), sink)
    running.start()
    wait_for(lambda: "hangs" in running.failing)
    assert time.monotonic() - begun < 10
    assert running.alive
    assert running.failing == {"hangs": "timeout"}
    assert office.states()["hook"] == ("delivered", 1)
    running.stop()
    assert not running.alive


def test_a_recovery_never_overtakes_its_alert(offices: Callable[..., Office]) -> None:
    office = offices(HOOK)
    up = False
    sink = Told("hook", says=lambda: Outcome(delivered=up, retry=True, detail="down"))
    running = courier(office, sink)
    for _ in range(3):
        running.deliver_due()
        office.clock.advance(MINUTE_MS)
    now_ms = office.clock.now_ms()

    def later(connection: sqlite3.Connection) -> None:
        incidents.recover(connection, 1, now_ms=now_ms)
        outbox.queue(connection, incident=1, kind="resolved", channel="hook", now_ms=now_ms)
        incidents.acknowledge(connection, 1, actor="x", now_ms=now_ms)
        incidents.resolve(connection, 1, now_ms=now_ms)
        other = incidents.open_incident(
            connection, rule="cold_storage_warm", version="1", device=1, since_ms=NOW_MS,
            severity=Severity.CRITICAL, now_ms=now_ms, evidence=EVIDENCE,
        )  # fmt: skip
        outbox.queue(connection, incident=other, kind="opened", channel="hook", now_ms=now_ms)

    office.journal.call(later)
    up = True
    sink.got.clear()
    office.clock.advance(20 * MINUTE_MS)
    assert running.deliver_due() == 3
    assert [(n.severity.value, n.kind) for n in sink.got] == [
        ("critical", "opened"),
        ("alarm", "opened"),
        ("alarm", "resolved"),
    ]
    assert running.failing == {}


def test_a_full_disk_repeats_no_message(
    offices: Callable[..., Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    office = offices(HOOK)
    sink = Told("hook", says=lambda: Outcome(delivered=True))
    running = courier(office, sink)
    call, full = office.journal.call, True

    def refuse(work: Callable[..., object]) -> object:
        if full:
            raise StorageError("database or disk is full")
        return call(work)

    monkeypatch.setattr(office.journal, "call", refuse)
    for _ in range(3):
        with pytest.raises(StorageError):
            running.deliver_due()
    full = False
    running.deliver_due()
    assert len(sink.got) == 1
    assert office.states() == {"hook": ("delivered", 1)}


def test_what_people_must_mend_is_not_given_up(
    offices: Callable[..., Office], receiver: Receiver
) -> None:
    office = offices(hook(receiver.url))
    receiver.codes = [401, 403, 404, 302, 503]
    for _ in range(6):
        office.courier.deliver_due()
        office.clock.advance(20 * MINUTE_MS)
    assert office.states() == {"hook": ("delivered", 6)}


def test_a_channel_may_have_a_chinese_name(
    offices: Callable[..., Office], receiver: Receiver
) -> None:
    office = offices(hook(receiver.url, name="值班群"))
    assert office.courier.deliver_due() == 1
    assert receiver.got[0][0]["Idempotency-Key"].isascii()


def test_a_channel_no_longer_set_up_is_shown_and_blocks_nothing(
    offices: Callable[..., Office],
) -> None:
    office = offices(HOOK, hook("http://127.0.0.1:9/", name="old"))
    running = courier(office, Told("hook", says=lambda: Outcome(delivered=True)))
    assert running.deliver_due() == 1
    assert office.states() == {"hook": ("delivered", 1), "old": ("failed", 1)}


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/robot/send?access_token=0123456789abcdef",
        "http://user:0123456789abcdef@127.0.0.1:9/x",
        "http://127.0.0.1:9/hook/0123456789abcdef",
    ],
)
def test_no_key_of_a_robot_reaches_a_record(offices: Callable[..., Office], url: str) -> None:
    office = offices(hook(url))
    office.courier.deliver_due()
    with office.journal.reader() as connection:
        dump = json.dumps([tuple(r) for r in connection.execute("SELECT detail FROM outbox")])
    assert office.states() == {"hook": ("waiting", 1)}
    assert "0123456789abcdef" not in dump + json.dumps(office.courier.failing)
    target = Target(url, hidden=("tell-nobody",))
    assert "0123456789abcdef" not in target.clean(f"Cannot POST {url}")
    assert "tell-nobody" not in target.clean("signature of tell-nobody is wrong")


def test_a_mail_says_how_urgent_it_is_in_chinese(
    offices: Callable[..., Office], smtp: Smtp
) -> None:
    mail = ChannelSettings(
        name="mail", kind="email",
        options={"host": "127.0.0.1", "port": smtp.server_address[1], "security": "none",
                 "sender": "c@s.example", "recipients": "a@s.example"},
    )  # fmt: skip
    office = offices(mail)
    assert office.courier.deliver_due() == 1
    (raw,) = smtp.mails
    head = raw.partition(b"\r\n\r\n")[0]
    assert head.isascii()  # RFC 2047
    assert b"\r\nBcc" not in head
    parsed = message_from_bytes(raw, policy=default)
    assert parsed["Subject"] == "[报警] 1号冰箱温度过高：11.5 °C"
    assert parsed["Message-ID"] == "<1-opened-0-mail@caretaker>"
