"""What codecs stand on: several devices a message, knowledge, replies, wills, redeliveries."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from caretaker.clock import ManualClock
from caretaker.errors import StorageError
from caretaker.vocabulary import Arrival, Measured, Quality, RejectReason
from ingest import codecs
from ingest.codecs.port import Heard, Memory, Route, arrive
from ingest.decoder import Decoder
from ingest.driver import Driver, load_drivers, read_driver
from ingest.ingest import Ingest
from ingest.metering import intervals
from ingest.replay import replay
from ingest.sink import DoneProtocol
from ingest.transport.memory import MemoryTransport
from ingest.transport.port import Message
from storage import devices, dialect, quarantine
from storage.journal import Journal
from tests.faults.oracle import until

NOW_MS = 1_788_220_860_000
GATEWAY = 'name="gateway"\nmodel="g"\ncodec="gateway"\ntopics=["gateway/{device}/{kind}"]'


class Gateway:
    """`gateway/x/birth` names a device, `gateway/x/data` sends for it and for another."""

    def __init__(self, driver: Driver, memory: Memory) -> None:
        self._driver, self._memory = driver, memory

    def decode(self, heard: Heard, route: Route) -> Sequence[Arrival] | None:
        key = f"gateway:{route.names['device']}"
        if route.names["kind"] == "birth":
            return (
                arrive(heard, self._driver, device="", knowledge=((key, heard.message.payload),)),
            )
        if route.names["kind"] != "data":
            return None
        if key not in self._memory:
            ask = ((f"gateway/{route.names['device']}/ask", b"birth"),)
            return (arrive(heard, self._driver, device="", replies=ask),)
        value = Measured("", "power", NOW_MS, float(heard.message.payload))
        return tuple(
            arrive(heard, self._driver, device=f"gateway:{name}", measured=(value,))
            for name in (self._memory[key].decode(), "other")
        )


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch) -> Decoder:
    monkeypatch.setattr(codecs, "CODECS", {**codecs.CODECS, "gateway": Gateway})
    monkeypatch.setattr("ingest.decoder.CODECS", codecs.CODECS)
    return fresh()


def fresh() -> Decoder:
    drivers = (*load_drivers(), read_driver(GATEWAY, file="gateway.toml"))
    return Decoder(drivers, clock=ManualClock(NOW_MS))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = opened(tmp_path / "j.sqlite3")
    yield made
    made.close()


def opened(path: Path) -> Journal:
    journal = Journal(
        path, zone=ZoneInfo("Asia/Shanghai"), arithmetic=intervals, clock=ManualClock(NOW_MS)
    )
    journal.open()
    return journal


def message(topic: str, payload: bytes, **more: bool) -> Message:
    return Message(topic, payload, NOW_MS, **more)


def test_what_was_learned_survives_a_restart_with_the_readings_it_explains(
    decoder: Decoder, tmp_path: Path
) -> None:
    journal = opened(tmp_path / "j.sqlite3")
    journal.append(decoder.decode(message("gateway/g1/birth", b"boiler")))
    journal.append(decoder.decode(message("gateway/g1/data", b"1.5")))
    assert {device.key for device in journal.devices()} == {"gateway:boiler", "gateway:other"}
    journal.close()
    journal = opened(tmp_path / "j.sqlite3")
    other = fresh()
    assert other.decode(message("gateway/g1/data", b"2"))[0].measured == ()
    other.remember(journal.call(dialect.load))
    assert len(other.decode(message("gateway/g1/data", b"2"))) == 2
    journal.append(other.decode(message("gateway/g1/birth", b"")))
    assert journal.call(dialect.load) == {}
    journal.close()


def test_what_is_known_is_not_written_again_and_the_memory_is_bounded(
    decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert decoder.decode(message("gateway/g1/birth", b"boiler"))[0].knowledge
    assert decoder.decode(message("gateway/g1/birth", b"boiler"))[0].knowledge == ()
    monkeypatch.setattr("ingest.decoder._MAX_KNOWN", 1)
    (arrival,) = decoder.decode(message("gateway/g2/birth", b"x"))
    assert (arrival.knowledge, arrival.rejected[0].reason) == ((), RejectReason.TOO_LARGE)
    assert decoder.decode(message("gateway/g1/birth", b"pump"))[0].knowledge


def test_another_drivers_turn_comes_when_a_codec_says_not_mine(decoder: Decoder) -> None:
    (arrival,) = decoder.decode(message("gateway/g1/else", b"1"))
    assert arrival.rejected[0].reason == RejectReason.NO_DRIVER


def test_each_device_of_a_redelivered_message_is_absorbed_once(journal: Journal) -> None:
    two = [
        replace(arrival, redelivered=again)
        for again in (False, True)
        for arrival in both(message("x/y", b"3"))
    ]
    assert len(journal.append(two[:2]).readings) == 2
    stored = journal.append([replace(arrival, received_ms=NOW_MS + 5) for arrival in two[2:]])
    assert (len(stored.readings), stored.duplicates) == (0, 2)


def test_what_was_rolled_back_is_not_remembered_even_if_the_file_cannot_be_read(
    journal: Journal,
) -> None:
    arrivals = both(message("x/y", b"3"))
    other = sqlite3.connect(journal.path)
    other.execute("ALTER TABLE delivery RENAME TO elsewhere")
    for _ in range(2):
        with pytest.raises(StorageError):
            journal.append(arrivals)
    other.execute("ALTER TABLE elsewhere RENAME TO delivery")
    other.close()
    again = [replace(arrival, redelivered=True) for arrival in arrivals]
    stored = journal.append(again)
    assert (len(stored.readings), stored.duplicates) == (2, 0)


def both(sent: Message) -> list[Arrival]:
    driver = read_driver('name="g"\nmodel="g"\ntopics=["a"]', file="g.toml")
    value = Measured("", "power", NOW_MS, 3.0, Quality.NO_CLOCK)
    return [arrive(Heard(sent), driver, device=key, measured=(value,)) for key in ("g:1", "g:2")]


def test_a_will_is_shown_on_its_device_and_makes_none(journal: Journal) -> None:
    decoder = fresh_plain()
    offline = message("tele/plug/LWT", b"Offline", retained=True)
    journal.append(decoder.decode(offline))
    assert journal.devices() == []
    journal.append(decoder.decode(message("tele/plug/SENSOR", b'{"ENERGY":{"Power":1}}')))
    (device,) = journal.devices()
    assert (device.key, device.available) == ("tasmota:plug", False)
    heard_ms = device.last_heard_ms
    journal.append(decoder.decode(message("tele/plug/LWT", b"Online")))
    with journal.reader() as connection:
        again = devices.find(connection, device.id)
        assert quarantine.counts(connection) == {}
    assert again is not None
    assert (again.available, again.last_heard_ms) == (True, heard_ms)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"Online", True),
        (b"offline", False),
        (b"true", True),
        (b"false", False),
        (b'{"state": "offline"}', False),
        (b"connected", True),
        (b"lost", False),
    ],
)
def test_words_of_availability(payload: bytes, expected: bool) -> None:
    (arrival,) = fresh_plain().decode(message("tele/a b/LWT", payload))
    assert (arrival.device, arrival.available) == ("tasmota:a b", expected)


def fresh_plain() -> Decoder:
    return Decoder(load_drivers(), clock=ManualClock(NOW_MS))


class Failing:
    """A store that refuses the first batch."""

    def __init__(self, journal: Journal) -> None:
        self.failed = threading.Event()
        self._journal = journal

    def submit(self, arrivals: Sequence[Arrival], done: DoneProtocol) -> None:
        if not self.failed.is_set():
            self.failed.set()
            done(None, StorageError("full"))
        else:
            self._journal.submit(arrivals, done)


def test_a_reply_goes_out_after_the_commit_and_once(decoder: Decoder, journal: Journal) -> None:
    transport, store = MemoryTransport(), Failing(journal)
    ingest = Ingest(transport, decoder, store, clock=ManualClock(NOW_MS))
    transport.deliver(message("gateway/g1/data", b"1"))
    ingest.start()
    try:
        until(store.failed.is_set, within_s=10)
        assert transport.published == []
        assert transport.pending == 1
        until(lambda: transport.pending == 0, within_s=10)
    finally:
        ingest.stop()
    assert transport.published == [("gateway/g1/ask", b"birth")]


def test_a_held_message_is_used_once_its_reason_is_gone(journal: Journal) -> None:
    text = 'name="acme"\nmodel="a"\ntopics=["acme/{device}"]\ndevice="acme:{device}"\n'
    energy = '[[field]]\npath="e"\nquantity="energy"\nunit="kWh"\n'
    power = '[[field]]\npath="p"\nquantity="power"\nunit="W"\n'
    before = Decoder((read_driver(text + power + energy, file="a"),), clock=ManualClock(NOW_MS))
    mended = Decoder((read_driver(text + energy, file="a"),), clock=ManualClock(NOW_MS))
    journal.append(before.decode(message("acme/m", b'{"p": "high", "e": 5}')))
    assert replay(journal, before, reason="wrong-type") == (0, 1)
    assert replay(journal, mended, reason="wrong-type") == (1, 0)
    (point,) = journal.points()
    assert len(journal.history(point.id, start_ms=0, end_ms=2**50)) == 1
